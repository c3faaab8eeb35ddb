"""From a bank's code to an event of ours (source: ISO 20022 status codes, Berlin Group 1.3.16)."""

# ACTC is technical validation only: with a signature to come it says "the bank has it",
# under delegated signing the app's own signature has been given already.
# RCVC: the names were checked, and all match or were confirmed.
BEFORE_SIGNING = frozenset({"RCVD", "RCVC", "ACTC", "PATC"})
CHECKING_NAMES = frozenset({"RVNC", "RVCM"})
SIGNED = frozenset({"PDNG", "ACFC", "ACCP", "ACWC", "ACWP", "ACSP"})
EXECUTED = frozenset({"ACSC", "ACCC"})

_FINAL = {"PART": "bank_executed_partly", "RJCT": "bank_rejected", "CANC": "bank_cancelled"}


def event_for_status(code: str, signing: str) -> str | None:
    """The event that this code means for this way of signing; None for a code we do not know."""
    if code in BEFORE_SIGNING:
        return "bank_signed" if signing == "delegated" else "bank_has_it"
    if code in CHECKING_NAMES:
        return "bank_checks_names"
    if code in SIGNED:
        return "bank_signed"
    if code in EXECUTED:
        return "bank_executed"
    return _FINAL.get(code)


# What an order's row says after the event.
ORDER_STATE = {
    "bank_has_it": "at_bank",
    "bank_checks_names": "at_bank",
    "bank_signed": "signed",
    "bank_executed": "executed",
    "bank_executed_partly": "executed",
    "bank_rejected": "ended",
    "bank_cancelled": "ended",
    "signing_failed": "ended",
    "bank_returned": "executed",
}
LINE_STATE = {"bank_executed": "executed", "bank_rejected": "rejected"}
