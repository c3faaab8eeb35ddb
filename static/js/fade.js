// One page fades into the next (base.css) and that may be cut short, by a tap in between or a window that is hidden. It
// is no fault, and the browser reports it before any script of the page is there: so this one stands before the styles.
addEventListener("unhandledrejection", (event) => {
  if (/\btransition\b/i.test(event.reason?.message)) event.preventDefault();
});
