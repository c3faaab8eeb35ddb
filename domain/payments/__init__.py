"""Payments as people review and approve them: lines, totals, warnings, execution dates, limits, four eyes, release.

Ask it for a payment, to exclude a line, to change date or account, or to release a payment. Every change of state goes
through `state_machine.transition`.
"""
