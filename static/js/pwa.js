// Registers the service worker, which keeps the versioned static files and the offline page, nothing else.
if ("serviceWorker" in navigator && isSecureContext) {
  addEventListener("load", () => {
    navigator.serviceWorker.register("/sw.js", { scope: "/", updateViaCache: "none" }).catch((reason) => {
      console.info("no service worker:", reason.message);
    });
  });
}
