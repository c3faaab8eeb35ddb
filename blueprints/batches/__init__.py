"""Payments: the list, the one payment, its day and account, releasing, signing."""

from blueprints.batches import signing
from blueprints.batches.routes import blueprint

__all__ = ["blueprint", "signing"]
