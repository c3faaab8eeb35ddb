"""Ponto's JSON:API: accounts with balances, transactions, bulk payments."""

import base64
import hashlib
import json
import re
import threading
import time
from datetime import timedelta
from functools import wraps
from typing import Any

from flask import Blueprint, Response, current_app, request

from sandbox import clock, faults
from sandbox.bank import banks, orders
from sandbox.bank.faults import GATEWAY_PAGE, cut_connection
from sandbox.bank.instruction import NotAccepted
from sandbox.ponto import access, bulk, organisation
from sandbox.store import Document, get_store

api = Blueprint("ponto_api", __name__, url_prefix="/ponto/api")

MEDIA, ANSWERED = "application/vnd.api+json", "ponto_answer"
SKEW = 300
WORDS = {
    "RCVD": "unsigned", "ACTC": "unsigned", "ACSP": "accepted-settlement-in-process",
    "ACSC": "accepted-settlement-completed", "RJCT": "rejected", "CANC": "cancelled", "PART": "partially-accepted",
}  # fmt: skip
SIGNATURE = re.compile(
    r'keyId="[^"]+",created="?([0-9]+)"?,algorithm="hs2019",headers="([^"]+)",signature="([A-Za-z0-9+/=]+)"'
)
_placing = threading.Lock()


class Problem(Exception):
    """A JSON:API error: status, code and text."""

    def __init__(self, status: int, code: str, detail: str, attribute: str = ""):
        super().__init__(code)
        self.status, self.code, self.detail, self.attribute = status, code, detail, attribute


@api.errorhandler(Problem)
def say_problem(problem: Problem):
    error: dict[str, Any] = {"code": problem.code, "detail": problem.detail}
    if problem.attribute:
        error["source"] = {"pointer": f"/data/attributes/{problem.attribute}"}
    return said({"errors": [error]}, problem.status)


def said(document: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(document, ensure_ascii=False), status, content_type=MEDIA)


def granted(view):
    """Decorate a view that needs an access token."""

    @wraps(view)
    def called(*given: Any, **named: Any):
        if faults.on("ponto_down"):
            return Response("<html><body>Service Unavailable</body></html>", 503, content_type="text/html")
        grant = access.grant_of(request.headers.get("Authorization", ""))
        if grant is None:
            raise Problem(401, "unauthorized", "The token is invalid or expired")
        return view(grant, *given, **named)

    return called


def check_signature() -> None:
    """Check the signature of a payment request: the digest, the signed headers and the time. The key cannot be
    verified, because only the issuer of the certificate knows it.
    """
    digest = base64.b64encode(hashlib.sha512(request.get_data(cache=True)).digest()).decode()
    found = SIGNATURE.fullmatch(request.headers.get("Signature", ""))
    signed = found[2].split() if found else []
    wanted = {"(request-target)", "host", "digest", "(created)", "authorization"}
    if "Ibanity-Idempotency-Key" in request.headers:
        wanted.add("ibanity-idempotency-key")
    fresh = found is not None and abs(time.time() - int(found[1])) <= SKEW
    if request.headers.get("Digest") != f"SHA-512={digest}" or not fresh or not wanted <= set(signed):
        raise Problem(401, "invalidSignature", "The HTTP signature is missing or not right")


# --- accounts ---
def own_account(grant: Document, account_id: str) -> Document:
    for iban in grant["ibans"]:
        account = banks.account(organisation.BANK, iban)
        if account is not None and organisation.account_id(iban) == account_id:
            return account
    raise Problem(404, "resourceNotFound", "There is no such account")


@api.get("/userinfo")
@granted
def userinfo(grant: Document):
    return said({"sub": organisation.ORGANISATION, "name": organisation.owner()})


@api.get("/accounts")
@granted
def list_accounts(grant: Document):
    """Return a page of accounts, so that a client that reads only the first page misses some."""
    limit = request.args.get("page[limit]", 10, type=int)
    found = [banks.account(organisation.BANK, iban) for iban in grant["ibans"]]
    rows = [account_document(grant, account) for account in found if account is not None]
    ids = [row["id"] for row in rows]
    after = request.args.get("page[after]")
    begin = ids.index(after) + 1 if after in ids else 0
    page, rest = rows[begin : begin + limit], rows[begin + limit :]
    links = {"first": here("/accounts")}
    if rest:
        links["next"] = here(f"/accounts?page%5Blimit%5D={limit}&page%5Bafter%5D={page[-1]['id']}")
    return said({"data": page, "meta": {"paging": {"limit": limit}}, "links": links})


@api.get("/accounts/<account_id>")
@granted
def show_account(grant: Document, account_id: str):
    return said({"data": account_document(grant, own_account(grant, account_id))})


def here(path: str) -> str:
    return f"{current_app.config['BASE_URL']}/ponto/api{path}"


def account_document(grant: Document, account: Document) -> dict[str, Any]:
    now, balance = clock.bank_now(), account["cents"] / 100
    ends = clock.bank_now().fromisoformat(grant["at"]) + timedelta(days=organisation.AUTHORISED_DAYS)
    return {
        "type": "account", "id": organisation.account_id(account["iban"]), "meta": {"synchronizedAt": now.isoformat()},
        "attributes": {
            "subtype": "checking", "referenceType": "IBAN", "reference": account["iban"], "currency": "EUR",
            "product": "Zakelijke rekening", "description": account["name"], "holderName": account["owner"],
            "currentBalance": balance, "availableBalance": balance, "authorizedAt": grant["at"],
            "authorizationExpirationExpectedAt": ends.isoformat(),
        },
    }  # fmt: skip


@api.get("/accounts/<account_id>/transactions")
@granted
def list_transactions(grant: Document, account_id: str):
    rows = banks.bookings(organisation.BANK, own_account(grant, account_id)["iban"])
    return said({"data": [transaction(account_id, row) for row in reversed(rows)], "links": {}, "meta": {}})


def transaction(account_id: str, row: Document) -> dict[str, Any]:
    day = f"{row['day']}T00:00:00.000Z"
    return {
        "type": "transaction", "id": str(row["number"]),
        "relationships": {"account": {
            "links": {"related": here(f"/accounts/{account_id}")}, "data": {"type": "account", "id": account_id},
        }},
        "attributes": {
            "amount": row["cents"] / 100, "currency": "EUR", "valueDate": day, "executionDate": day,
            "remittanceInformation": row["text"], "remittanceInformationType": "unstructured",
            "counterpartName": row.get("party"), "counterpartReference": row.get("party_iban"),
        },
    }  # fmt: skip


# --- bulk payments ---
@api.post("/accounts/<account_id>/bulk-payments")
@granted
def create(grant: Document, account_id: str):
    check_signature()
    account = own_account(grant, account_id)
    if faults.on("ponto_not_taken"):
        return Response(GATEWAY_PAGE, 504, content_type="text/html")
    if faults.on("ponto_order_refused"):
        raise Problem(400, "validationError", "The payment cannot be accepted", "payments")
    with _placing:
        answer = once(grant, account)
    if faults.on("ponto_lost_answer"):
        return cut_connection()
    if faults.on("ponto_order_504"):
        return Response(GATEWAY_PAGE, 504, content_type="text/html")
    return said(answer, 201)


def once(grant: Document, account: Document) -> Document:
    """Apply the idempotency key: the same request gets the same answer, another body under that key is a conflict."""
    key = request.headers.get("Ibanity-Idempotency-Key", "")
    body = hashlib.sha256(request.get_data(cache=True)).hexdigest()
    known = get_store().get(ANSWERED, f"{grant['id']}:{key}") if key and not faults.on("ponto_forgets_key") else None
    if known is not None:
        if known["body"] != body:
            raise Problem(409, "idempotencyKeyReused", "Another request was made with this key")
        return known["answer"]
    answer = {"data": take(account, key)}
    get_store().put(ANSWERED, f"{grant['id']}:{key}", {"body": body, "answer": answer})
    return answer


def take(account: Document, key: str) -> dict[str, Any]:
    raw = request.get_data(cache=True)
    try:
        instruction, back = bulk.read(raw, account)
    except NotAccepted as problem:
        raise Problem(400, "validationError", problem.text, problem.path) from problem
    about = {"product": "bulk-payments", "request_id": key, "vop": False, "back": back, "nok": back}
    order = orders.take(organisation.bank(), instruction, raw, about)
    return shown(order) | ({"links": {"redirect": sign_page(order)}} if back else {})


def sign_page(order: Document) -> str:
    site = "https://bank.example.net" if faults.on("ponto_foreign_redirect") else current_app.config["BASE_URL"]
    return f"{site}/ponto/ondertekenen/{order['id']}"


def shown(order: Document) -> dict[str, Any]:
    block = order["blocks"][0]
    status = "accepted-by-nobody" if faults.on("ponto_strange_status") else WORDS[order["status"]]
    return {
        "type": "bulkPayment", "id": order["id"],
        "attributes": {
            "status": status, "reference": order["msg_id"], "requestedExecutionDate": block["day"],
            "batchBookingPreferred": block["batch_booking"],
        },
    }  # fmt: skip


def own_order(grant: Document, account_id: str, order_id: str) -> Document:
    account, order = own_account(grant, account_id), orders.find(organisation.BANK, order_id)
    if order is None or order["blocks"][0]["iban"] != account["iban"] or order["status"] == "CANC":
        raise Problem(404, "resourceNotFound", "There is no such bulk payment")
    return order


@api.get("/accounts/<account_id>/bulk-payments/<order_id>")
@granted
def show(grant: Document, account_id: str, order_id: str):
    check_signature()
    return said({"data": shown(own_order(grant, account_id, order_id))})


@api.delete("/accounts/<account_id>/bulk-payments/<order_id>")
@granted
def delete(grant: Document, account_id: str, order_id: str):
    check_signature()
    order = own_order(grant, account_id, order_id)
    if WORDS[order["status"]] != "unsigned" or not orders.cancel(order_id):
        raise Problem(400, "paymentNotDeletable", "Only an unsigned payment can be deleted")
    return said({"data": {"type": "bulkPayment", "id": order_id}})
