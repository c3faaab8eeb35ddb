// Announces results in the live region, and shows a message when the server cannot be reached.
const region = () => document.getElementById("live");
const toast = () => document.getElementById("toast");
let hiding;

function say(text) {
  const element = region();
  if (!element) return;
  element.textContent = "";
  requestAnimationFrame(() => { element.textContent = text; });
}

function show(text) {
  const element = toast();
  if (!element || !text) return;
  element.textContent = text;
  element.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { element.hidden = true; }, 6000);
}

// Without a network a form stays as it was typed: sending it would replace the page by the offline page.
document.addEventListener("submit", (event) => {
  if (navigator.onLine || event.defaultPrevented) return;
  event.preventDefault();
  show(toast()?.dataset.offline);
});
document.addEventListener("bizcuit:say", (event) => say(event.detail));
document.addEventListener("htmx:sendError", () => show(toast()?.dataset.offline));
document.addEventListener("htmx:timeout", () => show(toast()?.dataset.offline));
document.addEventListener("htmx:responseError", () => show(toast()?.dataset.failed));
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful && toast()) toast().hidden = true;
});
