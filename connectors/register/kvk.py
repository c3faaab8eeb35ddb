"""The KvK's REST interfaces. Fails closed: no answer that can be used is `RegisterDown`, never a yes."""

import re
import time
from typing import Any

import requests

from connectors.register.extract import read_extract
from connectors.register.port import Company, Extract, RegisterDown, UnknownCompany

_UNKNOWN = frozenset({"IPD0005", "IPD5200"})
_TEMPORARY = frozenset({"IPD1002", "IPD1003"})


class KvkRegister:
    """Time-out in seconds; `pauses` between tries of what the register calls temporary."""

    def __init__(
        self, base_url: str, api_key: str, timeout: float = 5, pauses: tuple[float, ...] = (0.3, 1.0)
    ) -> None:
        self._base, self._key, self._timeout, self._pauses = base_url.rstrip("/"), api_key, timeout, pauses

    def company(self, kvk_number: str) -> Company:
        """Name and form of a company. UnknownCompany, RegisterDown."""
        found = self._get(f"/v1/basisprofielen/{_checked(kvk_number)}")
        owner = (found.get("_embedded") or {}).get("eigenaar") or {}
        ended = (found.get("materieleRegistratie") or {}).get("datumEinde")
        return Company(kvk_number, str(found.get("naam") or ""), owner.get("rechtsvorm"), not ended)

    def extract(self, kvk_number: str) -> Extract:
        """Who holds which function. UnknownCompany, RegisterDown."""
        found = self._get(f"/v1/functionarissen/kvknummer/{_checked(kvk_number)}")
        try:
            return read_extract(found)
        except ValueError as error:
            raise RegisterDown(str(error)) from error

    def _get(self, path: str) -> dict[str, Any]:
        for pause in self._pauses:
            try:
                return self._once(path)
            except RegisterDown:
                time.sleep(pause)
        return self._once(path)

    def _once(self, path: str) -> dict[str, Any]:
        try:
            answer = requests.get(
                f"{self._base}{path}", headers={"apikey": self._key}, timeout=self._timeout, allow_redirects=False
            )
            found = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise RegisterDown(type(error).__name__) from error
        if answer.status_code == 200 and isinstance(found, dict):
            return found
        codes = _codes(found)
        if codes & _UNKNOWN and not codes & _TEMPORARY:
            raise UnknownCompany
        raise RegisterDown(f"HTTP {answer.status_code} {' '.join(sorted(codes))}")


def _codes(found: Any) -> set[str]:
    faults = found.get("fout") if isinstance(found, dict) else None
    return {str(fault.get("code")) for fault in faults or () if isinstance(fault, dict)}


def _checked(kvk_number: str) -> str:
    if not re.fullmatch(r"[0-9]{8}", kvk_number):
        raise UnknownCompany
    return kvk_number
