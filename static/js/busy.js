// A form is sent once: the pressed button shows that it is busy until the answer comes. htmx forms
// have hx-sync for that and are left alone.
function rest(form) {
  delete form.dataset.sent;
  form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || event.submitter?.hasAttribute("hx-post") || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  event.submitter?.setAttribute("aria-busy", "true");
});

// The page comes back from the browser's memory when someone goes back: its forms may be sent again.
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(rest));
