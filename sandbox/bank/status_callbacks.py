"""Post status changes of an order to the caller's URL (Berlin Group resource status notification, lean push 1.0).

Only for banks configured to, and only to this machine. A failed call is lost, as with a real bank.
"""

import json
import logging
import threading
import urllib.error
import urllib.request
import uuid
from queue import SimpleQueue
from urllib.parse import urlsplit

from sandbox.bank import banks
from sandbox.store import Document

LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "::1"}
TIMEOUT_SECONDS = 10
log = logging.getLogger(__name__)

_waiting: SimpleQueue[urllib.request.Request] = SimpleQueue()
_start = threading.Lock()
_sender: threading.Thread | None = None
# Without proxy and without following redirects.
_line = urllib.request.OpenerDirector()
for _handler in (urllib.request.HTTPHandler, urllib.request.HTTPErrorProcessor, urllib.request.HTTPDefaultErrorHandler):
    _line.add_handler(_handler())


def accepted(bank: Document, address: str | None) -> bool:
    """Return whether this bank posts to this URL."""
    parts = urlsplit(address or "")
    return bool(bank.get("notifies")) and parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS


def tell(order: Document) -> None:
    """Post the current status from a separate thread, so that the bank does not wait."""
    address, bank = order.get("notify"), banks.find(order["bank"])
    if address is None or bank is None or not accepted(bank, address):
        return
    body = json.dumps({"paymentId": order["id"], "transactionStatus": order["status"]}).encode()
    headers = {"Content-Type": "application/json", "X-Request-ID": str(uuid.uuid4())}
    _waiting.put(urllib.request.Request(address, body, headers, method="POST"))
    with _start:
        global _sender
        if _sender is None:
            _sender = threading.Thread(target=_send_forever, daemon=True)
            _sender.start()


def _send_forever() -> None:
    while True:
        request = _waiting.get()
        try:
            _line.open(request, timeout=TIMEOUT_SECONDS).close()
        except (OSError, urllib.error.HTTPError, ValueError) as error:
            log.info("bank signal: %s", type(error).__name__)
