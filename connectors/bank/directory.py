"""Banks are lines of configuration: a JSON list in a file, or at the sandbox's address in development."""

import json
import logging
import re
import threading
from collections.abc import Callable
from datetime import time
from pathlib import Path
from time import monotonic
from typing import Any, get_args
from urllib.parse import urlsplit

import requests

from connectors.bank.port import BankLine, Signing

log = logging.getLogger(__name__)


class DirectoryError(ValueError):
    """A line of the bank directory makes no sense; says which."""


def read_lines(text: str) -> dict[str, BankLine]:
    """The lines by id. DirectoryError names what is wrong; unknown fields are left alone."""
    try:
        rows = json.loads(text)
    except ValueError as error:
        raise DirectoryError("the bank directory is no JSON") from error
    if not isinstance(rows, list):
        raise DirectoryError("the bank directory is no list")
    lines = [_line(row) for row in rows]
    if len({line.id for line in lines}) != len(lines):
        raise DirectoryError("a bank stands twice in the directory")
    return {line.id: line for line in lines}


def _line(row: Any) -> BankLine:
    if not isinstance(row, dict) or not re.fullmatch(r"[a-z0-9_-]{1,40}", str(row.get("id", ""))):
        raise DirectoryError("a line of the bank directory has no id")
    name = row["id"]
    if row.get("signing", "redirect") not in get_args(Signing):
        raise DirectoryError(f"bank {name}: unknown way of signing")
    base = str(row.get("base_url", ""))
    if urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).hostname:
        raise DirectoryError(f"bank {name}: base_url is no address")
    try:
        cut_off = time.fromisoformat(row.get("cut_off", "15:30"))
    except (ValueError, TypeError) as error:
        raise DirectoryError(f"bank {name}: cut_off is no time") from error
    hosts = row.get("redirect_hosts", [urlsplit(base).netloc])
    if not isinstance(hosts, list) or not all(isinstance(host, str) and host for host in hosts):
        raise DirectoryError(f"bank {name}: redirect_hosts is no list of hosts")
    return BankLine(
        id=name, name=str(row.get("name") or name), base_url=base.rstrip("/"),
        product=row.get("product", "pain.001-sepa-credit-transfers"), signing=row.get("signing", "redirect"),
        redirect_hosts=tuple(hosts), cut_off=cut_off, honours_request_id=row.get("honours_request_id") is True,
    )  # fmt: skip


class _Kept:
    """Lines that are read again when it is time, the last good ones kept on failure."""

    def __init__(self) -> None:
        self._known: dict[str, BankLine] | None = None
        self._lock = threading.Lock()

    def _refreshed(self, read: Callable[[], str]) -> dict[str, BankLine]:
        try:
            self._known = read_lines(read())
        except (DirectoryError, OSError, requests.RequestException) as error:
            if self._known is None:
                raise DirectoryError(f"the bank directory cannot be had: {error}") from error
            log.warning("bank directory: %s; the last one stays", type(error).__name__)
        return self._known


class FileDirectory(_Kept):
    """Read again when the file changes."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path, self._seen = path, 0

    def lines(self) -> dict[str, BankLine]:
        with self._lock:
            changed = self._path.stat().st_mtime_ns if self._path.exists() else 0
            if self._known is None or changed != self._seen:
                self._seen = changed
                return self._refreshed(self._path.read_text)
            return self._known


class HttpDirectory(_Kept):
    """For development against the sandbox, whose banks can be put on another way of signing."""

    def __init__(self, url: str, ttl_seconds: float = 2) -> None:
        super().__init__()
        self._url, self._ttl, self._asked_at = url, ttl_seconds, 0.0

    def lines(self) -> dict[str, BankLine]:
        with self._lock:
            if self._known is None or monotonic() - self._asked_at > self._ttl:
                self._asked_at = monotonic()
                return self._refreshed(self._fetch)
            return self._known

    def _fetch(self) -> str:
        answer = requests.get(self._url, timeout=2, allow_redirects=False)
        answer.raise_for_status()
        return answer.text
