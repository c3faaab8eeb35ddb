"""Settings: account, members, limits, login methods, sessions, notifications, language, help, logout."""

from blueprints.settings import access, notifications, personal_data
from blueprints.settings.routes import blueprint

__all__ = ["access", "blueprint", "notifications", "personal_data"]
