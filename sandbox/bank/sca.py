"""SCA of orders, cancellations and consents, in the three approaches of Berlin Group.

An authorisation is one attempt of one person to sign one thing, on its own page.
"""

import hashlib
import hmac
import secrets
import uuid
from typing import Any

from flask import current_app

from sandbox import clock, faults
from sandbox.bank import answers, consents, orders
from sandbox.bank.answers import Answer, Refusal
from sandbox.store import Document, get_store

KIND = "bank_sca"
PAY, CANCEL, CONSENT = "pay", "cancel", "consent"
MAX_TRIES = 3
CODE_LENGTH = 6
OPEN = ("received", "psuAuthenticated", "scaMethodSelected", "started")
APPROACHES = {"redirect": "REDIRECT", "decoupled": "DECOUPLED", "embedded": "EMBEDDED"}
METHODS = (
    {
        "authenticationType": "CHIP_OTP", "authenticationMethodId": "lezer", "name": "Bankpas en lezer",
        "explanation": "Toets de cijfers in op de lezer en neem de code over.",
    },
    {
        "authenticationType": "SMS_OTP", "authenticationMethodId": "sms", "name": "Sms naar 06 - 42",
        "explanation": "U krijgt een sms met een code.",
    },
)  # fmt: skip
READER_SECRET = b"leesbank"


def find(bank_id: str, target: str, sca_id: str) -> Document | None:
    sca = get_store().get(KIND, sca_id)
    return sca if sca and (sca["bank"], sca["target"]) == (bank_id, target) else None


def of_target(target: str, purpose: str) -> list[Document]:
    return [one for one in get_store().all(KIND) if (one["target"], one["purpose"]) == (target, purpose)]


def change(sca_id: str, **fields: Any) -> Document:
    return get_store().update(KIND, sca_id, lambda doc: doc | fields)


def path_of(sca: Document) -> str:
    """Return the path of an authorisation below /v1."""
    if sca["purpose"] == CONSENT:
        return f"/consents/{sca['target']}/authorisations/{sca['id']}"
    kind = "cancellation-authorisations" if sca["purpose"] == CANCEL else "authorisations"
    return f"/bulk-payments/{sca['product']}/{sca['target']}/{kind}/{sca['id']}"


# --- starting ---
def begin(bank: Document, purpose: str, target: Document, ways_back: dict[str, str | None]) -> Document:
    """Create an authorisation. Consents always use a page of the bank."""
    approach = bank["signing"] if purpose != CONSENT and bank["signing"] in APPROACHES else "redirect"
    sca = {
        "id": str(uuid.uuid4()), "bank": bank["id"], "purpose": purpose, "target": target["id"],
        "product": target.get("product"), "approach": approach, "status": "received", "method": None,
        "challenge": None, "code": None, "tries": 0, "at": clock.bank_now().isoformat(),
        "back": ways_back["back"] or target.get("back"), "nok": ways_back["nok"] or target.get("nok"),
    }  # fmt: skip
    if approach == "redirect" and not sca["back"]:
        raise Refusal(400, "FORMAT_ERROR", "TPP-Redirect-URI ontbreekt", "TPP-Redirect-URI")
    if purpose == PAY:
        orders.begin_signing(target)
    get_store().put(KIND, sca["id"], sca)
    return sca


def check_may_begin(order: Document, purpose: str) -> None:
    """Check that the order can be signed: not signed, final or blocked."""
    if faults.on("bank_sign_not_ready"):
        raise Refusal(409, "STATUS_INVALID", "Ondertekenen kan nog niet; probeer het straks opnieuw")
    if purpose == CANCEL:
        return
    if not orders.can_be_signed(order):
        raise Refusal(409, "STATUS_INVALID", f"Een opdracht met status {order['status']} kan niet worden ondertekend")
    if any(one["tries"] >= MAX_TRIES for one in of_target(order["id"], PAY)):
        raise Refusal(403, "SERVICE_BLOCKED", "Na drie foute codes is deze opdracht geblokkeerd")


def started(sca: Document) -> Answer:
    """Return the 201 answer of a new authorisation."""
    if sca["approach"] == "redirect":
        page = {"scaRedirect": answers.page_link(page_path(sca))}
        return answer(sca, 201, links=page)
    if sca["approach"] == "decoupled":
        return answer(sca, 201, body={"psuMessage": message_for_app(sca)})
    return started_embedded(sca)


def page_path(sca: Document) -> str:
    return f"/bank/{sca['bank']}/{'toestemming' if sca['purpose'] == CONSENT else 'ondertekenen'}/{sca['id']}"


def message_for_app(sca: Document) -> str:
    address = current_app.config["BASE_URL"]
    return f"Open de app van uw bank om te ondertekenen. (Sandbox: {address}/bank/{sca['bank']}/app)"


def started_embedded(sca: Document) -> Answer:
    """Start embedded SCA: the person is already identified, so the next step is choosing a method."""
    if faults.on("bank_one_method"):
        return challenged(sca, METHODS[0], 201)
    sca = change(sca["id"], status="psuAuthenticated")
    here = path_of(sca)
    found = answers.links(sca["bank"], selectAuthenticationMethod=here)
    return answer(sca, 201, body={"scaMethods": list(METHODS)}, links=found)


def answer(sca: Document, status: int, body: dict | None = None, links: dict | None = None) -> Answer:
    found = {"scaStatus": sca["status"], "authorisationId": sca["id"]} | (body or {})
    found["_links"] = (links or {}) | answers.links(sca["bank"], scaStatus=path_of(sca))
    return Answer(status, found, {"ASPSP-SCA-Approach": APPROACHES[sca["approach"]]})


# --- embedded SCA ---
def go_on(sca: Document, data: dict[str, Any]) -> Answer:
    """Handle a PUT with a chosen method or a code."""
    if sca["approach"] != "embedded":
        raise Refusal(400, "SERVICE_INVALID", "Deze ondertekening gaat niet met codes")
    if sca["status"] not in OPEN:
        raise Refusal(400, "SCA_INVALID", "Deze ondertekening is al afgesloten")
    if "authenticationMethodId" in data:
        return choose(sca, data["authenticationMethodId"])
    if "scaAuthenticationData" in data:
        return try_code(sca, str(data["scaAuthenticationData"]))
    raise Refusal(400, "FORMAT_ERROR", "authenticationMethodId of scaAuthenticationData wordt verwacht")


def choose(sca: Document, method_id: Any) -> Answer:
    method = next((one for one in METHODS if one["authenticationMethodId"] == method_id), None)
    if method is None:
        raise Refusal(400, "SCA_METHOD_UNKNOWN", f"De methode {method_id} bestaat niet")
    return challenged(sca, method, 200)


def challenged(sca: Document, method: dict[str, str], status: int) -> Answer:
    """Issue a challenge that depends on the total and the payees (dynamic linking, PSD2 RTS art. 5)."""
    order = get_store().get(orders.KIND, sca["target"])
    by_reader = method["authenticationType"] == "CHIP_OTP"
    challenge = challenge_of(sca, order) if by_reader else None
    code = reader_code(challenge) if challenge else "".join(secrets.choice("0123456789") for _ in range(CODE_LENGTH))
    sca = change(
        sca["id"], status="scaMethodSelected", method=method["authenticationMethodId"], challenge=challenge, code=code
    )
    data = {"otpMaxLength": CODE_LENGTH, "otpFormat": "integer", "additionalInformation": instruction_text(sca, order)}
    if challenge:
        data["data"] = [challenge]
    body = {"chosenScaMethod": method, "challengeData": data}
    return answer(sca, status, body, answers.links(sca["bank"], authoriseTransaction=path_of(sca)))


def challenge_of(sca: Document, order: Document) -> str:
    lines = orders.content(order["id"])["lines"]
    digest = hashlib.sha256(f"{sca['id']} {order['cents']} {lines}".encode()).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 10**8:08d}"


def reader_code(challenge: str) -> str:
    """Return the code that the card reader shows for a challenge."""
    digest = hmac.digest(READER_SECRET, challenge.encode(), "sha256")
    return f"{int.from_bytes(digest[:8], 'big') % 10**CODE_LENGTH:0{CODE_LENGTH}d}"


def instruction_text(sca: Document, order: Document) -> str:
    """Return the text that must be shown with the challenge."""
    euros = f"{order['cents'] // 100:,}".replace(",", ".") + f",{order['cents'] % 100:02d}"
    address = current_app.config["BASE_URL"]
    what = "het intrekken van " if sca["purpose"] == CANCEL else ""
    return (
        f"U tekent voor {what}EUR {euros}, {order['count']} betalingen. (Sandbox: {address}/bank/{sca['bank']}/reader)"
    )


def try_code(sca: Document, code: str) -> Answer:
    if sca["status"] != "scaMethodSelected":
        raise Refusal(400, "SCA_INVALID", "Kies eerst een methode")
    if hmac.compare_digest(code, sca["code"]):
        finish(sca, True)
        return answer(get_store().get(KIND, sca["id"]), 200)
    tries = change(sca["id"], tries=sca["tries"] + 1)["tries"]
    if tries >= MAX_TRIES:
        change(sca["id"], status="failed")
        raise Refusal(401, "PSU_CREDENTIALS_INVALID", "De code klopt niet. De ondertekening is geblokkeerd.")
    raise Refusal(401, "PSU_CREDENTIALS_INVALID", f"De code klopt niet. Nog {MAX_TRIES - tries} keer proberen.")


# --- completion ---
def finish(sca: Document, agreed: bool, accounts: list[str] | None = None) -> bool:
    """Complete an authorisation as signed or refused; return False if it is too late."""
    claimed = False

    def close(doc: Document) -> Document | None:
        nonlocal claimed
        if doc["status"] not in OPEN:
            return None
        claimed = True
        return doc | {"status": "finalised" if agreed else "failed"}

    get_store().update(KIND, sca["id"], close)
    done = claimed and carry_out(sca, agreed, accounts or [])
    if claimed and agreed and not done:
        change(sca["id"], status="failed")
    return done


def carry_out(sca: Document, agreed: bool, accounts: list[str]) -> bool:
    if sca["purpose"] == CONSENT:
        return consents.decide(sca["target"], accounts if agreed else [])
    if sca["purpose"] == CANCEL:
        return not agreed or orders.cancel(sca["target"])
    return orders.sign(sca["target"]) if agreed else orders.reject(sca["target"], orders.REFUSED_BY_PSU)


def status_of(sca: Document) -> str:
    """Return the scaStatus; it is failed if the order can no longer be signed."""
    if sca["status"] in OPEN and sca["purpose"] == PAY:
        order = orders.refresh(get_store().get(orders.KIND, sca["target"]))
        if not orders.can_be_signed(order):
            return change(sca["id"], status="failed")["status"]
    return sca["status"]


def waiting(bank_id: str, approach: str) -> list[Document]:
    """Return the authorisations that wait for a person, newest first."""
    found = [one for one in get_store().all(KIND) if (one["bank"], one["approach"]) == (bank_id, approach)]
    return [one for one in reversed(found) if one["status"] in OPEN and status_of(one) in OPEN]
