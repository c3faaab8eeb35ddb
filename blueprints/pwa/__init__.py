"""The progressive web app: manifest, service worker, offline page."""

from blueprints.pwa.routes import blueprint

__all__ = ["blueprint"]
