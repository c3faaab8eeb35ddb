"""The banks: a Berlin Group NextGenPSD2 API with three SCA approaches, and the pages of their customers."""

import os

from flask import Blueprint, Flask

from sandbox.bank import accounts, banks, control, exchange_log, faults, orders, pages, payments
from sandbox.bank.answers import Answer, Refusal
from sandbox.bank.api_calls import Call, operation
from sandbox.clock import on_advance
from sandbox.control import on_reset

elsewhere = Blueprint("bank_elsewhere", __name__, url_prefix="/bank/<bank_id>/v1")


@elsewhere.route("/<path:rest>", methods=["GET", "POST", "PUT", "DELETE"])
@operation("PIS")
def nothing_here(call: Call, rest: str) -> Answer:
    """Answer an unknown path with an error in the API's format."""
    raise Refusal(404, "RESOURCE_UNKNOWN", f"Deze bank heeft geen {rest}")


def setup(app: Flask) -> None:
    faults.declare_all()
    on_reset(banks.seed)
    on_advance(orders.day_begins)
    for blueprint in (accounts.accounts, payments.payments, elsewhere, pages.pages, control.control):
        app.register_blueprint(blueprint)
    if folder := os.environ.get("SANDBOX_EXCHANGES"):
        exchange_log.setup(app, folder)
