// "Kopieer" (copy): copies the text of an element to the clipboard; without permission it selects the text instead.
async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  if (!source) return;
  const label = button.querySelector("[data-label]") ?? button;
  button.dataset.before ??= label.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    label.textContent = button.dataset.done;
  } catch {
    getSelection().selectAllChildren(source);
    label.textContent = button.dataset.selected;
  }
  document.dispatchEvent(new CustomEvent("bizcuit:say", { detail: label.textContent }));
  setTimeout(() => { label.textContent = button.dataset.before; }, 2500);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});
