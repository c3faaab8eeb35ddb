// Offers once to install the app: with a button where the browser supports it, with instructions on an iPhone or iPad.
// Not shown in the installed app.
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
    place.querySelector("form").submit(); // records the offer, so that it is not repeated
  });
  if (navigator.standalone === false) offer("steps"); // only Safari on iPhone and iPad has this property
}
