// Turns notifications in this browser on and off, and submits the subscription to the server. [data-notifications] has
// the server's key, and a part for each state: on, off, refused, install or impossible.
const place = document.querySelector("[data-notifications]");
const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

function show(state) {
  for (const part of place.querySelectorAll("[data-state]")) part.hidden = part.dataset.state !== state;
}

function possible() {
  return "serviceWorker" in navigator && "PushManager" in globalThis && "Notification" in globalThis;
}

// An iPhone or iPad shows notifications only for an installed app.
const apple = () => /iPhone|iPad/.test(navigator.userAgent)
  || (/Mac/.test(navigator.platform) && navigator.maxTouchPoints > 1);

async function state() {
  if (!possible()) return apple() ? "install" : "impossible";
  if (Notification.permission === "denied") return "refused";
  const worker = await navigator.serviceWorker.getRegistration();
  const known = await worker?.pushManager.getSubscription();
  return known && place.dataset.notifications === "on" ? "on" : "off";
}

async function switchOn(form) {
  if (await Notification.requestPermission() !== "granted") return show(await state());
  const worker = await navigator.serviceWorker.ready;
  const key = decode(place.dataset.key);
  let made = await worker.pushManager.getSubscription();
  // A subscription for another server key would never receive a message.
  if (made && !same(made.options.applicationServerKey, key)) made = await made.unsubscribe() && null;
  made ??= await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  form.elements.subscription.value = JSON.stringify(made);
  form.submit();
}

function same(one, other) {
  const bytes = new Uint8Array(one ?? []);
  return bytes.length === other.length && bytes.every((byte, at) => byte === other[at]);
}

async function switchOff(form) {
  const worker = await navigator.serviceWorker.getRegistration();
  await (await worker?.pushManager.getSubscription())?.unsubscribe();
  form.submit();
}

function bind(name, act) {
  const form = place.querySelector(`form[data-switch=${name}]`);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.setAttribute("aria-busy", "true");
    act(form).catch((reason) => {
      show("impossible");
      console.info("no notifications:", reason.name);
    }).finally(() => button.removeAttribute("aria-busy"));
  });
}

if (place) {
  bind("on", switchOn);
  bind("off", switchOff);
  state().then(show);
}
