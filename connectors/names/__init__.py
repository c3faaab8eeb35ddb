"""Checking, outside of a payment, whether an account belongs to a name: the port and its adapters."""
