"""Accounts, balances and booked transactions, as far as a consent reaches."""

from datetime import date
from typing import Any

from flask import jsonify, request

from sandbox import clock
from sandbox.bank import answers, banks, consents
from sandbox.bank.answers import Refused
from sandbox.bank.api import api
from sandbox.store import Document, get_store

TRANSACTION_KIND = "bank_transaction"


@api.get("/accounts")
def list_accounts():
    consent = consents.used()
    with_balance = request.args.get("withBalance") == "true" and consents.grants(consent, "balances")
    return jsonify(accounts=[described(doc, consent, with_balance) for doc in covered(consent)])


@api.get("/accounts/<account_id>")
def show_account(account_id: str):
    consent = consents.used()
    return jsonify(account=described(reached(consent, account_id), consent, False))


@api.get("/accounts/<account_id>/balances")
def show_balances(account_id: str):
    consent = consents.used()
    need(consent, "balances")
    doc = reached(consent, account_id)
    return jsonify(account={"iban": doc["iban"], "currency": "EUR"}, balances=balances(doc))


@api.get("/accounts/<account_id>/transactions")
def show_transactions(account_id: str):
    consent = consents.used()
    need(consent, "transactions")
    doc = reached(consent, account_id)
    booking = request.args.get("bookingStatus", "")
    if booking not in ("booked", "pending", "both"):
        raise Refused(400, "FORMAT_ERROR", "booked, pending or both is expected", "bookingStatus")
    begins, ends = asked_day("dateFrom", date.min), asked_day("dateTo", date.max)
    if "dateFrom" not in request.args:
        raise Refused(400, "FORMAT_ERROR", "dateFrom is missing", "dateFrom")
    report: dict[str, Any] = {"_links": answers.links(account=answers.api_address(f"accounts/{account_id}"))}
    if booking != "pending":
        report["booked"] = booked(doc, begins, ends)
    if booking != "booked":
        report["pending"] = []
    return jsonify(account={"iban": doc["iban"], "currency": "EUR"}, transactions=report)


def booked(doc: Document, begins: date, ends: date) -> list[dict[str, Any]]:
    found = [item for item in get_store().all(TRANSACTION_KIND) if item["account"] == doc["id"]]
    return [item["entry"] for item in found if begins.isoformat() <= item["day"] <= ends.isoformat()]


def asked_day(name: str, otherwise: date) -> date:
    try:
        return date.fromisoformat(request.args[name]) if name in request.args else otherwise
    except ValueError as error:
        raise Refused(400, "FORMAT_ERROR", "a date is expected", name) from error


def need(consent: Document, what: str) -> None:
    if not consents.grants(consent, what):
        raise Refused(401, "CONSENT_INVALID", f"the consent does not cover {what}")


def covered(consent: Document) -> list[Document]:
    return [doc for doc in banks.accounts(consent["bank"]) if doc["id"] in consent["accounts"]]


def reached(consent: Document, account_id: str) -> Document:
    found = next((doc for doc in covered(consent) if doc["id"] == account_id), None)
    if found is None:
        raise Refused(404, "RESOURCE_UNKNOWN", "there is no such account under this consent")
    return found


def described(doc: Document, consent: Document, with_balance: bool) -> dict[str, Any]:
    here = f"accounts/{doc['id']}"
    reachable = [what for what in ("balances", "transactions") if consents.grants(consent, what)]
    return {
        "resourceId": doc["id"],
        "iban": doc["iban"],
        "currency": "EUR",
        "name": doc["name"],
        "ownerName": doc["owner"],
        "product": "Zakelijke rekening",
        "cashAccountType": "CACC",
        "status": "enabled",
        "usage": "ORGA",
        "_links": answers.links(**{what: answers.api_address(f"{here}/{what}") for what in reachable}),
    } | ({"balances": balances(doc)} if with_balance else {})


def balances(doc: Document) -> list[dict[str, Any]]:
    at = clock.bank_now()
    kinds = ("interimAvailable", "interimBooked")
    return [
        {"balanceType": kind, "balanceAmount": answers.amount(doc["cents"]), "creditLimitIncluded": False,
         "lastChangeDateTime": at.isoformat(), "referenceDate": at.date().isoformat()}
        for kind in kinds
    ]  # fmt: skip
