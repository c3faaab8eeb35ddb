"""The REST APIs of KvK. Fails closed: an unusable answer raises `RegisterDown`, never confirms authority."""

import re
import time
from typing import Any

import requests

from connectors import calls
from connectors.register.extract import (
    fault_codes,
    has_link,
    owner_of,
    parse_search_results,
    read_company,
    read_extract,
)
from connectors.register.port import Company, Extract, RegisterDown, UnknownCompany
from core.hidden_characters import storable

_UNKNOWN = frozenset({"IPD0005", "IPD5200"})
_TEMPORARY = frozenset({"IPD1002", "IPD1003"})


class _Temporary(RegisterDown):
    """A temporary error: the register says so, or answers 5xx."""


class KvkRegister:
    """The API of the KvK.

    `base_url` includes /api. `timeout` and the `pauses` between retries of temporary errors are in seconds.
    `certificate` is the path of a PEM file with our key and certificate, for the register's mutual TLS address.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        timeout: float = 5,
        pauses: tuple[float, ...] = (0.3, 1.0),
        certificate: str | None = None,
    ) -> None:
        self._base, self._key, self._timeout, self._pauses = base_url.rstrip("/"), api_key, timeout, pauses
        self._certificate = certificate

    def company(self, kvk_number: str) -> Company:
        """Return name and legal form of a company.

        Raises:
        - UnknownCompany
        - RegisterDown
        """
        path = f"/v1/basisprofielen/{_checked(kvk_number)}"
        found, owner = self._get(path), None
        if owner_of(found) is None and has_link(found, "eigenaar"):
            # at our own base URL: the API key is never sent to a link in an answer
            owner = self._get(f"{path}/eigenaar")
        try:
            return read_company(found, owner, kvk_number)
        except ValueError as error:
            raise RegisterDown(str(error)) from error

    def search(self, text: str) -> list[Company]:
        """Return the companies with this name or number; an empty list if there are none.

        Raises:
        - RegisterDown
        """
        by = "kvkNummer" if re.fullmatch(r"[0-9]{8}", text) else "naam"
        try:
            return parse_search_results(self._get("/v2/zoeken", {by: text, "resultatenPerPagina": "10"}))
        except UnknownCompany:
            return []
        except ValueError as error:
            raise RegisterDown(str(error)) from error

    def extract(self, kvk_number: str) -> Extract:
        """Return the officers of a company and their authority.

        Raises:
        - UnknownCompany
        - RegisterDown
        """
        found = self._get(f"/v1/functionarissen/kvknummer/{_checked(kvk_number)}")
        try:
            return read_extract(found, kvk_number)
        except ValueError as error:
            raise RegisterDown(str(error)) from error

    def _get(self, path: str, asked: dict[str, str] | None = None) -> dict[str, Any]:
        for pause in self._pauses:
            try:
                return self._reported(path, asked)
            except _Temporary:
                time.sleep(pause)
        return self._reported(path, asked)

    def _reported(self, path: str, asked: dict[str, str] | None) -> dict[str, Any]:
        """Ask once. The name of the operation is the path without the company's number."""
        with calls.reported("register", path.split("/")[2], refusals=(UnknownCompany,)):
            return self._once(path, asked)

    def _once(self, path: str, asked: dict[str, str] | None) -> dict[str, Any]:
        try:
            answer = requests.get(
                f"{self._base}{path}", params=asked, headers={"apikey": self._key}, timeout=self._timeout,
                allow_redirects=False, cert=self._certificate,
            )  # fmt: skip
        except requests.RequestException as error:
            raise RegisterDown(type(error).__name__) from error
        found = _json(answer)
        codes = fault_codes(found)
        if answer.status_code >= 500 or codes & _TEMPORARY:
            raise _Temporary(_why(answer, codes))
        if codes & _UNKNOWN:
            raise UnknownCompany
        if answer.status_code != 200 or codes or not isinstance(found, dict):
            raise RegisterDown(_why(answer, codes))
        return found


def _json(answer: requests.Response) -> Any:
    try:
        return storable(answer.json())
    except (ValueError, RecursionError):
        return None


def _why(answer: requests.Response, codes: set[str]) -> str:
    return " ".join([f"HTTP {answer.status_code}", *sorted(codes)])


def _checked(kvk_number: str) -> str:
    """Return a number of eight digits; any other does not exist and is unsafe in a path."""
    if not re.fullmatch(r"[0-9]{8}", kvk_number):
        raise UnknownCompany
    return kvk_number
