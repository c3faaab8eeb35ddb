"""SurePay's IBAN-Name Check for organisations (docs/facts/bank.md, section 3).

POST /oauth/client_credential/accesstoken with Basic client authentication gives a token, which is used until it ends;
there is no refresh token. POST /account/check/organisations asks about one account and name.
"""

import re
import time
from base64 import b64encode
from typing import Any
from urllib.parse import quote

from connectors.names.port import CLOSE_MATCH, MATCH, NO_MATCH, NOT_POSSIBLE, NameCheckDown, NameCheckResult
from connectors.names.transport import NameServiceSettings, NameServiceWire, result
from core.ids import uuid

# The pages of the service and a published client of it spell two of the results differently.
_MATCHES = {
    "MATCH": MATCH, "MATCHING": MATCH, "CLOSE_MATCH": CLOSE_MATCH, "NO_MATCH": NO_MATCH, "NOT_MATCHING": NO_MATCH,
    "COULD_NOT_MATCH": NOT_POSSIBLE, "NAME_TOO_SHORT": NOT_POSSIBLE,
}  # fmt: skip
_REFUSES_THIS_ONE = (400, 422)  # the account or name is not in a form that it checks
_SHORTEST, _LONGEST, _EARLIER = 60, 24 * 3600, 30  # seconds: of a token's life, and how long before its end it is left


class SurePay:
    """Asks the service. The token is kept in memory, per process."""

    name = "surepay"

    def __init__(self, settings: NameServiceSettings) -> None:
        self._settings, self._wire = settings, NameServiceWire(settings, "surepay")
        self._token, self._until = "", 0.0

    def check(self, iban: str, name: str) -> NameCheckResult:
        """Return whether this account belongs to this name.

        Raises:
        - NameCheckDown
        """
        status, found = self._asked(iban, name)
        if status == 401:  # the token may have been withdrawn before its end
            self._until = 0.0
            status, found = self._asked(iban, name)
        if status in _REFUSES_THIS_ONE:
            return NameCheckResult(NOT_POSSIBLE)
        if status != 200:
            raise NameCheckDown(f"HTTP {status}")
        said = found.get("nameMatchResult")
        return result(_MATCHES.get(said) if isinstance(said, str) else None, found.get("nameSuggestion"))

    def _asked(self, iban: str, name: str) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self._access_token()}", "X-Correlation-Id": uuid()}
        asked = {"accountId": {"value": iban, "type": "IBAN"}, "name": name}
        return self._wire.post("/account/check/organisations", headers, json=asked)

    def _access_token(self) -> str:
        if time.monotonic() >= self._until:
            self._token, life = self._new_token()
            self._until = time.monotonic() + life - _EARLIER
        return self._token

    def _new_token(self) -> tuple[str, float]:
        """Return a token and its life in seconds."""
        who = f"{quote(self._settings.client_id, safe='')}:{quote(self._settings.client_secret, safe='')}"
        headers = {"Authorization": f"Basic {b64encode(who.encode()).decode()}"}
        status, found = self._wire.post(
            "/oauth/client_credential/accesstoken", headers, data={"grant_type": "client_credentials"}
        )
        token = found.get("access_token")
        if status != 200 or not isinstance(token, str) or not re.fullmatch(r"[!-~]{1,4096}", token):
            raise NameCheckDown(f"no token, HTTP {status}")
        return token, _life(found.get("expires_in"))


def _life(said: Any) -> float:
    """Return the seconds that a token is valid; the service's examples write them as text."""
    seconds = int(said) if str(said).isdecimal() and len(str(said)) < 10 else 0
    return min(max(seconds, _SHORTEST), _LONGEST)
