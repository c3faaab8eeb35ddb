"""Balances: bank accounts, their transactions, and linking a bank."""

from blueprints.banking import manual_account, transactions  # noqa: F401  (their views are on the same blueprint)
from blueprints.banking.routes import blueprint

__all__ = ["blueprint"]
