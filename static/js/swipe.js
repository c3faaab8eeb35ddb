// Swiping a line as an alternative to ✗ and ✓: left excludes it, right includes it, if its button allows that. A short
// or vertical swipe does nothing.
const FAR = 0.3; // of the width of the line
const STILL = 12; // pixels before it counts as a swipe
let held = null;

const button = (line, left) => line.querySelector(left ? ".no[aria-pressed=false]" : ".yes[aria-pressed=false]");

// Moves the line with a paused animation: an inline style would remain, and the CSP forbids it.
function move(by) {
  const wide = held.line.offsetWidth;
  held.shown ??= held.line.animate({ translate: [`${-wide}px`, `${wide}px`] }, { duration: 2 * wide, fill: "both" });
  held.shown.pause();
  held.shown.currentTime = Math.min(2 * wide, Math.max(0, wide + by));
}

function rest() {
  held?.shown?.cancel();
  held = null;
}

document.addEventListener("pointerdown", (event) => {
  rest();
  const line = event.pointerType === "mouse" ? null : event.target.closest(".line");
  if (line?.querySelector(".yn") && !event.target.closest("button")) {
    held = { line, id: event.pointerId, x: event.clientX, y: event.clientY, by: 0 };
  }
});

document.addEventListener("pointermove", (event) => {
  if (event.pointerId !== held?.id) return;
  held.by = event.clientX - held.x;
  const able = button(held.line, held.by < 0);
  if (Math.abs(event.clientY - held.y) > Math.max(STILL, Math.abs(held.by))) rest();
  else if (held.shown || Math.abs(held.by) >= STILL) move(able ? held.by : 0);
});

document.addEventListener("pointerup", (event) => {
  if (event.pointerId !== held?.id) return;
  const { line, by } = held;
  rest();
  if (Math.abs(by) > line.offsetWidth * FAR) button(line, by < 0)?.click();
});

document.addEventListener("pointercancel", rest);
