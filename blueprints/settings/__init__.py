"""Account, members, limits, signing in, notifications, language, help, signing out."""

from blueprints.settings import access, notifications
from blueprints.settings.routes import blueprint

__all__ = ["access", "blueprint", "notifications"]
