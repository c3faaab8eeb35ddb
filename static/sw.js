// The service worker. It keeps the versioned static files and the public offline page, and nothing
// that belongs to anyone: no page, no fragment, no answer with a cookie ever enters its cache.
// Everything between two @ is filled in when this file is served (blueprints/pwa/routes.py).
const VERSION = "@version@";
const FILES = "@files@";
const OFFLINE = "/offline";
const ICON = "@icon@";
const RENEWED = "@renewed@";
const SERVER_KEY = "@key@"; // by which push services know this server
const PREFIX = "bizcuit-";
const CACHE = PREFIX + VERSION;

// Fetched without cookies, so that not even by mistake something of the signed-in person is kept.
// A file under its version is the same wherever it comes from, also when the page has just fetched it.
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

// A page always comes from the network. Without network: a page that says so, and that is safe to leave.
async function page(event) {
  try {
    return (await event.preloadResponse) ?? (await fetch(event.request));
  } catch {
    const cache = await caches.open(CACHE);
    return (await cache.match(OFFLINE, { ignoreVary: true })) ?? Response.error();
  }
}

// What happened, as the server says it: no name and no amount is ever in it.
async function told(event) {
  const { title, text, path, tag, waiting } = event.data.json();
  await self.registration.showNotification(title, {
    body: text, tag, data: path, icon: ICON, badge: ICON, renotify: true,
  });
  await navigator.setAppBadge?.(waiting);
}

// The window that is open leads there, else a new one. Signing in, where needed, comes back to the same place.
async function opened(event) {
  event.notification.close();
  const address = new URL(event.notification.data, self.location.origin);
  if (address.origin !== self.location.origin) return;
  const [window] = await self.clients.matchAll({ type: "window" });
  if (!window) await self.clients.openWindow(address);
  else await (await window.navigate(address).catch(() => null) ?? window).focus();
}

// The browser has ended a subscription by itself: the server hears of the next one, before a message is missed.
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
