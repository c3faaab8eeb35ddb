"""Payments: the list, one payment, its date and account, approval, SCA, payee names, bank files."""

from blueprints.payments import (
    amendments,
    approval,
    bank_report,
    bank_signing,
    cancellation,
    detail,
    doubts,
    early_names,
    excess,
    manual_file,
    payee_names,
    payees,
    payment_list,
    putting_away,
    unpaid,
)
from blueprints.payments.blueprint import blueprint

__all__ = [
    "amendments",
    "approval",
    "bank_report",
    "bank_signing",
    "blueprint",
    "cancellation",
    "detail",
    "doubts",
    "early_names",
    "excess",
    "manual_file",
    "payee_names",
    "payees",
    "payment_list",
    "putting_away",
    "unpaid",
]
