"""Send SOAP calls to Nmbrs and parse the answers: envelopes from our own WSDLs, sockets, faults, rows.

zeep writes the requests, from WSDLs in this repository. lxml parses the answers by element name: zeep silently returns
None for each field after an unknown one, and needs ten times the time and memory for a large file.
"""

import logging
import re
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import requests
from lxml import etree
from zeep import Client

from connectors.nmbrs import port
from connectors.nmbrs.call_report import reported
from connectors.nmbrs.http_session import PerProcessSession
from core.clock import AMSTERDAM

# Of an answer: a file of 50 MB, the maximum that is parsed, grows by its XML escapes.
MOST_BYTES = 100 * 1024 * 1024
SERVICES = ("DebtorService", "CompanyService", "EmployeeService")
_WSDL = Path(__file__).parent / "wsdl"
_NAMESPACE = "https://api.nmbrs.nl/soap/v3/"
_CODE = re.compile(r"--->\s*([0-9]{4,5}):\s*((?:(?!--->)[^\n\r])*)")
_KINDS: dict[str, type[port.PayrollError]] = {
    "1001": port.BadCredentials,
    "1002": port.NotAllowed,
    "1003": port.NotVisible,
    "2003": port.NotVisible,
    "2004": port.NotVisible,
    "2009": port.NotVisible,
    "1004": port.Disabled,
    "1006": port.TemporaryError,
    "9999": port.TemporaryError,
}
TRUE = ("true", "1")
_WRITES = ("DebtorService.WebhookSettings_Insert", "DebtorService.WebhookSettings_Delete")  # never sent twice
log = logging.getLogger(__name__)


@cache
def _client(service: str) -> Client:
    """Return the writer of this service's requests; it opens no socket. Each WSDL is parsed once per process."""
    return Client(str(_WSDL / f"{service}.wsdl"))


class SoapWire:
    """Sends SOAP calls. One object serves the whole process; each fork has its own sockets.

    `base_url` is the host, of the vendor or its sandbox. Timeouts in seconds. `pauses` (seconds) are those between
    immediate retries of a read after 1006 and 9999.
    """

    def __init__(self, base_url: str, timeout: tuple[float, float], pauses: tuple[float, ...]) -> None:
        self._base, self._pauses, self._timeout = base_url.rstrip("/"), pauses, timeout
        self._sessions = PerProcessSession()
        self._clients = {name: _client(name) for name in SERVICES}

    def ask(
        self, call: str, credentials: port.Credentials, arguments: dict[str, Any] | None = None,
        timeout: tuple[float, float] | None = None,
    ) -> Any:  # fmt: skip
        """Return the result element of "Service.Method", or None if the answer has none."""
        envelope = self._envelope(call, credentials, arguments or {})

        def attempt() -> Any:
            with reported(call, "soap"):
                root = self._post(call, envelope, timeout or self._timeout)
                return _result(root, call, secret=credentials.token)

        return attempt() if call in _WRITES else self._again(call, attempt)

    def _envelope(self, call: str, credentials: port.Credentials, arguments: dict[str, Any]) -> bytes:
        service, _, method = call.partition(".")
        client, header = self._clients[service], _header(method, credentials)
        try:
            return etree.tostring(client.create_message(client.service, method, _soapheaders=header, **arguments))
        except ValueError:  # characters that XML does not allow: mistyped credentials
            raise port.BadCredentials(None, call, "credentials that are no text") from None

    def _again(self, call: str, attempt: Callable[[], Any]) -> Any:
        """Retry a read at once after an error that the vendor calls temporary."""
        for pause in self._pauses:
            try:
                return attempt()
            except port.TemporaryError as error:
                if error.code is None:
                    raise
                log.info("%s: %s, tried again", call, error.code)
            time.sleep(pause)
        return attempt()

    def _post(self, call: str, envelope: bytes, timeout: tuple[float, float]) -> Any:
        """Return the root element of the answer."""
        service, _, method = call.partition(".")
        headers = {"SOAPAction": f'"{_NAMESPACE}{service}/{method}"', "Content-Type": "text/xml; charset=utf-8"}
        url = f"{self._base}/soap/v3/{service}.asmx"
        try:
            answer = self._sessions.get().post(
                url, data=envelope, headers=headers, timeout=timeout, stream=True, allow_redirects=False
            )
            with closing(answer):
                return _root(answer.iter_content(1 << 16), call)
        except requests.RequestException as error:
            # not chained: requests attaches the request, and so the token, to its errors
            raise port.TemporaryError(None, call, type(error).__name__) from None


def _header(method: str, credentials: port.Credentials) -> dict[str, dict]:
    """Return the authentication header; without domain for Environment_Get, which returns the domain."""
    known = {"Username": credentials.email, "Token": credentials.token}
    if method == "Environment_Get":
        return {"AuthHeader": known}
    return {"AuthHeaderWithDomain": known | {"Domain": credentials.domain}}


# --- parsing ---
def _root(parts: Iterable[bytes], call: str) -> Any:
    """Parse the answer as it arrives and return its root. SOAP does not allow a DTD."""
    parser = etree.XMLParser(
        encoding="utf-8", huge_tree=True, resolve_entities=False, no_network=True, load_dtd=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    size = 0
    try:
        for part in parts:
            size += len(part)
            if size > MOST_BYTES:
                raise port.Unreadable(None, call, f"the answer is larger than {MOST_BYTES >> 20} MB")
            if b"<!DOCTYPE" in part:
                raise ValueError("a document type")
            parser.feed(part)
        root: Any = parser.close()
        if root is None:
            raise ValueError("no element")
        if root.getroottree().docinfo.doctype:
            raise ValueError("a document type")
        return root
    except (etree.XMLSyntaxError, ValueError):
        raise port.TemporaryError(None, call, "the answer is no XML") from None


def _result(root: Any, call: str, secret: str) -> Any:
    """Return the element <MethodResult>, or None if absent. Raises for a fault; any answer that is not SOAP is
    temporary.
    """
    body = next((child for child in root if local(root) == "Envelope" and local(child) == "Body"), None)
    if body is None or len(body) == 0:
        raise port.TemporaryError(None, call, "the answer is no SOAP")
    content, method = body[0], call.partition(".")[2]
    if local(content) == "Fault":
        texts = (child.text or "" for child in content.iter("{*}faultstring", "{*}Text"))
        raise _fault(call, next(texts, "").replace(secret or "\0", "…"))
    if local(content) != f"{method}Response":
        raise port.TemporaryError(None, call, "the answer is not the one of this call")
    return next((child for child in content if local(child) == f"{method}Result"), None)


def _fault(call: str, text: str) -> port.PayrollError:
    """Return the exception for the last "---> CODE: text" of a fault; a fault without code is temporary."""
    found = _CODE.findall(text)
    if not found:
        return port.TemporaryError(None, call, "fault without a code")
    code, words = found[-1]
    return _KINDS.get(code, port.Unreadable)(code, call, words.strip()[:200])


def local(element: Any) -> str:
    return etree.QName(element).localname


class Row:
    """The fields of one object by name, in any order."""

    def __init__(self, element: Any, call: str) -> None:
        self.call, self.element = call, element
        self._fields = {local(child): (child.text or "").strip() for child in reversed(element)}

    def text(self, name: str) -> str | None:
        return self._fields.get(name) or None

    def needed(self, name: str) -> str:
        """Return a required text.

        Raises:
        - Unreadable
        """
        text = self.text(name)
        if text is None:
            raise port.Unreadable(None, self.call, f"{name} is missing")
        return text

    def number(self, name: str) -> int:
        """Return a required integer.

        Raises:
        - Unreadable
        """
        try:
            return int(self.needed(name))
        except ValueError:
            raise port.Unreadable(None, self.call, f"{name} is no number") from None

    def moment(self, name: str) -> datetime | None:
        """Return a datetime in UTC; a value without time zone is Amsterdam time. None if invalid, such as .NET's year
        1.
        """
        try:
            found = datetime.fromisoformat(self.text(name) or "")
            return (found if found.tzinfo else found.replace(tzinfo=AMSTERDAM)).astimezone(UTC)
        except (ValueError, OverflowError):
            return None

    def day(self, name: str) -> date | None:
        """Return the day of a datetime, as it is in Amsterdam; None if invalid, or in .NET's year 1."""
        found = self.moment(name)
        day = found.astimezone(AMSTERDAM).date() if found else None
        return day if day and day.year > 1 else None


def read_object(result: Any, call: str) -> Row:
    if result is None:
        raise port.Unreadable(None, call, "nothing in the answer")
    return Row(result, call)


def read_rows(result: Any, name: str, call: str) -> list[Row]:
    """Return the rows of a list; none if it is absent. A list with only other elements is Unreadable."""
    if result is None:
        return []
    rows = [Row(child, call) for child in result if local(child) == name]
    if len(result) and not rows:
        raise port.Unreadable(None, call, f"the list of {name} holds something else")
    return rows


def read_number(text: str, call: str) -> int:
    """Return an id of this API as a number.

    Raises:
    - NotVisible: it is no number, so it does not exist in this API.
    """
    if not re.fullmatch(r"[0-9]{1,10}", text):
        raise port.NotVisible(None, call, "no id of this interface")
    return int(text)
