"""/control/runs, /control/credentials and /control/nmbrs: an API that changes the payroll data."""

import uuid
from collections.abc import Callable
from typing import Any

from flask import Blueprint, jsonify

from sandbox import clock, demo
from sandbox.control import BadControl, json_object
from sandbox.nmbrs import control_requests, ledger_data, payroll, staff, webhooks
from sandbox.store import Document

control = Blueprint("nmbrs_control", __name__, url_prefix="/control")

MOST_COMPANIES = 2_000


@control.get("/credentials")
def credentials():
    user = ledger_data.user(demo.NMBRS_USER) or {}
    return jsonify(
        nmbrs_user=demo.NMBRS_USER,
        nmbrs_token=user.get("token"),
        year=clock.now().year,
        email=demo.EMAIL,
        password=demo.PASSWORD,
        pin=demo.PIN,
    )


# --- runs ---
@control.post("/runs")
def make_run():
    given = json_object()
    company = control_requests.company(given)
    wish, variant = control_requests.wish(given), control_requests.variant(given)
    run = payroll.run_payroll(company, wish)
    webhooks.announce(run, variant)
    return jsonify(run=run["id"], number=run["number"], year=run["year"]), 201


@control.get("/nmbrs/runs")
def list_runs():
    return jsonify([row | {"removed": False} for row in payroll.run_index()])


@control.post("/nmbrs/runs/<int:run_id>")
def act_on_run(run_id: int):
    given = json_object()
    run = payroll.run_by_id(run_id)
    if run is None:
        raise BadControl(f"there is no run {run_id}", 404)
    act = ACTIONS.get(str(given.get("action")))
    if act is None:
        raise BadControl(f"action: one of {', '.join(ACTIONS)} is expected")
    after = act(run, given)
    return jsonify(
        run=after["id"], number=after["number"], year=after["year"], company=after["company"],
        run_at=after["run_at"], locked=after["locked"], removed=payroll.run_by_id(after["id"]) is None,
    )  # fmt: skip


def again(run: Document, given: dict[str, Any]) -> Document:
    variant = control_requests.variant(given)
    keep_run_at = control_requests.flag(given, "keep_run_at")
    after = payroll.run_again(run, control_requests.wish(given), keep_run_at=keep_run_at)
    webhooks.announce(after, variant)
    return after


def remove(run: Document, given: dict[str, Any]) -> Document:
    payroll.remove_run(run)
    return run


def announce(run: Document, given: dict[str, Any]) -> Document:
    webhooks.announce(run, control_requests.variant(given))
    return run


ACTIONS: dict[str, Callable[[Document, dict[str, Any]], Document]] = {
    "again": again,
    "remove": remove,
    "lock": lambda run, given: payroll.hold(run, locked=True),
    "unlock": lambda run, given: payroll.hold(run, locked=False),
    "announce": announce,
}


# --- employees ---
@control.post("/nmbrs/employees")
def hire():
    given = json_object()
    company = control_requests.company(given)
    return jsonify(id=staff.hire(company, control_requests.new_employee(given))["id"]), 201


@control.put("/nmbrs/employees/<int:employee_id>")
def change_employee(employee_id: int):
    told = control_requests.employee(json_object())
    changed = staff.change(employee_id, told)
    if changed is None:
        raise BadControl(f"there is no employee {employee_id} in the books", 404)
    return jsonify(changed)


@control.delete("/nmbrs/employees/<int:employee_id>")
def dismiss(employee_id: int):
    if not staff.dismiss(employee_id):
        raise BadControl(f"there is no employee {employee_id} in the books", 404)
    return jsonify(dismissed=employee_id)


# --- companies, debtors, users ---
@control.post("/nmbrs/companies")
def make_companies():
    """Create `count` debtors with one company each; with `debtor`, all companies belong to that one."""
    given = json_object()
    count = control_requests.whole(given, "count", 1, MOST_COMPANIES) or 1
    people = control_requests.whole(given, "staff", 0, 99)
    prefix, kvk = control_requests.text(given, "prefix") or "Bedrijf", control_requests.text(given, "kvk")
    shared = asked_debtor(given.get("debtor"))
    made = [make_company(shared, prefix, kvk, 3 if people is None else people) for _ in range(count)]
    return jsonify(companies=[doc["id"] for doc in made], debtors=sorted({doc["debtor"] for doc in made})), 201


def asked_debtor(given: Any) -> Document | None:
    """Return the debtor with this number or name; an unknown name creates one."""
    if given is None:
        return None
    known = [doc for doc in ledger_data.debtors() if str(given) in (doc["number"], doc["name"])]
    return known[0] if known else ledger_data.add_debtor(str(given))


def make_company(shared: Document | None, prefix: str, kvk: str | None, people: int) -> Document:
    debtor = shared or ledger_data.add_debtor(prefix)
    try:
        company = ledger_data.add_company(debtor["id"], prefix, kvk)
    except ValueError as error:
        raise BadControl(str(error), 409) from error
    if shared is None:
        ledger_data.rename_debtor(debtor["id"], company["name"])
    staff.fill(company["id"], people)
    return company


@control.post("/nmbrs/users")
def make_user():
    given = json_object()
    email, debtors = control_requests.text(given, "email"), given.get("debtors")
    if not email or "@" not in email:
        raise BadControl("email: an e-mail address is expected")
    if debtors is not None and not (isinstance(debtors, list) and all(map(is_debtor, debtors))):
        raise BadControl("debtors: null or a list of ids of debtors is expected")
    user = ledger_data.save_user(email, uuid.uuid4().hex, debtors)
    return jsonify(email=user["email"], token=user["token"]), 201


def is_debtor(given: Any) -> bool:
    return isinstance(given, int) and ledger_data.debtor(given) is not None


# --- webhooks ---
@control.get("/nmbrs/webhooks")
def list_webhooks():
    told = [(doc["id"], webhooks.settings(doc["id"]), webhooks.sent(doc["id"])) for doc in ledger_data.debtors()]
    rows = [{"debtor": number, "settings": kept, "sent": sent} for number, kept, sent in told]
    return jsonify([row for row in rows if row["settings"] or row["sent"]])
