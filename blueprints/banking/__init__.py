"""Saldo: bank accounts and their balances, what was booked on them, and linking a bank."""

from blueprints.banking import manual_account, transactions  # noqa: F401  (their views are on the same blueprint)
from blueprints.banking.routes import blueprint

__all__ = ["blueprint"]
