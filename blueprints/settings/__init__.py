"""Settings: account, members, limits, login methods, sessions, notifications, language, help, leaving, logout."""

from blueprints.settings import access, details, leaving, notifications, personal_data
from blueprints.settings.routes import blueprint

__all__ = ["access", "blueprint", "details", "leaving", "notifications", "personal_data"]
