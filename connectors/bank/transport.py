"""One HTTP exchange that can say how far it got.

Connecting and sending are two steps here, which no general client keeps apart: a failure of the
first is `NotDelivered`, any failure after it is `OutcomeUnknown`, because from the first byte on the
bank may have the request. That also holds for a TLS alert that comes after the handshake (TLS 1.3
refuses a client only then). No redirects, no proxy, no netrc, no connection that is used twice: a
kept one may be dead, and then nobody knows whether the request went out.
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
    """No whole answer within the time."""


@dataclass(frozen=True)
class Request:
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Answer:
    """Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@cache
def tls_with(certificate: Path, key: Path) -> ssl.SSLContext:
    """The usual trust, and a certificate of ours for banks that want one on the line (QWAC). ValueError names the file
    that cannot be used."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"{certificate.name} and {key.name} are no certificate with its key") from error
    return context


@cache
def usual_tls() -> ssl.SSLContext:
    """Certificates and names are checked against this machine's authorities; TLS 1.2 or newer.

    Read once a process: reading the authorities costs more than the rest of a call.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def send_request(
    request: Request, connect_timeout: float, answer_timeout: float, tls: ssl.SSLContext | None = None
) -> Answer:
    """Send the request and read its whole answer, once. `tls`: another context, with a certificate of ours in it.

    `answer_timeout` in seconds bounds sending and answering together, however slowly the other side
    drips. NotDelivered when no connection was made; OutcomeUnknown (TimedOut) for whatever fails after
    that, an answer that breaks off or one above 20 MB included.
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
    """Cut the line when the time is up. A time-out on the socket alone begins anew with every byte."""

    def cut() -> None:
        expired.set()
        with suppress(OSError):  # the other side hung up first: the reader sees that by itself
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
    # A server may refuse a large body before it has read it all, and hang up: its answer is there to be read.
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
        # http.client gives what there was of a broken answer without a word
        raise http.client.IncompleteRead(b"", response.length)
    return b"".join(parts)
