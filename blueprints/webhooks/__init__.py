"""Endpoints for machines: the Nmbrs webhook and the bank's status callback."""

from blueprints.webhooks.routes import blueprint

__all__ = ["blueprint"]
