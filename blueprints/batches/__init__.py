"""Payments: the list, the one payment, its day and account, releasing, signing, files of the bank."""

from blueprints.batches import bank_file
from blueprints.batches.routes import blueprint

__all__ = ["bank_file", "blueprint"]
