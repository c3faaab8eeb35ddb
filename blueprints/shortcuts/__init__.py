"""Addresses without a client: they lead on to the client used last."""

from blueprints.shortcuts.routes import blueprint

__all__ = ["blueprint"]
