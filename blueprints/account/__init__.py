"""Registration, e-mail confirmation, login and logout, reauthentication."""

from blueprints.account import passkeys, passwords, step_up
from blueprints.account.routes import blueprint

__all__ = ["blueprint", "passkeys", "passwords", "step_up"]
