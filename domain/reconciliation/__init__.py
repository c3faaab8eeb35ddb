"""Reconciliation: what the bank booked, matched with what was ordered.

Reads account transactions and files of the bank (pain.002, camt.053). Ask it for an account's transactions or to
import a report.
"""
