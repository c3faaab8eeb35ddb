"""Reading a bank's answer strictly: what is not as the standard says is an answer that we do not understand."""

import json
import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any, NoReturn

from connectors.bank.port import BankRefused, OutcomeUnknown
from connectors.bank.transport import Answer, Request

LONGEST_TEXT = 500  # of a message to the person or to us (BG11: psuMessage, tppMessages text)
LONGEST_ID = 255
_ID = re.compile(rf"[!-~]{{1,{LONGEST_ID}}}")
_CODE = re.compile(r"[A-Za-z0-9_]{1,60}")
# Messages whose code says nothing: the reason stands first in their text (AM04: …).
_GENERIC = frozenset({"ERROR", "WARNING"})
_REASON = re.compile(r"([A-Z]{2}[0-9A-Z]{2})(?=:|$)")
# Answers to which the contract gives no body: the bank's own are known by our request id in them.
WITHOUT_BODY = frozenset({405, 406, 413, 415, 429})


def parse_json_object(answer: Answer, fractions: Callable[[str], Any] = float) -> dict[str, Any]:
    """The JSON document of an answer, numbers with a point read as told. OutcomeUnknown when it is none."""
    try:
        found = json.loads(answer.body.decode("utf-8"), parse_float=fractions)
    except (ValueError, RecursionError) as error:
        raise OutcomeUnknown(f"HTTP {answer.status}: the answer is no JSON") from error
    if not isinstance(found, dict):
        raise OutcomeUnknown(f"HTTP {answer.status}: the answer is no document")
    return found


def raise_for_status(request: Request, answer: Answer) -> Answer:
    """The answer when it is a good one. BankRefused when the bank itself said no, OutcomeUnknown for the rest.

    A 4xx is the bank's no when it carries a message of the standard; without one it may be some
    gateway's, which knows nothing of what the bank did. A 5xx, a redirect and a time-out (408) say
    nothing of what was done, whatever their body says.
    """
    named = answer.headers.get("x-request-id")
    own = named is not None and named.lower() == request.headers["X-Request-ID"].lower()
    if named and not own:
        raise OutcomeUnknown("the answer is to another request")
    if 200 <= answer.status < 300:
        return answer
    if 400 <= answer.status < 500 and answer.status != 408:
        _raise_refusal(answer, own)
    raise OutcomeUnknown(f"HTTP {answer.status}")


def _raise_refusal(answer: Answer, own: bool) -> NoReturn:
    message = refusal(answer)
    if message is not None:
        raise BankRefused(answer.status, *message)
    if own and answer.status in WITHOUT_BODY:
        raise BankRefused(answer.status, "UNKNOWN", "")
    raise OutcomeUnknown(f"HTTP {answer.status} without a message of the bank")


def refusal(answer: Answer) -> tuple[str, str] | None:
    """Code and text of an error: tppMessages, or problem+json (RFC 7807). None when it is neither."""
    try:
        found = parse_json_object(answer)
    except OutcomeUnknown:
        return None
    errors = [one for one in messages(found) if one.get("category", "ERROR") == "ERROR"]
    first = errors[0] if errors else found
    code = first.get("code")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        return None
    words = (first.get(name) for name in ("text", "detail", "title"))
    text = next((word for word in words if isinstance(word, str)), "")
    path = first.get("path")
    return code, f"{text} ({path})"[:LONGEST_TEXT] if isinstance(path, str) else text[:LONGEST_TEXT]


def messages(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The bank's messages to us. A status has them under another name than an error."""
    rows = found.get("tppMessages") or found.get("tppMessage") or []
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def reason_of(rows: Iterable[dict[str, Any]]) -> str | None:
    """Why, as a code: that of a message, or the one that its text begins with. Never a text."""
    for row in rows:
        code, text = row.get("code"), row.get("text")
        if isinstance(code, str) and code not in _GENERIC and _CODE.fullmatch(code):
            return f"bank:{code}"
        if isinstance(text, str) and (found := _REASON.match(text)):
            return f"bank:{found[1]}"
    return None


def identifier(found: dict[str, Any], name: str) -> str:
    """An id of the bank's, fit to stand in an address. OutcomeUnknown when it is missing or could not."""
    value = found.get(name)
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise OutcomeUnknown(f"{name} is missing or no id")
    return value


def one_of(found: dict[str, Any], name: str, known: frozenset[str]) -> str:
    """A value of a list of the standard. OutcomeUnknown when it is missing or another."""
    value = found.get(name)
    if not isinstance(value, str) or value not in known:
        raise OutcomeUnknown(f"{name} is missing or not one we know")
    return value


def text_or_none(found: dict[str, Any], name: str, longest: int = LONGEST_TEXT) -> str | None:
    value = found.get(name)
    return value[:longest] if isinstance(value, str) and value else None


def rows_of(found: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of documents. OutcomeUnknown when it is missing or holds something else."""
    rows = found.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise OutcomeUnknown(f"{name} is no list")
    return rows


def day_or_none(found: dict[str, Any], name: str) -> date | None:
    """OutcomeUnknown when there is something that is no date."""
    value = found.get(name)
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise OutcomeUnknown(f"{name} is no date") from error


def moment_or_none(found: dict[str, Any], name: str) -> datetime | None:
    """An aware moment; None when there is none or it has no zone."""
    try:
        moment = datetime.fromisoformat(found[name])
    except (KeyError, TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None
