"""Saldo: bank accounts and their balances, and linking a bank."""

from blueprints.bank.routes import blueprint

__all__ = ["blueprint"]
