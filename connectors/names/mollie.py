"""Mollie's Verify Payee: the check of a bank that keeps the company's account (docs/facts/bank.md, section 3).

POST /v2/business-accounts/payee-verifications with an access token of the organisation, which Mollie issues with the
right `business-account-payee-verifications.write`. Beta: the service may change it.
"""

from connectors.names.port import CLOSE_MATCH, MATCH, NO_MATCH, NOT_POSSIBLE, NameCheckDown, NameCheckResult
from connectors.names.transport import NameServiceSettings, NameServiceWire, result

_MATCHES = {"match": MATCH, "close-match": CLOSE_MATCH, "no-match": NO_MATCH, "not-available": NOT_POSSIBLE}


class Mollie:
    """Asks the service; without state."""

    name = "mollie"

    def __init__(self, settings: NameServiceSettings) -> None:
        self._secret, self._wire = settings.client_secret, NameServiceWire(settings, "mollie")

    def check(self, iban: str, name: str) -> NameCheckResult:
        """Return whether this account belongs to this name.

        Raises:
        - NameCheckDown
        """
        status, found = self._wire.post(
            "/v2/business-accounts/payee-verifications", {"Authorization": f"Bearer {self._secret}"},
            json={"creditorBankAccount": {"accountHolderName": name, "format": "iban", "accountNumber": iban}},
        )  # fmt: skip
        if status == 422:  # the account or name is not in a form that it checks
            return NameCheckResult(NOT_POSSIBLE)
        if status != 200:
            raise NameCheckDown(f"HTTP {status}")
        about = found.get("verificationResult")
        told = about if isinstance(about, dict) else {}
        said = told.get("outcome")
        return result(_MATCHES.get(said) if isinstance(said, str) else None, told.get("accountHolderName"))
