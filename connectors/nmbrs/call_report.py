"""How calls to Nmbrs are reported: by the vendor's code, never by its words, which may hold anything."""

import re
from contextlib import AbstractContextManager

from connectors import calls
from connectors.nmbrs import port

# Words of ours: the type of an error of the connection, or a status.
_OURS = re.compile(r"[A-Z][A-Za-z]*(Error|Timeout|Exception)|a page with status [0-9]+|[0-9]{3}")
_REFUSALS = (port.BadCredentials, port.NotAllowed, port.NotVisible, port.Disabled, port.RateLimited, port.QuotaUsedUp)


def reported(call: str, api: str) -> AbstractContextManager[calls.Reason]:
    """Report a call of this name over this interface ("soap" or "rest")."""
    return calls.reported("nmbrs", call, which=api, refusals=_REFUSALS, words=_words)


def _words(error: Exception) -> str:
    if not isinstance(error, port.PayrollError):
        return ""
    return error.code or (error.text if _OURS.fullmatch(error.text) else "")
