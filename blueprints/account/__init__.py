"""Registration, e-mail confirmation, login and logout, reauthentication."""

from blueprints.account import email_change, legal, passkeys, passwords, step_up
from blueprints.account.routes import blueprint

__all__ = ["blueprint", "email_change", "legal", "passkeys", "passwords", "step_up"]
