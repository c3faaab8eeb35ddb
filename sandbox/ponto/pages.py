"""The bank's signing page behind Ponto. An order that failed there cannot be signed again."""

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for

from sandbox import faults
from sandbox.bank import orders
from sandbox.bank.pages import keep_nothing, lines_of
from sandbox.ponto import organisation
from sandbox.store import Document

pages = Blueprint("ponto", __name__, url_prefix="/ponto")


@pages.after_request
def forget(response: Response) -> Response:
    return keep_nothing(response)


@pages.get("/")
def front():
    return redirect(url_for("bank.overview", bank_id=organisation.BANK))


@pages.get("/ondertekenen/<order_id>")
def sign_page(order_id: str):
    order = asked_order(order_id)
    if not orders.can_be_signed(order):
        return render_template("ponto/done.html", order=order, bank=organisation.bank())
    return render_template("ponto/sign.html", order=order, lines=lines_of(order), bank=organisation.bank())


@pages.post("/ondertekenen/<order_id>")
def sign(order_id: str):
    order = asked_order(order_id)
    if orders.can_be_signed(order):
        if request.form.get("besluit") != "ondertekenen":
            orders.reject(order_id, orders.REFUSED_BY_PSU)
        elif faults.on("ponto_rejects_signed"):
            orders.reject(order_id, orders.BANK_REJECTS)
        else:
            orders.sign(order_id)
    return redirect(order["back"] or url_for("ponto.sign_page", order_id=order_id), 303)


def asked_order(order_id: str) -> Document:
    return orders.find(organisation.BANK, order_id) or abort(404)
