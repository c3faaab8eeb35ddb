"""Parse the payment file of a run: ISO 20022 pain.001, any version, strictly and safely, matched by local name.

The counts and sums in the file are checked; a file in which they are wrong gives no payments at all. A single payment
that cannot be made is held with its reason, and the others stay payable. Nothing is dropped silently: structured
references are returned as they came, payments of zero and every second debtor account or execution date are reported.
"""

from connectors.nmbrs.payment_file.content import (
    SCOR,
    ZERO_AMOUNT,
    Caution,
    FilePayment,
    FileRefused,
    HeldLine,
    PaymentFile,
    PaymentLine,
    StructuredReference,
)
from connectors.nmbrs.payment_file.reader import MOST_BYTES, MOST_LINES, read_payment_file
from connectors.nmbrs.payment_file.transfer import MOST_CENTS

__all__ = [
    "MOST_BYTES",
    "MOST_CENTS",
    "MOST_LINES",
    "SCOR",
    "ZERO_AMOUNT",
    "Caution",
    "FilePayment",
    "FileRefused",
    "HeldLine",
    "PaymentFile",
    "PaymentLine",
    "StructuredReference",
    "read_payment_file",
]
