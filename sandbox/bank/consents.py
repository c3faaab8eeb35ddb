"""Consents: which accounts a party may access, and until when."""

import uuid
from datetime import date, timedelta
from typing import Any

from sandbox import clock, faults
from sandbox.bank import banks
from sandbox.bank.answers import Refusal
from sandbox.store import Document, get_store

KIND, USES = "bank_consent", "bank_consent_use"
MAX_DAYS, SHORT_DAYS = 180, 5
RIGHTS = ("accounts", "balances", "transactions")
EVERYTHING = ("availableAccounts", "availableAccountsWithBalance", "allPsd2")
FIELDS = {
    "access": dict, "recurringIndicator": bool, "validUntil": str, "frequencyPerDay": int,
    "combinedServiceIndicator": bool,
}  # fmt: skip


def create(bank: Document, body: dict[str, Any], ways_back: dict[str, str | None]) -> Document:
    """Create a consent that waits for the person.

    Raises:
    - Refusal: the request is invalid.
    """
    for name, kind in FIELDS.items():
        if not isinstance(body.get(name), kind) or (kind is int and isinstance(body[name], bool)):
            raise Refusal(400, "FORMAT_ERROR", f"{name} ontbreekt of is van de verkeerde soort", name)
    if body["frequencyPerDay"] < 1:
        raise Refusal(400, "FORMAT_ERROR", "frequencyPerDay is minstens 1", "frequencyPerDay")
    consent: Document = {
        "id": str(uuid.uuid4()), "bank": bank["id"], "status": "received", "asked": body["access"],
        "rights": rights_asked(body["access"]), "ibans": [], "recurring": body["recurringIndicator"],
        "valid_until": valid_until(body["validUntil"]).isoformat(), "frequency": min(body["frequencyPerDay"], 4),
        "last_action": clock.bank_day().isoformat(),
    } | ways_back  # fmt: skip
    get_store().put(KIND, consent["id"], consent)
    return consent


def rights_asked(access: dict[str, Any]) -> list[str]:
    if any(name in access for name in EVERYTHING):
        return list(RIGHTS)
    rights = [name for name in RIGHTS if isinstance(access.get(name), list)]
    if not rights:
        raise Refusal(400, "FORMAT_ERROR", "access noemt niets", "access")
    return rights if "accounts" in rights else ["accounts", *rights]


def valid_until(text: str) -> date:
    """Return the requested end date, limited to 180 days (PSD2 RTS as amended by Regulation (EU) 2022/2360)."""
    try:
        asked = date.fromisoformat(text)
    except ValueError as error:
        raise Refusal(400, "FORMAT_ERROR", "validUntil is geen datum", "validUntil") from error
    if asked < clock.bank_day():
        raise Refusal(400, "PERIOD_INVALID", "validUntil is voorbij", "validUntil")
    longest = SHORT_DAYS if faults.on("bank_consent_short") else MAX_DAYS
    return min(asked, clock.bank_day() + timedelta(days=longest))


def offered(consent: Document) -> list[Document]:
    """Return the accounts to choose from: those in the request, else all."""
    named = {
        account.get("iban")
        for right in RIGHTS
        for account in consent["asked"].get(right) or []
        if isinstance(account, dict)
    }
    accounts = (banks.find(consent["bank"]) or {"accounts": []})["accounts"]
    return [account for account in accounts if not named or account["iban"] in named]


def find(bank_id: str, consent_id: str) -> Document | None:
    """Return the consent with its current status."""
    consent = get_store().get(KIND, consent_id)
    if consent is None or consent["bank"] != bank_id or faults.on("bank_forgets_consent"):
        return None
    if consent["status"] == "valid" and is_over(consent):
        consent = set_status(consent_id, "expired")
    return consent


def is_over(consent: Document) -> bool:
    return faults.on("bank_consent_expired") or consent["valid_until"] < clock.bank_day().isoformat()


def set_status(consent_id: str, status: str) -> Document:
    changes = {"status": status, "last_action": clock.bank_day().isoformat()}
    return get_store().update(KIND, consent_id, lambda consent: consent | changes)


def decide(consent_id: str, ibans: list[str]) -> bool:
    """Record the accounts that the person allows; none means rejected. Return False if it was decided before."""
    decided = False

    def change(consent: Document) -> Document | None:
        nonlocal decided
        if consent["status"] != "received":
            return None
        decided = True
        chosen = [account["iban"] for account in offered(consent) if account["iban"] in ibans]
        return consent | {"status": "valid" if chosen else "rejected", "ibans": chosen}

    get_store().update(KIND, consent_id, change)
    return decided


def end(consent_id: str, status: str) -> None:
    """End a consent: by the party (terminatedByTpp) or by the person at the bank (revokedByPsu)."""
    if get_store().get(KIND, consent_id)["status"] in ("received", "valid"):
        set_status(consent_id, status)


def standing(bank_id: str, consent_id: str | None) -> Document:
    """Return the valid consent that the header names.

    Raises:
    - Refusal: it is missing, unknown, expired or not valid.
    """
    consent = find(bank_id, consent_id or "")
    if consent_id is None:
        raise Refusal(400, "FORMAT_ERROR", "Consent-ID ontbreekt", "Consent-ID")
    if consent is None:
        raise Refusal(400, "CONSENT_UNKNOWN", "Deze toestemming is hier niet bekend")
    if consent["status"] == "expired":
        raise Refusal(401, "CONSENT_EXPIRED", "De toestemming is verlopen")
    if consent["status"] != "valid":
        raise Refusal(401, "CONSENT_INVALID", f"De toestemming is {consent['status']}")
    return consent


def count_use(consent: Document, what: str, psu_present: bool) -> None:
    """Count an access without the person present: at most `frequency` a day (PSD2 RTS art. 36(5)(b))."""
    if faults.on("bank_access_exceeded"):
        raise Refusal(429, "ACCESS_EXCEEDED", "Vandaag te vaak gevraagd")
    if psu_present:
        return
    name = f"{consent['id']}:{what}:{clock.bank_day()}"
    used = get_store().update(USES, name, lambda doc: {"times": (doc or {"times": 0})["times"] + 1})["times"]
    if used > consent["frequency"]:
        raise Refusal(429, "ACCESS_EXCEEDED", f"Zonder de klant erbij hooguit {consent['frequency']} keer per dag")


def of_bank(bank_id: str) -> list[Document]:
    return [one for one in reversed(get_store().all(KIND)) if one["bank"] == bank_id]
