"""Payments: the list, the one payment, its day and account, releasing, signing, names, files of the bank."""

from blueprints.batches import bank_file, by_hand, cancelling, names, signing
from blueprints.batches.routes import blueprint

__all__ = ["bank_file", "blueprint", "by_hand", "cancelling", "names", "signing"]
