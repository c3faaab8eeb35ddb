// Registers the service worker, which caches only the versioned static files and the offline page.
if ("serviceWorker" in navigator && isSecureContext) {
  addEventListener("load", () => {
    navigator.serviceWorker.register("/sw.js", { scope: "/", updateViaCache: "none" }).catch((reason) => {
      console.info("no service worker:", reason.message);
    });
  });
}

// Sets the badge on the app's icon to the number of waiting payments, if this page has it.
const waiting = document.querySelector("meta[name=waiting]");
if (waiting && navigator.setAppBadge) navigator.setAppBadge(Number(waiting.content)).catch(() => {});
