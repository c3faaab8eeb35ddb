"""Registering, confirming the e-mail address, signing in and out."""

from blueprints.account.routes import blueprint

__all__ = ["blueprint"]
