"""The overview: what needs attention."""

from blueprints.overview.routes import blueprint

__all__ = ["blueprint"]
