"""A bank on raw sockets, for connections and answers that no fault switch of the sandbox can produce.

    with raw_bank(says(201, {"paymentId": "1"})) as bank: … bank.url, bank.requests
"""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

LOOPBACK = "127.0.0.1"
Script = Callable[[socket.socket, "RawRequest"], object]


@dataclass(frozen=True)
class RawRequest:
    """One request as received. Header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class RawBank:
    """`requests`: each completely read request. `connections`: the number of connections."""

    url: str
    requests: list[RawRequest] = field(default_factory=list)
    connections: int = 0


@contextmanager
def raw_bank(*scripts: Script, tls: ssl.SSLContext | None = None, reads: bool = True) -> Iterator[RawBank]:
    """Listen on a free port. Each connection runs the next script; the last script serves all further connections.

    A script gets the connection and the request, if it is to be read (`reads`). The connection is closed after it.
    """
    listener = socket.create_server((LOOPBACK, 0))
    bank = RawBank(f"{'https' if tls else 'http'}://{LOOPBACK}:{listener.getsockname()[1]}")

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # closed: the test is over
                return
            script = scripts[min(bank.connections, len(scripts) - 1)]
            bank.connections += 1
            with suppress(OSError), connection, wrapped(connection, tls) as line:
                request = read_request(line) if reads else RawRequest("", "", {}, b"")
                if reads:
                    bank.requests.append(request)
                script(line, request)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield bank
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=10)
        assert not thread.is_alive(), "a script does not end"


def wrapped(connection: socket.socket, tls: ssl.SSLContext | None) -> socket.socket:
    return tls.wrap_socket(connection, server_side=True) if tls else connection


def read_request(line: socket.socket) -> RawRequest:
    """Read the head, then the body of the announced length."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = line.recv(1 << 16)
        if not part:
            raise ConnectionError("the caller left")
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    first, *rows = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (row.partition(":") for row in rows)}
    while len(body) < int(headers.get("content-length", "0")):
        body += line.recv(1 << 16)
    method, target, _ = first.split(" ")
    return RawRequest(method, target, headers, body)


# --- scripts ------------------------------------------------------------------------------------------
def says(status: int, body: Any = None, media: str = "application/json", **headers: str) -> Script:
    """Answer with this status and body. A dict or list is sent as JSON; `_` in a header's name stands for `-`."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()

    def script(line: socket.socket, request: RawRequest) -> None:
        named = {"Content-Type": media, "Content-Length": str(len(content))}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        line.sendall(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + content)

    return script


def says_raw(data: bytes) -> Script:
    """Send these bytes and close the connection."""
    return lambda line, request: line.sendall(data)


def hangs_up(line: socket.socket, request: RawRequest) -> None:
    """Close the connection without an answer."""


def resets(line: socket.socket, request: RawRequest) -> None:
    """Close the connection with a TCP reset, as a crash does."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


def drips(data: bytes, pause: float = 0.05) -> Script:
    """Send one byte at a time while the caller reads."""

    def script(line: socket.socket, request: RawRequest) -> None:
        for number in range(len(data)):
            line.sendall(data[number : number + 1])
            time.sleep(pause)

    return script


def is_silent(line: socket.socket, request: RawRequest) -> None:
    """Send nothing until the caller closes the connection."""
    with suppress(OSError):
        while line.recv(1 << 16):
            pass
