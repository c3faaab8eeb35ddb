"""Apps: the link to Nmbrs, its settings and its history."""

from blueprints.nmbrs.routes import blueprint

__all__ = ["blueprint"]
