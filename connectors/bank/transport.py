"""One HTTP exchange that reports how far it got.

Connecting and sending are separate steps, unlike in general HTTP clients: if connecting fails the error is
`NotDelivered`, after that `OutcomeUnknown`, because the bank may have the request from its first byte on. That includes
a TLS alert after the handshake (TLS 1.3 refuses a client certificate only then). No redirects, no proxy, no netrc and
no reused connection: a kept connection may be dead, which would leave the outcome unknown.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from connectors.bank.port import NotDelivered, OutcomeUnknown

MOST_BYTES = 20 * 1024 * 1024


class TimedOut(OutcomeUnknown):
    """No complete answer within the time limit."""


@dataclass(frozen=True)
class Request:
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Answer:
    """A response. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@cache
def tls_with(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return the default TLS context plus our client certificate, for banks that require one (QWAC).

    Raises:
    - ValueError: names the file that cannot be used.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"{certificate.name} and {key.name} are no certificate with its key") from error
    return context


@cache
def usual_tls() -> ssl.SSLContext:
    """Return the default TLS context: certificates and host names verified, TLS 1.2 or newer.

    Cached per process, because loading the authorities costs more than the rest of a call.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def send_request(
    request: Request, connect_timeout: float, answer_timeout: float, tls: ssl.SSLContext | None = None
) -> Answer:
    """Send a request once and return its complete answer.

    `answer_timeout` (seconds) limits sending plus the whole answer, however slowly it comes. `tls` replaces the default
    context.

    Raises:
    - NotDelivered: no connection was made.
    - OutcomeUnknown: any later failure, such as an incomplete answer or one above 20 MB.
    - TimedOut: the time limit passed.
    """
    with closing(_connection(request.url, connect_timeout, tls)) as connection:
        try:
            connection.connect()
        except (OSError, ValueError) as error:
            raise NotDelivered(f"no connection: {type(error).__name__}") from error
        expired = threading.Event()
        try:
            with _limited(connection.sock, answer_timeout, expired):
                return _send_and_read(connection, request)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if expired.is_set():
                raise TimedOut("no answer in time") from error
            raise OutcomeUnknown(f"no answer: {type(error).__name__}") from error


def _connection(url: str, connect_timeout: float, tls: ssl.SSLContext | None) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme == "https":
        context = tls or usual_tls()
        return http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=connect_timeout, context=context)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=connect_timeout)


@contextmanager
def _limited(sock: socket.socket, seconds: float, expired: threading.Event) -> Iterator[None]:
    """Shut the connection down when the time is up. A socket timeout would restart with every byte."""

    def cut() -> None:
        expired.set()
        with suppress(OSError):  # the other side closed first: the reader notices that itself
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    sock.settimeout(None)
    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _send_and_read(connection: http.client.HTTPConnection, request: Request) -> Answer:
    parts = urlsplit(request.url)
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    headers = {**request.headers, "Connection": "close", "Accept-Encoding": "identity"}
    # A server may refuse a large body before reading all of it and close; its answer can still be read.
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.request(request.method, target, request.body or None, headers)
    with closing(connection.getresponse()) as response:
        return Answer(
            response.status, {name.lower(): value for name, value in response.getheaders()}, _whole_body(response)
        )


def _whole_body(response: http.client.HTTPResponse) -> bytes:
    parts, size = [], 0
    while part := response.read(1 << 16):
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            raise ValueError("the answer is too large")
    if response.length:
        # http.client returns an incomplete body without an error
        raise http.client.IncompleteRead(b"", response.length)
    return b"".join(parts)
