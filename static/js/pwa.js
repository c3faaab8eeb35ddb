// Registers the service worker, which keeps the versioned static files and the offline page, nothing else.
if ("serviceWorker" in navigator && isSecureContext) {
  addEventListener("load", () => {
    navigator.serviceWorker.register("/sw.js", { scope: "/", updateViaCache: "none" }).catch((reason) => {
      console.info("no service worker:", reason.message);
    });
  });
}

// The number on the app's icon, where this page knows it: how many payments wait.
const waiting = document.querySelector("meta[name=waiting]");
if (waiting && navigator.setAppBadge) navigator.setAppBadge(Number(waiting.content)).catch(() => {});
