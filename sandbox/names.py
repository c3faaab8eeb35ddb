"""Two services that check names outside of a payment, SurePay's and Mollie's, with the holders of `vop`."""

import base64
import re
import secrets
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request

from sandbox import clock, faults
from sandbox.bank import vop
from sandbox.store import get_store

CLIENT_ID, CLIENT_SECRET = "bizcuit-names", "sandbox-names-secret"
TOKENS, ASKED = "names_token", "names_asked"
LIFE = 3600  # seconds, of a token
SHORTEST_NAME = 2

SUREPAY = {"MTCH": "MATCH", "CMTC": "CLOSE_MATCH", "NMTC": "NO_MATCH", "NOAP": "COULD_NOT_MATCH"}
MOLLIE = {"MTCH": "match", "CMTC": "close-match", "NMTC": "no-match", "NOAP": "not-available"}

surepay = Blueprint("surepay", __name__, url_prefix="/names/surepay")
mollie = Blueprint("mollie", __name__, url_prefix="/names/mollie")
control = Blueprint("names_control", __name__, url_prefix="/control/names")


@surepay.before_request
@mollie.before_request
def guard():
    if faults.on("names_slow"):
        faults.hold("names_slow", 60)
    if faults.on("names_down"):
        return Response("<html><body>Service Unavailable</body></html>", 503, content_type="text/html")
    if faults.on("names_busy"):
        return Response("{}", 429, {"Retry-After": "120"}, content_type="application/json")
    return None


def _json() -> dict[str, Any]:
    found = request.get_json(silent=True)
    return found if isinstance(found, dict) else {}


def _asked(iban: Any, name: Any) -> tuple[str, str] | None:
    """Return verdict and holder; None if the question is not in its form. What was asked is kept, for tests."""
    if not isinstance(iban, str) or not isinstance(name, str) or not re.fullmatch(r"[A-Z]{2}[0-9]{2}\w{1,30}", iban):
        return None
    number = get_store().next_number(ASKED)
    get_store().put(ASKED, number, {"iban": iban, "name": name, "asked_at": clock.now().isoformat()})
    return vop.verdict(name, iban)


# --- SurePay --------------------------------------------------------------------------------------
@surepay.post("/oauth/client_credential/accesstoken")
def token():
    who = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    if request.headers.get("Authorization") != f"Basic {who}":
        return jsonify(ErrorCode="invalid_request", Error="ClientId is Invalid"), 401
    if request.form.get("grant_type") != "client_credentials":
        return jsonify(ErrorCode="invalid_request", Error="Required param : grant_type"), 400
    made = secrets.token_urlsafe(20)
    get_store().put(TOKENS, made, {"until": clock.now().timestamp() + LIFE})
    return jsonify(access_token=made, expires_in=str(LIFE), token_type="BearerToken")


def _is_authorised() -> bool:
    row = get_store().get(TOKENS, request.headers.get("Authorization", "").removeprefix("Bearer "))
    return row is not None and row["until"] > clock.now().timestamp()


@surepay.post("/account/check/organisations")
def check():
    if not _is_authorised():
        return jsonify(fault={"faultstring": "Invalid Access Token"}), 401
    if faults.on("names_garbage"):
        return Response("[MATCH]", content_type="application/json")
    about = _json().get("accountId")
    account = about if isinstance(about, dict) else {}
    found = _asked(account.get("value"), _json().get("name"))
    if found is None or account.get("type") != "IBAN" or not request.headers.get("X-Correlation-Id"):
        return jsonify(code="400", message="Bad Request"), 400
    code, holder = found
    said = "NAME_TOO_SHORT" if len(_json()["name"]) < SHORTEST_NAME else SUREPAY[code]
    answer: dict[str, Any] = {
        "account": {"accountNumberValidation": "VALID", "status": "ACTIVE", "accountType": "NP"},
        "nameMatchResult": said,
    }
    return jsonify(answer | ({"nameSuggestion": holder} if said == "CLOSE_MATCH" else {}))


# --- Mollie ---------------------------------------------------------------------------------------
@mollie.post("/v2/business-accounts/payee-verifications")
def verify():
    if request.headers.get("Authorization") != f"Bearer {CLIENT_SECRET}":
        return jsonify(status=401, title="Unauthorized Request"), 401
    if faults.on("names_garbage"):
        return jsonify(verificationResult="match")
    about = _json().get("creditorBankAccount")
    account = about if isinstance(about, dict) else {}
    found = _asked(account.get("accountNumber"), account.get("accountHolderName"))
    if found is None or account.get("format") != "iban":
        return jsonify(status=422, title="Unprocessable Entity"), 422
    code, holder = found
    told = {"outcome": MOLLIE[code]} | ({"accountHolderName": holder} if code == "CMTC" else {})
    return jsonify(resource="payee-verification", creditorBankAccount=account, verificationResult=told)


# --- control --------------------------------------------------------------------------------------
@control.get("")
def asked():
    """Return what was asked, newest first."""
    return jsonify(list(reversed(get_store().all(ASKED))))


@control.delete("/tokens")
def withdraw():
    """Withdraw every token before its end."""
    get_store().clear(TOKENS)
    return jsonify({})


def setup(app: Flask) -> None:
    faults.declare("names_down", "De naamcontrole vooraf is stuk (503)")
    faults.declare("names_busy", "De naamcontrole vooraf heeft het te druk (429)")
    faults.declare("names_slow", "De naamcontrole vooraf antwoordt niet op tijd")
    faults.declare("names_garbage", "De naamcontrole vooraf antwoordt onzin")
    for blueprint in (surepay, mollie, control):
        app.register_blueprint(blueprint)
