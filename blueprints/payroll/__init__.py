"""Apps: the link to Nmbrs, its settings and its history."""

from blueprints.payroll import history, routes, settings
from blueprints.payroll.blueprint import blueprint

__all__ = ["blueprint", "history", "routes", "settings"]
