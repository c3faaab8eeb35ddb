"""Send one request to a name-check service. Whatever is no answer to it raises `NameCheckDown`.

Requests go only to the address in the settings: no redirects, no proxies and no netrc of the environment, no cookies.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from connectors import calls
from connectors.iso20022 import plain
from connectors.names.port import CLOSE_MATCH, NameCheckDown, NameCheckResult
from connectors.nmbrs.http_session import PerProcessSession
from core.hidden_characters import load_json

MOST_BYTES = 64 * 1024
LONGEST_NAME = 140  # Max140Text, as of an account holder in pain.001


@dataclass(frozen=True)
class NameServiceSettings:
    """Where the service is and as whom we ask it. `timeout` is in seconds, of the whole answer."""

    url: str
    client_secret: str = field(repr=False)
    client_id: str = ""
    timeout: float = 10


class NameServiceWire:
    """HTTP to one service. `which`: its name in the settings."""

    def __init__(self, settings: NameServiceSettings, which: str) -> None:
        self._which = which
        self._base, self._timeout, self._session = settings.url.rstrip("/"), settings.timeout, PerProcessSession()

    def post(self, path: str, headers: Mapping[str, str], **body: Any) -> tuple[int, dict[str, Any]]:
        """Return status and JSON object of the answer; an error of ours (4xx, except 429) may be without one.

        Raises:
        - NameCheckDown: it cannot be reached, is slow or busy, or says something that cannot be read.
        """
        with calls.reported("names", path.rpartition("/")[2], which=self._which):
            return self._exchange(path, headers, body)

    def _exchange(self, path: str, headers: Mapping[str, str], body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        try:
            with self._session.get().post(
                f"{self._base}{path}", headers=dict(headers), timeout=self._timeout, allow_redirects=False, stream=True,
                **body,
            ) as answer:  # fmt: skip
                status, raw = answer.status_code, _read(answer, time.monotonic() + self._timeout)
        except requests.RequestException as error:
            down = type(error).__name__
        else:
            return _checked(status, raw)
        # outside the except block: a chained exception holds the request, with the name and the account in it
        raise NameCheckDown(down)


def result(match: str | None, holder: Any) -> NameCheckResult:
    """Return the result; a holder's name counts with a close match only.

    Raises:
    - NameCheckDown: `match` is None, a result that we do not know.
    """
    if match is None:
        raise NameCheckDown("a result that is not known")
    told = plain(holder, LONGEST_NAME) if match == CLOSE_MATCH and isinstance(holder, str) else None
    return NameCheckResult(match, told)


def _read(answer: requests.Response, until: float) -> bytes:
    """Return the body, which may neither be long nor trickle in.

    Raises:
    - requests.RequestException
    """
    raw = b""
    for part in answer.iter_content(8192):
        raw += part
        if len(raw) > MOST_BYTES or time.monotonic() > until:
            raise requests.exceptions.ContentDecodingError
    return raw


def _checked(status: int, raw: bytes) -> tuple[int, dict[str, Any]]:
    if status == 429 or not (status == 200 or 400 <= status < 500):
        raise NameCheckDown(f"HTTP {status}")
    try:
        found = load_json(raw)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        return status, found
    if status == 200:
        raise NameCheckDown("an answer that is no JSON object")
    return status, {}
