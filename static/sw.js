// The service worker. Caches the versioned static files and the public offline page; never a page, a fragment or a
// response with a cookie. The server replaces the names between @ signs (blueprints/pwa/routes.py).
const VERSION = "@version@";
const FILES = "@files@";
const OFFLINE = "/offline";
const ICON = "@icon@";
const RENEWED = "@renewed@";
const SERVER_KEY = "@key@"; // VAPID public key of this server
const PREFIX = "bizcuit-";
const CACHE = PREFIX + VERSION;

// Fetches without cookies, so that nothing personal can be cached. A versioned file never changes, so the HTTP cache
// may supply it.
const anonymous = (address) => new Request(address, {
  credentials: "omit", cache: address === OFFLINE ? "reload" : "default",
});

async function install() {
  const cache = await caches.open(CACHE);
  await cache.addAll([...FILES, OFFLINE].map(anonymous));
  await self.skipWaiting();
}

async function activate() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.registration.navigationPreload?.enable();
  await self.clients.claim();
}

async function kept(request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(request, { ignoreVary: true })) ?? fetch(request);
}

// Fetches a page from the network only; without network it returns the offline page.
async function page(event) {
  try {
    return (await event.preloadResponse) ?? (await fetch(event.request));
  } catch {
    const cache = await caches.open(CACHE);
    return (await cache.match(OFFLINE, { ignoreVary: true })) ?? Response.error();
  }
}

// Shows the notification as the server wrote it; it never contains a name or an amount.
async function told(event) {
  const { title, text, path, tag, waiting } = event.data.json();
  await self.registration.showNotification(title, {
    body: text, tag, data: path, icon: ICON, badge: ICON, renotify: true,
  });
  await navigator.setAppBadge?.(waiting);
}

// Opens the address of the notification in the open window, else in a new one. A required login returns to it.
async function opened(event) {
  event.notification.close();
  const address = new URL(event.notification.data, self.location.origin);
  if (address.origin !== self.location.origin) return;
  const [window] = await self.clients.matchAll({ type: "window" });
  if (!window) await self.clients.openWindow(address);
  else await (await window.navigate(address).catch(() => null) ?? window).focus();
}

// Sends the new subscription to the server when the browser has replaced the old one.
async function renewed(event) {
  const made = event.newSubscription
    ?? await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: SERVER_KEY });
  await fetch(RENEWED, { method: "POST", body: JSON.stringify(made), headers: { "Content-Type": "application/json" } });
}

self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renewed(event)));
self.addEventListener("push", (event) => event.waitUntil(told(event)));
self.addEventListener("notificationclick", (event) => event.waitUntil(opened(event)));
self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== self.location.origin) return;
  if (request.mode === "navigate") event.respondWith(page(event));
  else if (FILES.includes(address.pathname + address.search)) event.respondWith(kept(request));
});
