"""Addresses for machines: the one that Nmbrs calls, and the one where a bank says that an order has changed."""

from blueprints.webhooks.routes import blueprint

__all__ = ["blueprint"]
