"""The account API: consents, accounts, balances, transactions."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, request

from sandbox import clock, faults
from sandbox.bank import answers, banks, consents, orders, sca
from sandbox.bank.answers import Answer, Refusal
from sandbox.bank.api_calls import Call, json_body, operation
from sandbox.bank.sepa import amount
from sandbox.store import Document

accounts = Blueprint("bank_accounts", __name__, url_prefix="/bank/<bank_id>/v1")

PAGE = 50
BOOKING_STATUSES = ("booked", "pending", "both", "all", "information")


# --- consents ---
@accounts.post("/consents")
@operation("AIS", psu_present=True, once=True)
def create_consent(call: Call) -> Answer:
    if not call.explicit and call.ways_back["back"] is None:
        raise Refusal(400, "FORMAT_ERROR", "TPP-Redirect-URI ontbreekt", "TPP-Redirect-URI")
    consent = consents.create(call.bank, json_body(), call.ways_back)
    here = f"/consents/{consent['id']}"
    found = answers.links(call.bank_id, self=here, status=f"{here}/status")
    if call.explicit:
        found |= answers.links(call.bank_id, startAuthorisation=f"{here}/authorisations")
    else:
        found |= sca.started(sca.begin(call.bank, sca.CONSENT, consent, call.ways_back)).body["_links"]
    body = {"consentStatus": consent["status"], "consentId": consent["id"], "_links": found}
    headers = {"Location": answers.site(f"/bank/{call.bank_id}/v1{here}"), "ASPSP-SCA-Approach": "REDIRECT"}
    return Answer(201, body, headers)


def asked_consent(call: Call, consent_id: str) -> Document:
    consent = consents.find(call.bank_id, consent_id)
    if consent is None:
        raise Refusal(403, "CONSENT_UNKNOWN", "Deze toestemming is hier niet bekend")
    return consent


@accounts.get("/consents/<consent_id>")
@operation("AIS")
def show_consent(call: Call, consent_id: str) -> Answer:
    consent = asked_consent(call, consent_id)
    granted = [{"iban": iban, "currency": "EUR"} for iban in consent["ibans"]]
    body = {
        "access": dict.fromkeys(consent["rights"], granted),
        "recurringIndicator": consent["recurring"],
        "validUntil": consent["valid_until"],
        "frequencyPerDay": consent["frequency"],
        "lastActionDate": consent["last_action"],
        "consentStatus": consent["status"],
    }
    return Answer(200, body)


@accounts.get("/consents/<consent_id>/status")
@operation("AIS")
def consent_status(call: Call, consent_id: str) -> Answer:
    return Answer(200, {"consentStatus": asked_consent(call, consent_id)["status"]})


@accounts.delete("/consents/<consent_id>")
@operation("AIS")
def end_consent(call: Call, consent_id: str) -> Answer:
    consents.end(asked_consent(call, consent_id)["id"], "terminatedByTpp")
    return Answer(204)


@accounts.post("/consents/<consent_id>/authorisations")
@operation("AIS", once=True)
def start_consent_authorisation(call: Call, consent_id: str) -> Answer:
    consent = asked_consent(call, consent_id)
    json_body()
    if consent["status"] != "received":
        raise Refusal(409, "STATUS_INVALID", f"De toestemming is al {consent['status']}")
    return sca.started(sca.begin(call.bank, sca.CONSENT, consent, call.ways_back))


@accounts.get("/consents/<consent_id>/authorisations")
@operation("AIS")
def list_consent_authorisations(call: Call, consent_id: str) -> Answer:
    asked_consent(call, consent_id)
    return Answer(200, {"authorisationIds": [one["id"] for one in sca.of_target(consent_id, sca.CONSENT)]})


@accounts.get("/consents/<consent_id>/authorisations/<sca_id>")
@operation("AIS")
def show_consent_authorisation(call: Call, consent_id: str, sca_id: str) -> Answer:
    asked_consent(call, consent_id)
    found = sca.find(call.bank_id, consent_id, sca_id)
    if found is None:
        raise Refusal(404, "RESOURCE_UNKNOWN", "Deze goedkeuring is hier niet bekend")
    return Answer(200, {"scaStatus": found["status"]})


# --- accounts ---
def standing_consent(call: Call, what: str, right: str, counts: bool = True) -> Document:
    consent = consents.standing(call.bank_id, request.headers.get("Consent-ID"))
    if right not in consent["rights"]:
        raise Refusal(401, "CONSENT_INVALID", f"De toestemming gaat niet over {right}")
    consents.count_use(consent, what, call.psu_ip is not None or not counts)
    return consent


def asked_account(call: Call, account_id: str, right: str, counts: bool = True) -> Document:
    """Return the account with this resource id, or 404 if the consent does not cover it.

    A further page of a list does not count as a new access.
    """
    if faults.on("bank_balance_down"):
        raise Refusal(503)
    consent = standing_consent(call, f"{right}:{account_id}", right, counts)
    for iban in consent["ibans"]:
        account = banks.account(call.bank_id, iban)
        if account and banks.resource_id(call.bank_id, iban) == account_id:
            return account
    raise Refusal(404, "RESOURCE_UNKNOWN", "Deze rekening is hier niet bekend")


@accounts.get("/accounts")
@operation("AIS")
def list_accounts(call: Call) -> Answer:
    consent = standing_consent(call, "accounts", "accounts")
    found = [banks.account(call.bank_id, iban) for iban in consent["ibans"]]
    with_balance = asked_flag("withBalance") and "balances" in consent["rights"]
    return Answer(200, {"accounts": [details(call, one, consent, with_balance) for one in found if one]})


def asked_flag(name: str) -> bool:
    text = request.args.get(name, "false")
    if text not in ("true", "false"):
        raise Refusal(400, "FORMAT_ERROR", f"{name} is niet true of false", name)
    return text == "true"


def details(call: Call, account: Document, consent: Document, with_balance: bool) -> dict[str, Any]:
    resource = banks.resource_id(call.bank_id, account["iban"])
    body = {
        "resourceId": resource, "iban": account["iban"], "currency": "EUR", "name": account["name"],
        "product": "Zakelijke betaalrekening", "cashAccountType": "CACC", "status": "enabled", "usage": "ORGA",
    }  # fmt: skip
    if not faults.on("bank_no_owner_name"):
        body["ownerName"] = account["owner"]
    if with_balance:
        body["balances"] = balances(account)
    paths = {right: f"/accounts/{resource}/{right}" for right in ("balances", "transactions")}
    allowed = {right: path for right, path in paths.items() if right in consent["rights"]}
    return body | {"_links": answers.links(call.bank_id, **allowed)}


def balances(account: Document) -> list[dict[str, Any]]:
    """Return the balances. Booked and available are equal: there is no credit, and nothing is reserved."""
    facts = {
        "balanceAmount": {"currency": "EUR", "amount": amount(account["cents"])},
        "lastChangeDateTime": clock.bank_now().isoformat(),
        "referenceDate": clock.bank_day().isoformat(),
    }
    return [facts | {"balanceType": kind} for kind in ("interimBooked", "interimAvailable")]


@accounts.get("/accounts/<account_id>")
@operation("AIS")
def show_account(call: Call, account_id: str) -> Answer:
    account = asked_account(call, account_id, "accounts")
    consent = consents.standing(call.bank_id, request.headers.get("Consent-ID"))
    with_balance = asked_flag("withBalance") and "balances" in consent["rights"]
    return Answer(200, {"account": details(call, account, consent, with_balance)})


@accounts.get("/accounts/<account_id>/balances")
@operation("AIS")
def list_balances(call: Call, account_id: str) -> Answer:
    account = asked_account(call, account_id, "balances")
    return Answer(200, {"account": {"iban": account["iban"], "currency": "EUR"}, "balances": balances(account)})


# --- transactions ---
@accounts.get("/accounts/<account_id>/transactions")
@operation("AIS")
def list_transactions(call: Call, account_id: str) -> Answer:
    status = request.args.get("bookingStatus")
    if status not in BOOKING_STATUSES:
        raise Refusal(400, "FORMAT_ERROR", f"bookingStatus: een van {', '.join(BOOKING_STATUSES)}", "bookingStatus")
    if status == "information":
        raise Refusal(400, "PARAMETER_NOT_SUPPORTED", "bookingStatus information", "bookingStatus")
    first, last = asked_day("dateFrom", date.min), asked_day("dateTo", date.max)
    number = asked_page()
    account = asked_account(call, account_id, "transactions", number == 1)
    report: dict[str, Any] = {}
    paths = {"account": f"/accounts/{account_id}"}
    if status != "pending":
        rows = [row for row in reversed(banks.bookings(call.bank_id, account["iban"])) if first <= row["day"] <= last]
        report["booked"] = [booked(row) for row in rows[(number - 1) * PAGE : number * PAGE]]
        if len(rows) > number * PAGE:
            asked = request.args.to_dict() | {"pagina": str(number + 1)}
            paths["next"] = f"/accounts/{account_id}/transactions?{urlencode(asked)}"
    if status != "booked" and number == 1:
        report["pending"] = [pending(order, block) for order, block in expected(call.bank_id, account["iban"])]
    report["_links"] = answers.links(call.bank_id, **paths)
    return Answer(200, {"account": {"iban": account["iban"], "currency": "EUR"}, "transactions": report})


def asked_page() -> int:
    """Return the page number. The standard leaves the paging parameter to the bank."""
    text = request.args.get("pagina", "1")
    if not text.isdecimal() or not 1 <= int(text[:6]) < 100_000:
        raise Refusal(400, "FORMAT_ERROR", "pagina is geen nummer", "pagina")
    return int(text[:6])


def asked_day(name: str, otherwise: date) -> str:
    text = request.args.get(name)
    if text is None:
        return otherwise.isoformat()
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise Refusal(400, "FORMAT_ERROR", f"{name} is geen datum", name) from error


def booked(row: Document) -> dict[str, Any]:
    """Return a booked transaction in API form; the sign decides which party is named."""
    body: dict[str, Any] = {
        "transactionId": str(row["number"]), "entryReference": str(row["number"]),
        "bookingDate": row["day"], "valueDate": row["day"],
        "transactionAmount": {"currency": "EUR", "amount": amount(row["cents"])},
    }  # fmt: skip
    if not ("batch" in row and faults.on("bank_bare_lump")):
        body["remittanceInformationUnstructured"] = row["text"][:140]
    if "batch" in row and not faults.on("bank_bare_lump"):
        body |= {"batchIndicator": True, "batchNumberOfTransactions": row["batch"]}
    if row.get("purpose"):
        body["purposeCode"] = row["purpose"]
    if row.get("end_to_end_id"):
        body["endToEndId"] = row["end_to_end_id"]
    side = "creditor" if row["cents"] < 0 else "debtor"
    if row.get("party"):
        body[f"{side}Name"] = row["party"]
    if row.get("party_iban"):
        body[f"{side}Account"] = {"iban": row["party_iban"]}
    return body


def expected(bank_id: str, iban: str) -> list[tuple[Document, Document]]:
    """Return the signed payments that wait for their execution date."""
    signed = [order for order in orders.every() if order["bank"] == bank_id and order["status"] in orders.SIGNED]
    rows = [(order, block) for order in signed for block in order["blocks"]]
    return [(order, block) for order, block in rows if block["iban"] == iban and block["state"] == "open"]


def pending(order: Document, block: Document) -> dict[str, Any]:
    return {
        "valueDate": block["day"],
        "transactionAmount": {"currency": "EUR", "amount": amount(-block["cents"])},
        "batchIndicator": True,
        "batchNumberOfTransactions": block["count"],
        "remittanceInformationUnstructured": orders.lump_text(order, block, block["count"]),
    }
