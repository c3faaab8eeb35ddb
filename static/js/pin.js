// The PIN pad: large keys next to a normal password field, so that typing, pasting and screen readers work too. The
// sixth digit submits the form; or shows the pad that follows (data-then); or waits for the button (data-by-hand).
const say = (text) => document.dispatchEvent(new CustomEvent("bizcuit:say", { detail: text }));
const field = (pad) => pad.querySelector("input[data-pin]");
const beside = (pad, name) => pad.dataset[name] ? document.getElementById(pad.dataset[name]) : null;

function show(pad, instead) {
  instead.hidden = true;
  pad.hidden = false;
  say(pad.querySelector("label").textContent);
  if (matchMedia("(pointer: fine)").matches) field(pad).focus();
}

// The pad that follows waits until it is its turn; what is wrong with it is said where one begins again.
function hide(pad, first) {
  pad.hidden = true;
  first.querySelector(".error-place").append(...pad.querySelectorAll(".error"));
}

function bind(pad) {
  const input = field(pad);
  const dots = [...pad.querySelectorAll(".dots i")];
  if (!input || pad.dataset.bound) return;
  pad.dataset.bound = "1";
  input.setAttribute("inputmode", "none"); // no on-screen keyboard over the large keys
  const [before, then] = [beside(pad, "before"), beside(pad, "then")];
  if (before) hide(pad, before);

  const draw = () => {
    input.value = input.value.replace(/\D/g, "").slice(0, dots.length);
    dots.forEach((dot, index) => dot.classList.toggle("f", index < input.value.length));
    pad.querySelector(".dots").classList.remove("wrong");
  };
  const full = () => input.value.length === dots.length;
  const goOn = () => {
    if (!full()) return;
    if (then) show(then, pad);
    else if (!("byHand" in pad.dataset)) pad.closest("form").requestSubmit();
  };

  input.addEventListener("input", () => { draw(); goOn(); });
  pad.addEventListener("click", (event) => {
    const key = event.target.closest("button[data-key]");
    if (!key || (full() && key.dataset.key !== "back")) return;
    if (before && key.dataset.key === "back" && !input.value) return show(before, pad);
    input.value = key.dataset.key === "back" ? input.value.slice(0, -1) : input.value + key.dataset.key;
    draw();
    say(pad.dataset.count.replace("{n}", input.value.length));
    goOn();
  });
  draw();
  if (matchMedia("(pointer: fine)").matches && !before) input.focus();
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
