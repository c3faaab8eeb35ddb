"""Saldo: bank accounts and their balances, what was booked on them, and linking a bank."""

from blueprints.bank import by_hand, transactions  # noqa: F401  (their views are on the same blueprint)
from blueprints.bank.routes import blueprint

__all__ = ["blueprint"]
