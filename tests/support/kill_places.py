"""Every place where the product changes something that outlives it, found while it runs, and a kill at any of them.

    places = Places(kill_at=17)
    places.watch(folder, {8002: "mail"})    # in a process of its own: what is watched stays so
    …                                       # the process ends before what would be the 17th change

What is watched lies below the product, so that no place can be forgotten: each commit, each statement outside a
transaction, each piece of a request on any socket, the wait for its answer, each file that is opened for writing,
flushed or renamed. A kill after a change is the kill before the next one: nothing outside changes between the two.
The queue's answers are no place: it holds nothing that the database does not hold.
"""

import builtins
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import models

DIED = 9
QUEUE = "queue"
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_ENDS = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SELECT", "PRAGMA", "SET")


class Places:
    """Counts the places; `kinds` names each. `before_death` is called with the place before the kill."""

    def __init__(self, kill_at: int = 0, before_death: Callable[[str], None] | None = None) -> None:
        self.kill_at, self.before_death = kill_at, before_death
        self.kinds: list[str] = []
        self._outside = 0
        self._asked: dict[int, str] = {}

    def reached(self, kind: str) -> None:
        if self._outside:
            return
        self.kinds.append(kind)
        if len(self.kinds) == self.kill_at:
            if self.before_death:
                self.before_death(kind)
            os._exit(DIED)

    @contextmanager
    def outside(self) -> Iterator[None]:
        """What happens in this block is done by others: a customer at the bank, the queue's own bookkeeping."""
        self._outside += 1
        yield
        self._outside -= 1

    def watch(self, folder: Path, ports: dict[int, str]) -> None:
        """Watch this process from now on. `ports`: what listens there, if its requests do not say so themselves."""
        self._watch_database()
        self._watch_sockets(ports)
        self._watch_files(str(folder))

    # --- the database -----------------------------------------------------------------------------
    def _watch_database(self) -> None:
        real = models.database.obj
        execute, commit = real.execute_sql, real.commit

        def execute_sql(sql: str, *given: object, **named: object) -> object:
            if not real.in_transaction() and not sql.lstrip().upper().startswith(_ENDS):
                self.reached("database: a statement of its own")
            return execute(sql, *given, **named)

        def committed() -> None:
            self.reached("database: a commit")
            commit()

        real.execute_sql, real.commit = execute_sql, committed

    # --- the network ------------------------------------------------------------------------------
    def _watch_sockets(self, ports: dict[int, str]) -> None:
        kinds: Any = socket.socket
        for name in ("send", "sendall"):
            setattr(kinds, name, self._sending(getattr(kinds, name), ports))
        for name in ("recv", "recv_into"):
            setattr(kinds, name, self._receiving(getattr(kinds, name)))

    def _sending(self, real: Callable[..., Any], ports: dict[int, str]) -> Callable[..., Any]:
        def send(line: socket.socket, data: Any, *given: Any) -> Any:
            whom = self._asked.get(line.fileno()) or _whom(line, bytes(data[:200]), ports)
            if whom != QUEUE:
                self._asked[line.fileno()] = whom
            if whom != QUEUE or not _only_reads(bytes(data[:40])):
                self.reached(f"{whom}: about to be asked")
            return real(line, data, *given)

        return send

    def _receiving(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def receive(line: socket.socket, *given: Any) -> Any:
            whom = self._asked.pop(line.fileno(), "")
            if whom:
                self.reached(f"{whom}: asked, no answer yet")
            return real(line, *given)

        return receive

    # --- files ------------------------------------------------------------------------------------
    def _watch_files(self, folder: str) -> None:
        def look(event: str, given: tuple) -> None:
            if event == "open" and isinstance(given[2], int) and given[2] & _WRITES and _is_in(given[0], folder):
                self.reached("file: about to be opened")
            elif event == "os.rename" and _is_in(given[1], folder):
                self.reached("file: about to be put in place")

        sys.addaudithook(look)
        opens, flushes = builtins.open, os.fsync

        def opened(file: Any, *given: Any, **named: Any) -> Any:
            made = opens(file, *given, **named)
            if made.writable() and _is_in(file, folder):
                self.reached("file: opened, nothing written")
            return made

        def flushed(descriptor: int) -> None:
            self.reached("file: about to be flushed")
            flushes(descriptor)

        builtins.open, os.fsync = opened, flushed


def _only_reads(command: bytes) -> bool:
    """Return whether a command to the queue changes nothing (RESP: *2, $4, LLEN, …)."""
    words = command.split(b"\r\n")
    return len(words) > 2 and words[2] in (b"LLEN", b"LRANGE", b"GET", b"PING", b"CLIENT", b"HELLO", b"INFO", b"SELECT")


def _is_in(file: Any, folder: str) -> bool:
    return isinstance(file, str | os.PathLike) and os.fspath(file).startswith(folder)


def _whom(line: socket.socket, data: bytes, ports: dict[int, str]) -> str:
    """Return who is about to be asked: by the request's path, else by who listens."""
    words = data.split(b" ", 2)
    if len(words) == 3 and words[1].startswith(b"/"):
        return words[1].decode("latin-1").split("/")[1].partition("?")[0]
    if line.family == socket.AF_UNIX:
        return QUEUE
    return ports.get(line.getpeername()[1], "another")
