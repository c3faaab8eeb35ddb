"""Parse a bank's answer strictly: anything that deviates from the standard raises OutcomeUnknown."""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any, NoReturn

from connectors.bank.port import BankRefused, OutcomeUnknown
from connectors.bank.transport import Answer, Request
from core.hidden_characters import load_json

LONGEST_TEXT = 500  # of a message text (Berlin Group: psuMessage, tppMessages)
LONGEST_ID = 255
_ID = re.compile(rf"[!-~]{{1,{LONGEST_ID}}}")
_CODE = re.compile(r"[A-Za-z0-9_]{1,60}")
# Codes without a reason; the reason is at the start of the text ("AM04: …").
_GENERIC = frozenset({"ERROR", "WARNING"})
_REASON = re.compile(r"([A-Z]{2}[0-9A-Z]{2})(?=:|$)")
# Statuses for which Berlin Group defines no body; our X-Request-ID shows that the bank itself answered.
WITHOUT_BODY = frozenset({405, 406, 413, 415, 429})


def parse_json_object(answer: Answer, fractions: Callable[[str], Any] = float) -> dict[str, Any]:
    """Return the JSON object of an answer. `fractions` converts numbers with a decimal point.

    Raises:
    - OutcomeUnknown: it is not a JSON object.
    """
    try:
        found = load_json(answer.body.decode("utf-8"), parse_float=fractions)
    except (ValueError, RecursionError) as error:
        raise OutcomeUnknown(f"HTTP {answer.status}: the answer is no JSON") from error
    if not isinstance(found, dict):
        raise OutcomeUnknown(f"HTTP {answer.status}: the answer is no document")
    return found


def raise_for_status(request: Request, answer: Answer) -> Answer:
    """Return a successful answer.

    A 4xx is a refusal by the bank if it carries a message of the standard; without one a gateway may have sent it,
    which does not know what the bank did. Neither a 5xx, a redirect nor a timeout (408) says what was done, whatever
    the body says.

    Raises:
    - BankRefused: the bank refused the request.
    - OutcomeUnknown: anything else, or an answer with another X-Request-ID.
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
    """Return code and text of an error: tppMessages, or problem+json (RFC 7807); None if it is neither."""
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
    """Return the bank's messages to us, which have another name in a status than in an error."""
    rows = found.get("tppMessages") or found.get("tppMessage") or []
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def reason_of(rows: Iterable[dict[str, Any]]) -> str | None:
    """Return the reason as a code: of a message, or from the start of its text. Never free text."""
    for row in rows:
        code, text = row.get("code"), row.get("text")
        if isinstance(code, str) and code not in _GENERIC and _CODE.fullmatch(code):
            return f"bank:{code}"
        if isinstance(text, str) and (found := _REASON.match(text)):
            return f"bank:{found[1]}"
    return None


def identifier(found: dict[str, Any], name: str) -> str:
    """Return an id of the bank that is safe in a URL.

    Raises:
    - OutcomeUnknown: it is missing or not safe.
    """
    value = found.get(name)
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise OutcomeUnknown(f"{name} is missing or no id")
    return value


def one_of(found: dict[str, Any], name: str, known: frozenset[str]) -> str:
    """Return a value of a code list.

    Raises:
    - OutcomeUnknown: it is missing or unknown.
    """
    value = found.get(name)
    if not isinstance(value, str) or value not in known:
        raise OutcomeUnknown(f"{name} is missing or not one we know")
    return value


def text_or_none(found: dict[str, Any], name: str, longest: int = LONGEST_TEXT) -> str | None:
    value = found.get(name)
    return value[:longest] if isinstance(value, str) and value else None


def rows_of(found: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return a list of objects.

    Raises:
    - OutcomeUnknown: it is missing or holds anything else.
    """
    rows = found.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise OutcomeUnknown(f"{name} is no list")
    return rows


def day_or_none(found: dict[str, Any], name: str) -> date | None:
    """Return a date, or None if absent.

    Raises:
    - OutcomeUnknown: it is not a date.
    """
    value = found.get(name)
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise OutcomeUnknown(f"{name} is no date") from error


def moment_or_none(found: dict[str, Any], name: str) -> datetime | None:
    """Return an aware datetime, or None if it is absent, invalid or without time zone."""
    try:
        moment = datetime.fromisoformat(found[name])
    except (KeyError, TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None


def require_account(found: dict[str, Any], iban: str) -> None:
    """Require that an answer about an account does not name another one; it may name none (accountReference).

    Raises:
    - OutcomeUnknown
    """
    named = found.get("account")
    told = named.get("iban") if isinstance(named, dict) else None
    if iban and isinstance(told, str) and _plain(told) != _plain(iban):
        raise OutcomeUnknown("the answer is about another account")


def _plain(iban: str) -> str:
    return "".join(iban.split()).upper()
