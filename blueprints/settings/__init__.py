"""Account, members, limits, help, signing out."""

from blueprints.settings.routes import blueprint

__all__ = ["blueprint"]
