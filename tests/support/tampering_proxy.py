"""A proxy before the sandbox that changes its answers, for what no fault switch can produce.

Everything else passes unchanged, except that the sandbox's URL is replaced by the proxy's. There is also a server that
sends one fixed answer, or none.
"""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

LOOPBACK = "127.0.0.1"


@dataclass
class Meddler:
    """`changes`: end of a path to a function that changes the answer's body.

    `seen`: (path, headers, body) of each request.
    """

    url: str = ""
    changes: dict[str, Callable[[bytes], bytes]] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def count(self, end: str) -> int:
        """Return the number of requests whose path ends so."""
        return sum(path.partition("?")[0].endswith(end) for path, _, _ in self.seen)


@contextmanager
def meddler(target: str) -> Iterator[Meddler]:
    """Listen on a free port and forward all requests to `target`."""
    between = Meddler()

    class Pass(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            between.seen.append((self.path, dict(self.headers), body))
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            answer = requests.request(
                self.command, target + self.path, data=body, headers=headers, allow_redirects=False, timeout=20
            )
            content, status = answer.content.replace(target.encode(), between.url.encode()), answer.status_code
            for end, change in between.changes.items():
                if self.path.partition("?")[0].endswith(end):
                    content, status = change(content), between.statuses.get(end, status)
            self.send_response(status)
            for name in ("Content-Type", "Location"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name].replace(target, between.url))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            self.do_GET()

        def do_PUT(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing: the tests read `seen`."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Pass)
    between.url = f"http://{LOOPBACK}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield between
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def saying(answer: bytes | None, at_once: bool = False) -> Iterator[int]:
    """Listen on a port that sends this answer after a request (or on connection) and closes; None sends nothing."""
    listener = socket.create_server((LOOPBACK, 0))
    held: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # closed: the test is over
                return
            held.append(connection)
            if answer is not None:
                connection.settimeout(20)
                if not at_once:
                    hear_out(connection)
                with suppress(OSError):  # the caller may have closed already
                    connection.sendall(answer)
                connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in held:
            with suppress(OSError):  # wakes a caller that still waits
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        thread.join()


def hear_out(connection: socket.socket) -> None:
    """Read one whole request: closing a socket with unread data would lose the answer."""
    heard = b""
    with suppress(OSError):
        while not is_whole(heard):
            part = connection.recv(1 << 16)
            heard += part
            if not part:
                break


def is_whole(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
    return bool(end) and len(body) >= int(length.group(1) if length else 0)


_silent: list[socket.socket] = []


def closed_port() -> int:
    """Return a port on which nothing listens; it stays reserved until the tests end."""
    held = socket.socket()
    held.bind((LOOPBACK, 0))
    _silent.append(held)
    return held.getsockname()[1]
