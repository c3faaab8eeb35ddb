"""Registering, confirming the e-mail address, signing in and out, showing again who one is."""

from blueprints.account import passkeys, passwords, step_up
from blueprints.account.routes import blueprint

__all__ = ["blueprint", "passkeys", "passwords", "step_up"]
