"""Account, members, limits, signing in, help, signing out."""

from blueprints.settings import access
from blueprints.settings.routes import blueprint

__all__ = ["access", "blueprint"]
