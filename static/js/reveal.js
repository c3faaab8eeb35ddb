// "Toon wachtwoord" (show password): toggles a secret field, and hides it again before the form is submitted.
function set(button, shown) {
  const input = document.getElementById(button.getAttribute("aria-controls"));
  if (!input) return;
  input.type = shown ? "text" : "password";
  button.textContent = shown ? button.dataset.hide : button.dataset.show;
  button.setAttribute("aria-pressed", String(shown));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-reveal]");
  if (button) set(button, button.getAttribute("aria-pressed") !== "true");
});

document.addEventListener("submit", (event) => {
  event.target.querySelectorAll("[data-reveal]").forEach((button) => set(button, false));
}, true);
