"""Load the banks' configuration: a JSON list from a file, or from the sandbox's URL in development.

Required per bank: `id`, `name`, `base_url` (https or loopback, without the version) and `redirect_hosts` (where a
person may be sent for SCA).
Optional: `product`, `signing`, `cut_off` (Amsterdam time, "15:30"), `honours_request_id`, `vop`, `adapter`, `format`,
`most_lines`, `knows_salary`, `structured`, `signable_after` (seconds), `notifies`, `retry_days` (bank days),
`payments_version` ("v1"); in a file also `key_id`, `private_key` and `certificate` (PEM text or a path).
Other fields are ignored. port.BankConfig explains each field.
"""

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

from connectors.bank import http_signatures
from connectors.bank.port import Adapter, BankConfig, BankError, OrderFormat, Signing
from connectors.bank.transport import Request, send_request

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
MOST_BYTES = 1024 * 1024
_ID = re.compile(r"[a-z0-9_-]{1,40}")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")
_PRODUCT = re.compile(r"pain\.001-[a-z0-9-]{1,60}")
_JSON_PRODUCT = re.compile(r"[a-z][a-z0-9-]{0,59}")
_VERSION = re.compile(r"v[1-9][0-9]?")
_LONGEST_WAIT = 3600
_MOST_DAYS = 30
_CUT_OFF = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
log = logging.getLogger(__name__)


class DirectoryError(ValueError):
    """The bank directory is unavailable, or the configuration of a bank is invalid. The message says which and why."""


def read_configs(text: str, with_keys: bool = True) -> dict[str, BankConfig]:
    """Parse the configurations, by bank id. Without `with_keys` the key fields are ignored.

    Raises:
    - DirectoryError: names the bank and the field.
    """
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DirectoryError("the bank directory is no JSON") from error
    if not isinstance(rows, list):
        raise DirectoryError("the bank directory is no list")
    configs: dict[str, BankConfig] = {}
    for number, row in enumerate(rows, 1):
        config = _config(number, row, with_keys)
        if config.id in configs:
            raise DirectoryError(f"bank {config.id} stands twice in the directory")
        configs[config.id] = config
    return configs


def _config(number: int, row: Any, with_keys: bool) -> BankConfig:
    if not isinstance(row, dict) or not isinstance(row.get("id"), str) or not _ID.fullmatch(row["id"]):
        raise DirectoryError(f"entry {number} of the bank directory has no id of small letters, digits, - and _")
    bank_id = row["id"]
    try:
        return BankConfig(
            id=bank_id, name=_name(row.get("name")), base_url=_base_url(row.get("base_url")),
            product=_product(row), signing=_one_of(row, "signing", Signing),
            redirect_hosts=_hosts(row.get("redirect_hosts")), cut_off=_cut_off(row.get("cut_off", "15:30")),
            honours_request_id=_flag(row, "honours_request_id"), vop=_flag(row, "vop"),
            adapter=_one_of(row, "adapter", Adapter), format=_one_of(row, "format", OrderFormat),
            most_lines=_count(row, "most_lines"), knows_salary=_flag(row, "knows_salary"),
            structured=_flag(row, "structured", True), signable_after=_seconds(row, "signable_after"),
            notifies=_flag(row, "notifies"), retry_days=_days(row, "retry_days"),
            payments_version=_version(row), **(_keys(row) if with_keys else {}),
        )  # fmt: skip
    except ValueError as error:
        raise DirectoryError(f"bank {bank_id}: {error}") from error


def _name(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= 70:
        raise ValueError("name must be a text of at most 70 characters")
    return value.strip()


def _base_url(value: Any) -> str:
    parts = urlsplit(value if isinstance(value, str) else "")
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    _ = parts.port  # raises ValueError for an invalid port
    if not safe or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("base_url must be an https address (http on this machine alone), without query or user")
    return parts.geturl().rstrip("/")


def _product(row: dict[str, Any]) -> str:
    """Return the payment product. Of a file format its name begins with "pain.001-"."""
    in_json = row.get("format") == "json"
    usual = BankConfig.product.removeprefix("pain.001-") if in_json else BankConfig.product
    value = row.get("product", usual)
    if not isinstance(value, str) or not (_JSON_PRODUCT if in_json else _PRODUCT).fullmatch(value):
        raise ValueError(f"product must be one of its format, such as {usual}")
    return value


def _one_of(row: dict[str, Any], name: str, words: Any) -> Any:
    """Return a value of the given Literal type; if absent, the default of BankConfig."""
    value = row.get(name, getattr(BankConfig, name))
    if value not in get_args(words):
        raise ValueError(f"{name} must be one of {', '.join(get_args(words))}")
    return value


def _count(row: dict[str, Any], name: str) -> int:
    value = row.get(name, getattr(BankConfig, name))
    if type(value) is not int or value < 1:
        raise ValueError(f"{name} must be a whole number above 0")
    return value


def _hosts(value: Any) -> tuple[str, ...]:
    hosts = [host.lower() for host in value if isinstance(host, str)] if isinstance(value, list) else []
    if not hosts or len(hosts) != len(value) or not all(_HOST.fullmatch(host) for host in hosts):
        raise ValueError('redirect_hosts must be a list of "host" or "host:port", at least one')
    return tuple(hosts)


def _cut_off(value: Any) -> time:
    match = _CUT_OFF.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('cut_off must read like "15:30"')
    return time(int(match[1]), int(match[2]))


def _version(row: dict[str, Any]) -> str:
    value = row.get("payments_version", BankConfig.payments_version)
    if not isinstance(value, str) or not _VERSION.fullmatch(value):
        raise ValueError("payments_version must read like v1")
    return value


def _days(row: dict[str, Any], name: str) -> int:
    value = row.get(name, getattr(BankConfig, name))
    if type(value) is not int or not 0 <= value <= _MOST_DAYS:
        raise ValueError(f"{name} must be a whole number of bank days, at most {_MOST_DAYS}")
    return value


def _seconds(row: dict[str, Any], name: str) -> int:
    value = row.get(name, getattr(BankConfig, name))
    if type(value) is not int or not 0 <= value <= _LONGEST_WAIT:
        raise ValueError(f"{name} must be whole seconds, at most {_LONGEST_WAIT}")
    return value


def _flag(row: dict[str, Any], name: str, default: bool = False) -> bool:
    value = row.get(name, default)
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false")
    return value


def _keys(row: dict[str, Any]) -> dict[str, Any]:
    key_id, key, certificate = (row.get(name) for name in ("key_id", "private_key", "certificate"))
    given = [value for value in (key_id, key, certificate) if value is not None]
    if not all(isinstance(value, str) and value for value in given):
        raise ValueError("key_id, private_key and certificate must be texts")
    if (key is None) != (certificate is None):
        raise ValueError("private_key and certificate come together")
    if key is not None and certificate is not None:
        http_signatures.signer_for(key_id, key, certificate)
    return {"key_id": key_id, "private_key": key, "certificate": certificate}


class _Kept:
    """Cache the configurations. If a refresh fails, the last valid ones stay in use."""

    def __init__(self) -> None:
        self._known: dict[str, BankConfig] | None = None
        self._lock = threading.Lock()

    def _refresh(self, read: Callable[[], dict[str, BankConfig]]) -> dict[str, BankConfig]:
        try:
            self._known = read()
        except (DirectoryError, OSError, BankError) as error:
            why = str(error) if isinstance(error, DirectoryError) else type(error).__name__
            if self._known is None:
                raise DirectoryError(f"the bank directory cannot be had: {why}") from error
            log.warning("bank directory: %s; the last one stays", why)
        return self._known


class FileDirectory(_Kept):
    """Configurations from a file, read again when the file changes."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._seen: tuple[int, int] | None = None

    def configs(self) -> dict[str, BankConfig]:
        """Return all bank configurations by id.

        Raises:
        - DirectoryError: they could never be read.
        """
        with self._lock:
            now = self._look()
            if self._known is not None and now == self._seen:
                return self._known
            self._seen = now
            return self._refresh(lambda: read_configs(self._path.read_text("utf-8")))

    def _look(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size


class HttpDirectory(_Kept):
    """Configurations from a URL, for development: the SCA approach of a sandbox bank can change while it runs.

    Refreshed after `ttl_seconds`; a failure keeps the last answer for another period. Keys are never accepted from a
    URL.
    """

    def __init__(self, url: str, ttl_seconds: float = 1, timeout: float = 3) -> None:
        super().__init__()
        self._url, self._ttl, self._timeout = url, ttl_seconds, timeout
        self._asked_at = float("-inf")

    def configs(self) -> dict[str, BankConfig]:
        """Return all bank configurations by id.

        Raises:
        - DirectoryError: they could never be read.
        """
        with self._lock:
            if self._known is not None and monotonic() - self._asked_at <= self._ttl:
                return self._known
            self._asked_at = monotonic()
            return self._refresh(self._fetch)

    def _fetch(self) -> dict[str, BankConfig]:
        request = Request("GET", self._url, {"Accept": "application/json"})
        answer = send_request(request, self._timeout, self._timeout)
        if answer.status != 200 or len(answer.body) > MOST_BYTES:
            raise DirectoryError(f"HTTP {answer.status}")
        return read_configs(answer.body.decode("utf-8", "replace"), with_keys=False)
