// The PIN pad: large keys next to a normal password field, so that typing, pasting and screen readers work too. The
// sixth digit submits the form.
function bind(pad) {
  const input = pad.querySelector("input[data-pin]");
  const dots = [...pad.querySelectorAll(".dots i")];
  if (!input || pad.dataset.bound) return;
  pad.dataset.bound = "1";
  input.setAttribute("inputmode", "none"); // no on-screen keyboard over the large keys

  const draw = () => {
    input.value = input.value.replace(/\D/g, "").slice(0, dots.length);
    dots.forEach((dot, index) => dot.classList.toggle("f", index < input.value.length));
    pad.querySelector(".dots").classList.remove("wrong");
  };
  const full = () => input.value.length === dots.length;
  const send = () => { if (full()) pad.closest("form").requestSubmit(); };

  input.addEventListener("input", () => { draw(); send(); });
  pad.addEventListener("click", (event) => {
    const key = event.target.closest("button[data-key]");
    if (!key || (full() && key.dataset.key !== "back")) return;
    input.value = key.dataset.key === "back" ? input.value.slice(0, -1) : input.value + key.dataset.key;
    draw();
    document.dispatchEvent(new CustomEvent("bizcuit:say", {
      detail: pad.dataset.count.replace("{n}", input.value.length),
    }));
    send();
  });
  draw();
  if (matchMedia("(pointer: fine)").matches) input.focus();
}

const all = () => document.querySelectorAll("[data-pinpad]").forEach(bind);
all();
document.addEventListener("htmx:afterSettle", all);
// Clears the PIN when the page is restored from the back/forward cache.
addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll("input[data-pin]").forEach((input) => {
    input.value = "";
    input.dispatchEvent(new Event("input"));
  });
});
