"""/control/orders and /control/banks, and the bank directory for the app."""

from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint, current_app, jsonify

from sandbox import demo
from sandbox.bank import banks, orders
from sandbox.bank.sepa import amount, iban_is_valid
from sandbox.control import BadControl, json_object
from sandbox.store import Document

control = Blueprint("bank_control", __name__)

FIELDS = {"name", "accounts", "signing", "cut_off", "honours_request_id", "vop", "notifies", "format", "line"}
ACCOUNT_FIELDS = {"iban", "name", "owner", "balance"}


@control.get("/banks")
def directory():
    return jsonify(banks.directory(current_app.config["BASE_URL"]))


@control.get("/control/orders")
def list_orders():
    return jsonify([told(order) for order in orders.newest_first(lambda order: True)])


def told(order: Document) -> dict[str, Any]:
    names = ("bank", "request_id", "msg_id", "status", "received_at")
    return {name: order[name] for name in names} | {"body": orders.content(order["id"])["body"]}


@control.get("/control/banks")
def list_banks():
    return jsonify([shown(bank) for bank in banks.every()])


@control.get("/control/banks/<bank_id>")
def show_bank(bank_id: str):
    return jsonify(shown(asked_bank(bank_id)))


@control.put("/control/banks/<bank_id>")
def put_bank(bank_id: str):
    asked_bank(bank_id)
    asked = json_object()
    if unknown := sorted(set(asked) - FIELDS):
        raise BadControl(f"unknown: {', '.join(unknown)}; known are {', '.join(sorted(FIELDS))}")
    changes = checked(asked)
    return jsonify(shown(banks.change(bank_id, lambda bank: changes)))


def asked_bank(bank_id: str) -> Document:
    bank = banks.find(bank_id)
    if bank is None:
        raise BadControl(f"there is no bank {bank_id!r}", 404)
    return bank


def shown(bank: Document) -> dict[str, Any]:
    accounts = [
        {name: account[name] for name in ("iban", "name", "owner")} | {"balance": amount(account["cents"])}
        for account in bank["accounts"]
    ]
    plain = {name: bank[name] for name in ("id", "name", "signing", "cut_off", "honours_request_id")}
    switched = {"vop": banks.checks_names(bank), "notifies": bool(bank.get("notifies"))}
    return plain | switched | {"format": banks.format_of(bank), "line": bank.get("line", {}), "accounts": accounts}


def checked(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the requested changes in stored form.

    Raises:
    - BadControl: names the first invalid one.
    """
    changes = dict(asked)
    if "signing" in asked and asked["signing"] not in banks.SIGNINGS:
        raise BadControl(f"signing: one of {', '.join(banks.SIGNINGS)} is expected")
    if "format" in asked and asked["format"] not in banks.FORMATS:
        raise BadControl(f"format: one of {', '.join(banks.FORMATS)} is expected")
    for name in ("honours_request_id", "vop", "notifies"):
        if not isinstance(asked.get(name, True), bool):
            raise BadControl(f"{name}: true or false is expected")
    for name in ("name", "cut_off"):
        if not isinstance(asked.get(name, ""), str):
            raise BadControl(f"{name}: a text is expected")
    if not isinstance(asked.get("line", {}), dict):
        raise BadControl("line: an object is expected: what the bank's line says besides")
    if "accounts" in asked:
        changes["accounts"] = checked_accounts(asked["accounts"])
    return changes


def checked_accounts(asked: Any) -> list[Document]:
    if not isinstance(asked, list):
        raise BadControl("accounts: a list is expected")
    accounts = [checked_account(account) for account in asked]
    if len({account["iban"] for account in accounts}) < len(accounts):
        raise BadControl("accounts: each IBAN once")
    return accounts


def checked_account(asked: Any) -> Document:
    if not isinstance(asked, dict) or not {"iban", "name", "balance"} <= asked.keys() <= ACCOUNT_FIELDS:
        raise BadControl("an account has iban, name and balance, and may have owner")
    iban = str(asked["iban"]).replace(" ", "")
    if not iban_is_valid(iban):
        raise BadControl(f"iban: {iban} is not valid")
    owner = str(asked.get("owner", demo.COMPANY_NAME))
    return banks.account_document(iban, str(asked["name"]), checked_balance(asked["balance"]), owner)


def checked_balance(asked: Any) -> int:
    """Convert 84210.55, a number or a text, to 8421055 cents."""
    try:
        cents = Decimal(str(asked)) * 100
    except InvalidOperation as error:
        raise BadControl(f"balance: {asked} is no amount") from error
    if not cents.is_finite() or cents != int(cents):
        raise BadControl(f"balance: {asked} is no amount in euro and cents")
    return int(cents)
