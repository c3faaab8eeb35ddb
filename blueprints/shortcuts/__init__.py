"""URLs without a client, which redirect to the last used client."""

from blueprints.shortcuts.routes import blueprint

__all__ = ["blueprint"]
