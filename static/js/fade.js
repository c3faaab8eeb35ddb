// Ignores the rejection of an interrupted view transition (base.css), after a tap or in a hidden window. The browser
// may report it before other scripts have loaded, so this script comes before the styles.
addEventListener("unhandledrejection", (event) => {
  if (/\btransition\b/i.test(event.reason?.message)) event.preventDefault();
});
