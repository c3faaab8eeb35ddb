// Offers to put the app on the home screen, once: where the browser can do it itself by one button, and on an iPhone or
// iPad, which has no such button, with the steps. Not in the app that is there already.
const place = document.querySelector("[data-install]");
const there = matchMedia("(display-mode: standalone)").matches || navigator.standalone;
let asked = null;

function offer(how) {
  place.hidden = false;
  for (const part of place.querySelectorAll("[data-how]")) part.hidden = part.dataset.how !== how;
}

if (place && !there) {
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    asked = event;
    offer("button");
  });
  place.querySelector("[data-how=button] button").addEventListener("click", async () => {
    asked.prompt();
    await asked.userChoice;
    place.querySelector("form").submit(); // offered; whatever was chosen, not again
  });
  if (navigator.standalone === false) offer("steps"); // only Safari on iPhone and iPad knows this word
}
