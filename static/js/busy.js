// Submits a form only once: the pressed button shows a busy state until the response arrives. htmx forms use hx-sync
// instead and are skipped.
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

// A page restored from the back/forward cache can submit its forms again.
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(rest));
