"""Hands in a file of a bank about a payment and confirms it, as a person does on the two pages."""

from domain.reconciliation import bank_reports
from models import Membership
from tests.support.factories import PIN, here


def hand_in(membership: Membership, reference: str, raw: bytes) -> str:
    """Return the state of the payment afterwards. Raises what the two steps raise."""
    found = bank_reports.receive_report(membership.client, membership.user, reference, raw)
    if not found.to_confirm:
        return found.state
    return bank_reports.confirm_report(membership, reference, found.document, PIN, here(membership))
