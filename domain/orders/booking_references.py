"""Our references in bookings, as banks repeat them."""

import re

from models import BankTransaction


def mentions_reference(row: BankTransaction, msg_id: str) -> bool:
    """Return whether a booking mentions this reference as a whole, not as the start of a later order's (…-2)."""
    if msg_id not in row.remittance_information:
        return row.end_to_end_id == msg_id
    whole = re.compile(rf"(?<![A-Za-z0-9-]){re.escape(msg_id)}(?![A-Za-z0-9-])")
    return bool(whole.search(row.remittance_information)) or row.end_to_end_id == msg_id
