"""The payment API: /v1/bulk-payments/…"""

import json
from typing import Any

from flask import Blueprint, request

from sandbox import faults
from sandbox.bank import (
    answers,
    banks,
    json_order,
    orders,
    pain001,
    pain002,
    sca,
    status_callbacks,
)
from sandbox.bank import (
    faults as misbehaviour,
)
from sandbox.bank.answers import Answer, Refusal
from sandbox.bank.api_calls import Call, json_body, operation
from sandbox.bank.instruction import Instruction, NotAccepted
from sandbox.store import Document

payments = Blueprint("bank_payments", __name__, url_prefix="/bank/<bank_id>/v1")

SERVICE = "bulk-payments"
MEDIA = {banks.XML_PRODUCT: "application/xml", banks.JSON_PRODUCT: "application/json"}
READERS = {banks.XML_PRODUCT: pain001.read, banks.JSON_PRODUCT: json_order.read}
# The group status of the extended report has fewer codes.
GROUP_STATUS = {"CANC": "RJCT", "PATC": "PDNG", "RVNC": "PDNG", "RVCM": "PDNG", "RCVC": "PDNG"}
NAME = "/<service>/<product>/<order_id>"


@payments.post("/<service>/<product>")
@operation("PIS", psu_present=True, once=True, on_the_way=misbehaviour.after_order)
def place_order(call: Call, service: str, product: str) -> Answer:
    check_product(service, product)
    check_form(call, product)
    if request.mimetype != MEDIA[product]:
        raise Refusal(415)
    misbehaviour.before_order()
    raw = request.get_data(cache=True)
    order = take(call, product, READERS[product], raw)
    body = {"transactionStatus": order["status"], "paymentId": order["id"]}
    headers = {"Location": answers.site(f"/bank/{call.bank_id}/v1{path_of(order)}")}
    if order["vop"]:
        headers["ASPSP-VOP-Supported"] = "true" if banks.checks_names(call.bank) else "false"
    if order["notify"]:
        headers["ASPSP-Notification-Support"] = str(status_callbacks.accepted(call.bank, order["notify"])).lower()
    found = answers.links(call.bank_id, self=path_of(order), status=f"{path_of(order)}/status")
    if may_start(call, order):
        way, approach = first_step(call, order)
        found, headers["ASPSP-SCA-Approach"] = found | way, approach
    return Answer(201, body | {"_links": found}, headers)


def take(call: Call, product: str, read: Any, raw: bytes) -> Document:
    try:
        instruction: Instruction = read(raw)
        orders.check(call.bank, instruction)
    except NotAccepted as problem:
        raise Refusal(400, problem.code, problem.text, problem.path) from problem
    wanted = request.headers.get("Client-VOP-Requested") == "true"
    notify = request.headers.get("TPP-Notification-URI")
    about = {"product": product, "request_id": call.request_id, "vop": wanted, "notify": notify} | call.ways_back
    return orders.take(call.bank, instruction, raw, about)


def may_start(call: Call, order: Document) -> bool:
    """Return whether a person can sign now."""
    return call.bank["signing"] in sca.APPROACHES and orders.can_be_signed(order)


def first_step(call: Call, order: Document) -> tuple[dict[str, Any], str]:
    """Return the first link and the SCA approach; a redirect bank may start SCA itself (implicit)."""
    approach = sca.APPROACHES[call.bank["signing"]]
    if approach == "REDIRECT" and not call.explicit:
        begun = sca.begin(call.bank, sca.PAY, order, call.ways_back)
        return sca.started(begun).body["_links"], approach
    return answers.links(call.bank_id, startAuthorisation=f"{path_of(order)}/authorisations"), approach


def check_product(service: str, product: str) -> None:
    if service != SERVICE or product not in MEDIA:
        raise Refusal(404, "PRODUCT_UNKNOWN", f"Deze bank kent {service}/{product} niet")


def check_form(call: Call, product: str) -> None:
    """Check the format: a JSON bank refuses files, a file bank accepts JSON too."""
    if banks.format_of(call.bank) == "json" and product != banks.JSON_PRODUCT:
        raise Refusal(404, "PRODUCT_UNKNOWN", f"Deze bank kent {SERVICE}/{product} niet")


def path_of(order: Document) -> str:
    return f"/{SERVICE}/{order['product']}/{order['id']}"


def asked_order(call: Call, service: str, product: str, order_id: str) -> Document:
    """Return the order with its current status; 404 if this bank has none with this id and product."""
    check_product(service, product)
    order = orders.find(call.bank_id, order_id)
    if order is None or order["product"] != product:
        raise Refusal(404, "RESOURCE_UNKNOWN", "Deze opdracht is hier niet bekend")
    return orders.refresh(order)


# --- reading an order ---
@payments.get(NAME)
@operation("PIS")
def show_order(call: Call, service: str, product: str, order_id: str) -> Answer:
    order = asked_order(call, service, product, order_id)
    body = orders.content(order_id)["body"]
    if product == banks.XML_PRODUCT:
        return Answer(200, body, media="application/xml")
    parsed: dict[str, Any] = json.loads(body)
    return Answer(200, parsed | {"transactionStatus": orders.reported_status(order)})


@payments.get(f"{NAME}/status")
@operation("PIS")
def order_status(call: Call, service: str, product: str, order_id: str) -> Answer:
    order = asked_order(call, service, product, order_id)
    status = orders.reported_status(order)
    kinds = request.accept_mimetypes
    if product == banks.XML_PRODUCT and kinds["application/xml"] > kinds["application/json"]:
        return Answer(200, pain002.write(order, status), media="application/xml")
    body = {"transactionStatus": status, "fundsAvailable": orders.funds_available(order)}
    return Answer(200, body | vop_part(call, order) | message_part(order))


def vop_part(call: Call, order: Document) -> dict[str, Any]:
    """Return the result of payee verification and the link for the next step."""
    here = path_of(order)
    if order["status"] == "RVCM":
        found = answers.links(call.bank_id, creditorNameConfirmation=f"{here}/creditor-confirmation")
        return {"originalTransactionInformationAndVopStatus": order["vop_result"], "_links": found}
    if order["status"] == "RCVC":
        return {"_links": answers.links(call.bank_id, startAuthorisation=f"{here}/authorisations")}
    return {}


def message_part(order: Document) -> dict[str, str]:
    """Return the reason as a text, since Berlin Group defines no field for its code here."""
    words = {
        orders.NOT_SIGNED: "DS0A: niet op tijd ondertekend", orders.REFUSED_BY_PSU: "CN01: geweigerd door de klant",
        orders.NO_FUNDS: "AM04: onvoldoende saldo", orders.BANK_REJECTS: "DS04: afgewezen door de bank",
    }  # fmt: skip
    return {"psuMessage": words[order["reason"]]} if order["reason"] in words else {}


@payments.get(f"{NAME}/extended-status")
@operation("PIS")
def extended_status(call: Call, service: str, product: str, order_id: str) -> Answer:
    order = asked_order(call, service, product, order_id)
    status = orders.reported_status(order)
    body: dict[str, Any] = {"groupStatus": GROUP_STATUS.get(status, status)}
    if order["reason"]:
        body["reasonCode"] = order["reason"]
    if order["lines"]:
        body["originalTransactionInformationAndStatus"] = [
            line_status(end_to_end_id, said) for end_to_end_id, said in orders.said_of_lines(order).items()
        ]
    return Answer(200, body | {"fundsAvailable": orders.funds_available(order)})


def line_status(end_to_end_id: str, said: Document) -> Document:
    told = {"originalEndToEndId": end_to_end_id, "transactionStatus": said["status"]}
    if said["reason"]:
        told["statusReasonInformationCode"] = said["reason"]
        told["statusReasonAdditionalInformation"] = said["text"]
    return told


@payments.put(f"{NAME}/creditor-confirmation")
@operation("PIS", once=True)
def confirm_names(call: Call, service: str, product: str, order_id: str) -> Answer:
    order = asked_order(call, service, product, order_id)
    if not orders.confirm_names(order_id):
        raise Refusal(409, "STATUS_INVALID", f"Bij status {order['status']} valt niets te bevestigen")
    found = answers.links(call.bank_id, startAuthorisation=f"{path_of(order)}/authorisations")
    return Answer(200, {"transactionStatus": "RCVC", "_links": found})


# --- cancellation ---
@payments.delete(NAME)
@operation("PIS", on_the_way=misbehaviour.after_cancelling)
def cancel_order(call: Call, service: str, product: str, order_id: str) -> Answer:
    order = asked_order(call, service, product, order_id)
    misbehaviour.before_cancelling()
    if order["status"] not in orders.FINAL and faults.on("bank_cancel_needs_sca"):
        link = answers.links(call.bank_id, startAuthorisation=f"{path_of(order)}/cancellation-authorisations")
        return Answer(202, {"transactionStatus": order["status"], "_links": link})
    if faults.on("bank_cancels_nothing") or not orders.cancel(order_id):
        problem = f"Een opdracht met status {order['status']} kan niet worden ingetrokken"
        raise Refusal(405, "CANCELLATION_INVALID", problem)
    return Answer(204)


# --- authorisations ---
def purpose_of(kind: str) -> str:
    return sca.CANCEL if kind.startswith("cancellation") else sca.PAY


AUTHORISATIONS = f"{NAME}/<any('authorisations','cancellation-authorisations'):kind>"


@payments.post(AUTHORISATIONS)
@operation("PIS", once=True)
def start_authorisation(call: Call, service: str, product: str, order_id: str, kind: str) -> Answer:
    order, purpose = asked_order(call, service, product, order_id), purpose_of(kind)
    json_body()
    sca.check_may_begin(order, purpose)
    if purpose == sca.CANCEL and order["status"] in orders.FINAL:
        raise Refusal(409, "STATUS_INVALID", "Deze opdracht kan niet meer worden ingetrokken")
    return sca.started(sca.begin(call.bank, purpose, order, call.ways_back))


@payments.get(AUTHORISATIONS)
@operation("PIS")
def list_authorisations(call: Call, service: str, product: str, order_id: str, kind: str) -> Answer:
    asked_order(call, service, product, order_id)
    return Answer(200, {"authorisationIds": [one["id"] for one in sca.of_target(order_id, purpose_of(kind))]})


def asked_authorisation(call: Call, service: str, product: str, order_id: str, kind: str, sca_id: str) -> Document:
    asked_order(call, service, product, order_id)
    found = sca.find(call.bank_id, order_id, sca_id)
    if found is None or found["purpose"] != purpose_of(kind):
        raise Refusal(404, "RESOURCE_UNKNOWN", "Deze ondertekening is hier niet bekend")
    return found


@payments.get(f"{AUTHORISATIONS}/<sca_id>")
@operation("PIS")
def show_authorisation(call: Call, **names: str) -> Answer:
    return Answer(200, {"scaStatus": sca.status_of(asked_authorisation(call, **names))})


@payments.put(f"{AUTHORISATIONS}/<sca_id>")
@operation("PIS", once=True)
def continue_authorisation(call: Call, **names: str) -> Answer:
    found = asked_authorisation(call, **names)
    if found["purpose"] == sca.PAY and sca.status_of(found) == "failed" and found["status"] != "failed":
        raise Refusal(409, "STATUS_INVALID", "Deze opdracht kan niet meer worden ondertekend")
    return sca.go_on(found, json_body())
