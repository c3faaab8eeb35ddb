"""Webhook settings of a debtor, and their delivery."""

import http.client
import json
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from queue import SimpleQueue
from urllib.parse import urlencode, urlsplit

from sandbox import clock
from sandbox.nmbrs import ledger_data
from sandbox.nmbrs.errors import NmbrsFault
from sandbox.nmbrs.faults import chosen
from sandbox.store import Document, get_store

SETTING, SENT = "nmbrs_webhook", "nmbrs_sent_webhook"
TIMEOUT_SECONDS = 10
SENDERS = 8
LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class Event:
    """An event: the vendor's name, the word in the message, and the label on the page."""

    id: int
    name: str
    word: str
    label: str


EVENTS = (
    Event(1, "Run Finish", "RunFinish", "Run Einde"),
    Event(2, "Journals Finish", "JournalsFinish", "Journaalposten Einde"),
    Event(3, "Wage Tax Declaration Created", "WageTaxDeclarationCreated", "Loonaangifte Aangemaakt"),
    Event(4, "Wage Tax Declaration Sent", "WageTaxDeclarationSent", "Loonaangifte Verzonden"),
    Event(5, "Pension Export Created", "PensionExportCreated", "Pensioenexport Aangemaakt"),
    Event(6, "Pension Export Sent", "PensionExportSent", "Pensioenexport Verzonden"),
)
# The events at the end of a run.
RUN_EVENTS = EVENTS[:2]

VARIANTS = ("json", "form", "xml", "empty", "rubbish", "duplicate", "none")


@dataclass(frozen=True)
class Setting:
    """A webhook setting; `events` holds the ids of the active ones."""

    name: str
    endpoint: str
    active: bool
    events: list[int]


def check(setting: Setting) -> None:
    """Check a setting.

    Raises:
    - NmbrsFault: 2045 without name; 2044 unless the endpoint is https, or http to this machine.
    """
    if not setting.name.strip():
        raise NmbrsFault(2045)
    address = urlsplit(setting.endpoint.strip())
    loopback = address.scheme == "http" and address.hostname in LOOPBACK_HOSTS
    if not address.hostname or not (address.scheme == "https" or loopback):
        raise NmbrsFault(2044)


def insert(debtor_id: int, setting: Setting) -> Document:
    check(setting)
    number = get_store().next_number(SETTING, first=501)
    return _write(number, debtor_id, setting)


def change(debtor_id: int, number: int, setting: Setting) -> Document:
    find(debtor_id, number)
    check(setting)
    return _write(number, debtor_id, setting)


def _write(number: int, debtor_id: int, setting: Setting) -> Document:
    doc = {
        "id": number,
        "debtor": debtor_id,
        "name": setting.name.strip(),
        "endpoint": setting.endpoint.strip(),
        "active": setting.active,
        "events": sorted(set(setting.events)),
    }
    get_store().put(_settings_kind(debtor_id), number, doc)
    return doc


def find(debtor_id: int, number: int) -> Document:
    """Return a setting.

    Raises:
    - NmbrsFault: 2046 if the debtor has no such setting.
    """
    doc = get_store().get(_settings_kind(debtor_id), number)
    if doc is None:
        raise NmbrsFault(2046)
    return doc


def delete(debtor_id: int, number: int) -> None:
    find(debtor_id, number)
    get_store().delete(_settings_kind(debtor_id), number)


def settings(debtor_id: int) -> list[Document]:
    return get_store().all(_settings_kind(debtor_id))


def sent(debtor_id: int) -> list[Document]:
    """Return the deliveries of a debtor with their results, newest first."""
    return get_store().all(_sent_kind(debtor_id))[::-1]


def _settings_kind(debtor_id: int) -> str:
    return f"{SETTING}:{debtor_id}"


def _sent_kind(debtor_id: int) -> str:
    return f"{SENT}:{debtor_id}"


def announce(run: Document, variant: str | None = None) -> None:
    """Notify every active setting of the run's debtor, in the background. Without `variant` the switches decide the
    format.
    """
    variant = variant or switched_variant()
    company = ledger_data.company(run["company"])
    if variant == "none" or company is None:
        return
    for setting in settings(company["debtor"]):
        for event in RUN_EVENTS:
            if setting["active"] and event.id in setting["events"]:
                for _ in range(2 if variant == "duplicate" else 1):
                    post(setting, event, run, variant)


def switched_variant() -> str:
    return chosen({f"nmbrs_webhook_{variant}": variant for variant in VARIANTS if variant != "json"}, "json")


_outgoing: SimpleQueue[tuple[Document, Event, Document, str]] = SimpleQueue()
_senders: list[threading.Thread] = []
_senders_lock = threading.Lock()


def post(setting: Document, event: Event, run: Document, variant: str) -> None:
    """Queue a delivery for the sender threads, which start with the first one. They are daemons, so that a hanging
    receiver cannot keep the sandbox from stopping.
    """
    _outgoing.put((setting, event, run, variant))
    with _senders_lock:
        while len(_senders) < SENDERS:
            _senders.append(threading.Thread(target=send_forever, daemon=True))
            _senders[-1].start()


def send_forever() -> None:
    while True:
        send(*_outgoing.get())


def body_of(event: Event, run: Document, debtor_id: int, variant: str) -> tuple[str, bytes]:
    """Return content type and body. No public source documents the vendor's body, hence the variants."""
    values = {
        "EventId": event.id,
        "Event": event.word,
        "DebtorId": debtor_id,
        "CompanyId": run["company"],
        "RunId": run["id"],
        "Year": run["year"],
    }
    if variant == "form":
        return "application/x-www-form-urlencoded", urlencode(values).encode()
    if variant == "xml":
        inside = "".join(f"<{name}>{value}</{name}>" for name, value in values.items())
        return "text/xml; charset=utf-8", f"<Webhook>{inside}</Webhook>".encode()
    if variant == "empty":
        return "text/plain", b""
    if variant == "rubbish":
        return "application/json", b'{"RunId": \xff\x00, [['
    return "application/json; charset=utf-8", json.dumps(values).encode()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


def send(setting: Document, event: Event, run: Document, variant: str) -> None:
    """Deliver once, and record the result."""
    content_type, body = body_of(event, run, setting["debtor"], variant)
    outcome = deliver(setting["endpoint"], content_type, body)
    number = get_store().next_number(SENT)
    get_store().put(
        _sent_kind(setting["debtor"]),
        number,
        {
            "id": number,
            "setting": setting["id"],
            "debtor": setting["debtor"],
            "name": setting["name"],
            "endpoint": setting["endpoint"],
            "event": event.label,
            "company": run["company"],
            "run": run["id"],
            "run_number": run["number"],
            "sent_at": clock.now().isoformat(),
            "outcome": outcome,
        },
    )


def deliver(endpoint: str, content_type: str, body: bytes) -> str:
    """POST the body; return the status ("200") or a short error."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    headers = {"Content-Type": content_type, "User-Agent": "Nmbrs-Webhooks"}
    request = urllib.request.Request(endpoint, data=body, headers=headers, method="POST")
    try:
        with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            return str(answer.status)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except TimeoutError:
        return "geen antwoord op tijd"
    except (OSError, http.client.HTTPException) as error:
        return f"niet bezorgd ({type(error).__name__})"
