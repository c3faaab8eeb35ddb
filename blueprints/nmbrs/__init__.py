"""Apps: the link to Nmbrs, its settings and its history."""

from blueprints.nmbrs import entries, routes, settings
from blueprints.nmbrs.screen import blueprint

__all__ = ["blueprint", "entries", "routes", "settings"]
