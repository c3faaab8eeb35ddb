"""What makes the pages an app on the phone: manifest, service worker, offline page."""

from blueprints.pwa.routes import blueprint

__all__ = ["blueprint"]
