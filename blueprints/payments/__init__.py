"""Payments: the list, the one payment, its day and account, approving, signing, payee names, files of the bank."""

from blueprints.payments import bank_report, bank_signing, cancellation, manual_file, payee_names
from blueprints.payments.routes import blueprint

__all__ = ["bank_report", "bank_signing", "blueprint", "cancellation", "manual_file", "payee_names"]
