"""Apps: the connection to Nmbrs, its settings and its run history."""

from blueprints.payroll import connecting, connection, history, overview, payday, permissions, settings, webhook
from blueprints.payroll.blueprint import blueprint

__all__ = [
    "blueprint", "connecting", "connection", "history", "overview", "payday", "permissions", "settings", "webhook",
]  # fmt: skip
