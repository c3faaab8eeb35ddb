"""/control/runs and /control/credentials: a payroll is run, and who may ask for it, at a call."""

from typing import Any

from flask import Blueprint, jsonify

from sandbox import clock, demo
from sandbox.control import BadControl, json_object
from sandbox.nmbrs import payroll, webhooks

control = Blueprint("nmbrs_control", __name__, url_prefix="/control")


@control.get("/credentials")
def credentials():
    user = payroll.user(demo.NMBRS_USER) or {}
    return jsonify(
        nmbrs_user=demo.NMBRS_USER,
        nmbrs_token=user.get("token"),
        year=clock.now().year,
        email=demo.EMAIL,
        password=demo.PASSWORD,
        pin=demo.PIN,
    )


@control.post("/runs")
def make_run():
    asked = json_object()
    company = asked_company(asked)
    lines = asked_lines(asked)
    description, sepa = asked_text(asked, "description"), asked_text(asked, "sepa")
    variant = asked_variant(asked)
    run = payroll.run_payroll(company, lines, description, sepa)
    webhooks.announce(run, variant)
    return jsonify(run=run["id"], number=run["number"], year=run["year"]), 201


def asked_company(asked: dict[str, Any]) -> int:
    name = str(asked.get("company", ""))
    if not name.isdecimal() or payroll.company(int(name)) is None:
        known = ", ".join(str(doc["number"]) for doc in payroll.companies())
        raise BadControl(f"company: there is no {name!r}, only {known}", 404)
    return int(name)


def asked_lines(asked: dict[str, Any]) -> int | None:
    lines = asked.get("lines")
    if lines is None:
        return None
    if not isinstance(lines, int) or isinstance(lines, bool) or not 0 <= lines <= payroll.MAX_LINES:
        raise BadControl(f"lines: a whole number from 0 to {payroll.MAX_LINES} is expected")
    return lines


def asked_text(asked: dict[str, Any], name: str) -> str | None:
    text = asked.get(name)
    if text is not None and not isinstance(text, str):
        raise BadControl(f"{name}: a text is expected")
    return text


def asked_variant(asked: dict[str, Any]) -> str | None:
    variant = asked.get("webhook")
    if variant is not None and variant not in webhooks.VARIANTS:
        raise BadControl(f"webhook: one of {', '.join(webhooks.VARIANTS)} is expected")
    return variant
