"""A call to a bank: headers, signature, answer and idempotency."""

import hashlib
import ipaddress
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial, wraps
from typing import Any
from urllib.parse import urlsplit

from flask import Response, request

from sandbox import clock, faults
from sandbox.bank import answers, banks, signatures
from sandbox.bank import faults as misbehaviour
from sandbox.bank.answers import Answer, Refusal
from sandbox.store import Document, get_store

ANSWERED = "bank_answer"
REMEMBERED = timedelta(days=1)
BOOLEANS = (
    "TPP-Redirect-Preferred", "TPP-Decoupled-Preferred", "TPP-Explicit-Authorisation-Preferred",
    "TPP-Rejection-NoFunds-Preferred",
)  # fmt: skip

_locks: dict[str, threading.RLock] = defaultdict(threading.RLock)


@dataclass(frozen=True)
class Call:
    """The bank, the service (AIS or PIS) and the headers of a call."""

    bank: Document
    service: str
    request_id: str
    psu_ip: str | None

    @property
    def bank_id(self) -> str:
        return self.bank["id"]

    @property
    def explicit(self) -> bool:
        """Return whether the caller wants to start the authorisation itself."""
        preferred = request.headers.get("TPP-Explicit-Authorisation-Preferred") == "true"
        return preferred and not faults.on("bank_implicit_only")

    @property
    def ways_back(self) -> dict[str, str | None]:
        """Return the redirect URIs; the Nok URI defaults to the other one."""
        back = request.headers.get("TPP-Redirect-URI")
        return {"back": back, "nok": request.headers.get("TPP-Nok-Redirect-URI") or back}


def unchanged(answer: Answer) -> Answer:
    return answer


def operation(
    service: str, psu_present: bool = False, once: bool = False, on_the_way: Callable[[Answer], Answer] = unchanged
) -> Callable[[Callable[..., Answer]], Callable[..., Response]]:
    """Decorate a view of the API with everything that holds for all calls.

    `psu_present`: PSU-IP-Address is required. `once`: within a day the same X-Request-ID with the same content gets the
    same answer, and is not carried out again. `on_the_way`: changes the answer after the bank has done its part.
    """

    def decorate(view: Callable[..., Answer]) -> Callable[..., Response]:
        @wraps(view)
        def run(bank_id: str, **arguments: Any) -> Response:
            given = request.headers.get("X-Request-ID", "")
            echoed = given if is_uuid(given) else str(uuid.uuid4())
            try:
                misbehaviour.before_call()
                call = opened(bank_id, service, psu_present)
                act = partial(view, call, **arguments)
                answer, is_new = answered(call, act) if once else (act(), True)
                answer = on_the_way(answer) if is_new else answer
            except Refusal as refusal:
                answer = answers.refused(refusal, service)
            except misbehaviour.Cut:
                return misbehaviour.cut_connection()
            return answers.response(answer, echoed)

        return run

    return decorate


def opened(bank_id: str, service: str, psu_present: bool) -> Call:
    bank = banks.find(bank_id)
    if bank is None:
        raise Refusal(404, "RESOURCE_UNKNOWN", f"Er is geen bank {bank_id}")
    check_headers(psu_present)
    signatures.check(bank_id, request)
    return Call(bank, service, request.headers["X-Request-ID"], request.headers.get("PSU-IP-Address"))


def check_headers(psu_present: bool) -> None:
    if not is_uuid(request.headers.get("X-Request-ID", "")):
        raise wrong_header("X-Request-ID", "ontbreekt of is geen uuid")
    address = request.headers.get("PSU-IP-Address")
    if psu_present and address is None:
        raise wrong_header("PSU-IP-Address", "ontbreekt")
    if address is not None and not is_ipv4(address):
        raise wrong_header("PSU-IP-Address", "is geen IP-adres")
    for name in BOOLEANS:
        if request.headers.get(name, "true") not in ("true", "false"):
            raise wrong_header(name, "is niet true of false")
    for name in ("TPP-Redirect-URI", "TPP-Nok-Redirect-URI"):
        if name in request.headers and not is_web_address(request.headers[name]):
            raise wrong_header(name, "is geen webadres")


def wrong_header(name: str, text: str) -> Refusal:
    return Refusal(400, "FORMAT_ERROR", f"{name} {text}", name)


def is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def is_ipv4(text: str) -> bool:
    try:
        return bool(ipaddress.IPv4Address(text))
    except ValueError:
        return False


def is_web_address(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def json_body() -> dict[str, Any]:
    """Return the JSON object of a call; an empty body counts as {}."""
    if not request.get_data(cache=True):
        return {}
    if request.mimetype != "application/json":
        raise Refusal(415)
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise Refusal(400, "FORMAT_ERROR", "Een JSON-object wordt verwacht")
    return body


def answered(call: Call, act: Callable[[], Answer]) -> tuple[Answer, bool]:
    """Return the earlier answer to this X-Request-ID; or the new answer of `act`, which is then kept, and True.

    One call at a time per bank, so that of two simultaneous calls with one id, or two orders with one MsgId, the second
    finds the first.
    """
    honours = call.bank["honours_request_id"] and not faults.on("bank_forgets_request_id")
    with _locks[call.bank_id]:
        kept = kept_answer(call) if honours else None
        if kept is not None:
            return kept, False
        answer = act()
        if honours and answer.status < 300:
            keep(call, answer)
        return answer, True


def kept_answer(call: Call) -> Answer | None:
    kept = get_store().get(ANSWERED, f"{call.bank_id}:{call.request_id}")
    if kept is None or clock.bank_now() - datetime.fromisoformat(kept["at"]) > REMEMBERED:
        return None
    if kept["content"] != fingerprint():
        raise wrong_header("X-Request-ID", "is al voor een andere aanroep gebruikt")
    return Answer(**kept["answer"])


def keep(call: Call, answer: Answer) -> None:
    document = {"at": clock.bank_now().isoformat(), "content": fingerprint(), "answer": answer.as_document()}
    get_store().put(ANSWERED, f"{call.bank_id}:{call.request_id}", document)


def fingerprint() -> str:
    """Return a digest that is equal for equal calls."""
    content = f"{request.method} {request.full_path}\n".encode() + request.get_data(cache=True)
    return hashlib.sha256(content).hexdigest()
