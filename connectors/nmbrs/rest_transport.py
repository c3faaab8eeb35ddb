"""Send REST calls to Nmbrs and parse the answers: pages, documents, errors, fields.

Unknown fields are ignored; a missing required field is an error of the port. A list is complete or an error: missing
runs in an incomplete list would go unnoticed.
"""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import requests

from connectors.nmbrs import port
from connectors.nmbrs.call_report import reported
from connectors.nmbrs.http_session import PerProcessSession
from core.clock import AMSTERDAM
from core.hidden_characters import load_json

MOST_BYTES = 60 * 1024 * 1024  # a payment file of 50 MB, plus a margin
PAGE_SIZE, MOST_PAGES = 100, 1_000
LONGEST_WAIT = 3600
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DOCUMENT = "/api/documents/{taskId}"
_KINDS: dict[int, type[port.PayrollError]] = {
    40101: port.BadCredentials,
    40102: port.BadCredentials,
    40303: port.NotVisible,
    40304: port.Disabled,
    40306: port.NotVisible,
    40401: port.NotVisible,
    40404: port.NotVisible,
    42909: port.QuotaUsedUp,
}


@dataclass(frozen=True)
class RestSettings:
    """`base_url` is without /api. Timeouts in seconds. `document_pauses` are the pauses between checks of a document;
    the last one repeats until `file_timeout` has passed.
    """

    base_url: str
    subscription_key: str = field(repr=False)
    connect_timeout: float = 5
    read_timeout: float = 30
    file_timeout: float = 120
    document_pauses: tuple[float, ...] = (0.2, 0.5, 1, 2, 3, 5)


@dataclass(frozen=True)
class RestRequest:
    """A request: the vendor's path template, the ids in it, and the query."""

    path: str
    ids: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the name of this call for error messages."""
        return f"GET {self.path}"

    def address(self) -> str:
        """Return the path with its ids.

        Raises:
        - NotVisible: an id is not a GUID, so it does not exist in this API.
        """
        path = self.path
        for name, value in self.ids.items():
            if not _GUID.fullmatch(value):
                raise port.NotVisible(None, self.name, "no id of this interface")
            path = path.replace(f"{{{name}}}", value)
        return path


class Fields:
    """The fields of one JSON object by name, converted to the required type; Unreadable if that fails."""

    def __init__(self, values: Mapping[str, Any], call: str) -> None:
        self.call, self._values = call, values

    def text(self, name: str) -> str:
        """Return a text; "" if it is absent or null."""
        value = self._values.get(name)
        return "" if value is None else str(value)

    def guid(self, name: str) -> str:
        """Return a GUID in lower case, so that GUIDs compare."""
        value = self._values.get(name)
        if not isinstance(value, str) or not _GUID.fullmatch(value):
            raise self._unlike(name, "GUID")
        return value.lower()

    def number(self, name: str) -> int:
        """Return an integer of 32 bits, which the database can hold."""
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 1 << 31:
            raise self._unlike(name, "number")
        return value

    def truth(self, name: str) -> bool:
        """Return a boolean."""
        value = self._values.get(name)
        if not isinstance(value, bool):
            raise self._unlike(name, "yes or no")
        return value

    def moment(self, name: str) -> datetime | None:
        """Return a datetime in UTC; a value without time zone is UTC. None if invalid, such as .NET's year 1."""
        try:
            found = datetime.fromisoformat(self.text(name))
            found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            return None
        return found if found.year > 1 else None

    def day(self, name: str) -> date | None:
        """Return a date, written as one or as a datetime in Amsterdam; None if absent or invalid."""
        written = self._values.get(name)
        try:
            found = datetime.fromisoformat(written) if isinstance(written, str) else None
            return found and (found.astimezone(AMSTERDAM) if found.tzinfo else found).date()
        except (ValueError, OverflowError):
            return None

    def inner(self, name: str) -> "Fields":
        """Return the object in a field; an empty one if it is absent."""
        return Fields(_objects([self._values.get(name) or {}], self.call)[0], self.call)

    def objects(self, name: str) -> "list[Fields]":
        """Return the objects of the list in a field; none if it is absent."""
        return [Fields(value, self.call) for value in _objects(self._values.get(name) or [], self.call)]

    def _unlike(self, name: str, what: str) -> port.Unreadable:
        return port.Unreadable(None, self.call, f"{name} is no {what}")


class RestWire:
    """Sends REST calls. One object serves the whole process; each fork has its own sockets."""

    def __init__(self, settings: RestSettings) -> None:
        self._settings, self._base = settings, settings.base_url.rstrip("/")
        self._sessions = PerProcessSession()

    def rows(self, credentials: port.Credentials, ask: RestRequest) -> list[Fields]:
        """Return every row of a list, over all pages.

        Raises:
        - Unreadable: the list is not complete.
        """
        rows, number, pages = [], 0, 1
        while number < pages:
            number += 1
            paged = RestRequest(ask.path, ask.ids, {**ask.query, "pageNumber": number, "pageSize": PAGE_SIZE})
            found = self._object(credentials, paged)
            if "data" not in found:
                raise port.Unreadable(None, ask.name, "no list in the answer")
            rows += [Fields(row, ask.name) for row in _objects(found["data"], ask.name)]
            pages = Fields(found, ask.name).inner("pagination").number("totalPages")
            if not 0 <= pages <= MOST_PAGES:
                raise port.Unreadable(None, ask.name, f"a list of {pages} pages")
        return rows

    def document(self, credentials: port.Credentials, ask: RestRequest) -> bytes | None:
        """Have a document created and fetch it when it is ready; None if it is empty.

        Raises:
        - TemporaryError: it is not ready in time.
        """
        task = Fields(self._object(credentials, ask), ask.name).guid("taskId")
        fetch, ends = RestRequest(_DOCUMENT, {"taskId": task}), time.monotonic() + self._settings.file_timeout
        for pause in self._pauses():
            status, body = self._get(credentials, fetch)
            if status == 200:
                return None if not body or body.isspace() else body
            if time.monotonic() + pause > ends:
                break
            time.sleep(pause)
        raise port.TemporaryError(None, ask.name, "the document is not ready")

    def _pauses(self) -> Iterator[float]:
        yield from self._settings.document_pauses
        while True:
            yield self._settings.document_pauses[-1]

    def _object(self, credentials: port.Credentials, ask: RestRequest) -> dict[str, Any]:
        status, body = self._get(credentials, ask)
        found = _read_object(body)
        if status != 200 or found is None:
            raise port.TemporaryError(None, ask.name, "the answer is no JSON")
        return found

    def _get(self, credentials: port.Credentials, ask: RestRequest) -> tuple[int, bytes]:
        """Return status 200 or 202 with its body; raise everything else."""
        with reported(ask.name, "rest"):
            return self._exchange(credentials, ask)

    def _exchange(self, credentials: port.Credentials, ask: RestRequest) -> tuple[int, bytes]:
        settings, address = self._settings, self._base + ask.address()
        headers = {
            "Authorization": f"Bearer {credentials.token}", "X-Subscription-Key": settings.subscription_key,
            "Accept": "application/json, application/octet-stream",
        }  # fmt: skip
        try:
            answer = self._sessions.get().get(
                address, params=ask.query, headers=headers, stream=True, allow_redirects=False,
                timeout=(settings.connect_timeout, settings.read_timeout),
            )  # fmt: skip
            with closing(answer):
                body = _read(answer, ask.name)
        except (requests.RequestException, UnicodeError) as error:
            trouble = type(error).__name__
        else:
            return _accepted(answer, body, ask.name, (credentials.token, settings.subscription_key))
        # outside the except block: requests attaches the request, and so the token, to its errors
        raise port.TemporaryError(None, ask.name, trouble)


def _read(answer: requests.Response, call: str) -> bytes:
    parts, size = [], 0
    for part in answer.iter_content(1 << 16):
        size += len(part)
        if size > MOST_BYTES:
            raise port.Unreadable(None, call, f"the answer is larger than {MOST_BYTES >> 20} MB")
        parts.append(part)
    return b"".join(parts)


def _accepted(answer: requests.Response, body: bytes, call: str, secrets: tuple[str, ...]) -> tuple[int, bytes]:
    """Return status and body of a successful answer. An HTML page is an error, because a gateway sent it."""
    if answer.headers.get("Content-Type", "").lower().startswith("text/html") and answer.status_code != 429:
        raise port.TemporaryError(None, call, f"a page with status {answer.status_code}")
    if answer.status_code in (200, 202):
        return answer.status_code, body
    raise _refused(answer.status_code, answer.headers.get("Retry-After", ""), body, call, secrets)


def _refused(status: int, retry_after: str, body: bytes, call: str, secrets: tuple[str, ...]) -> port.PayrollError:
    """Return the exception for the vendor's error code. An error without code comes from a gateway, which knows neither
    the token nor its rights, so it is temporary.
    """
    problem = _read_object(body) or {}
    code, words = _code_of(problem), str(problem.get("title") or status)
    for secret in filter(None, secrets):
        words = words.replace(secret, "…")
    words = words[:200]
    if code in _KINDS:
        return _KINDS[code](str(code), call, words)
    if status == 429:
        return port.RateLimited(str(code or status), call, words, _seconds(retry_after))
    if code is None or not 400 <= status < 500 or status == 408:
        return port.TemporaryError(str(code) if code else None, call, words)
    kinds: dict[int, type[port.PayrollError]] = {401: port.BadCredentials, 403: port.NotAllowed}
    return kinds.get(status, port.Unreadable)(str(code), call, words)


def _code_of(problem: Mapping[str, Any]) -> int | None:
    code = str(problem.get("code"))
    return int(code) if re.fullmatch(r"[0-9]{5}", code) else None


def _seconds(retry_after: str) -> int:
    """Return how long to wait; a minute if the header is not in seconds."""
    return min(max(int(retry_after), 1), LONGEST_WAIT) if re.fullmatch(r"[0-9]{1,9}", retry_after) else 60


def _read_object(body: bytes) -> dict[str, Any] | None:
    try:
        found = load_json(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _objects(found: Any, call: str) -> list[dict[str, Any]]:
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise port.Unreadable(None, call, "a list that is none")
    return found
