"""The .asmx endpoints: WSDL, SOAP 1.1 and SOAP 1.2."""

from typing import Any

from flask import Blueprint, Response, abort, request
from lxml import etree

from sandbox import demo, faults
from sandbox.nmbrs import faults as misbehaviour
from sandbox.nmbrs import ledger_data
from sandbox.nmbrs.envelope import (
    CONTENT_TYPES,
    SOAP_11,
    SOAP_12,
    Call,
    read_call,
    read_fields,
    write_answer,
    write_fault,
)
from sandbox.nmbrs.errors import NmbrsFault, UnreadableRequest
from sandbox.nmbrs.operations import HANDLERS, Caller
from sandbox.nmbrs.schema import AUTH_TYPES, SERVICES, Operation, Service
from sandbox.nmbrs.wsdl import describe

soap = Blueprint("nmbrs_soap", __name__, url_prefix="/soap/v3")


@soap.get("/<name>.asmx")
def show_service(name: str):
    service = service_or_404(name)
    if request.query_string.lower().startswith(b"wsdl"):
        address = f"{request.host_url}soap/v3/{service.name}.asmx"
        return Response(describe(service, address), content_type="text/xml; charset=utf-8")
    listed = "\n".join(service.operations)
    return Response(f"{service.name}\n\n{listed}\n\nWSDL: ?WSDL\n", mimetype="text/plain")


@soap.post("/<name>.asmx")
def call_service(name: str):
    service = service_or_404(name)
    misbehaviour.delay()
    if faults.on("nmbrs_html_503"):
        return Response("<html><body><h1>Service Unavailable</h1></body></html>", 503, mimetype="text/html")
    if faults.on("nmbrs_not_xml"):
        return Response("Onderhoud: probeer het later nog eens.", content_type=CONTENT_TYPES[SOAP_11])
    version = SOAP_12 if request.mimetype == "application/soap+xml" else SOAP_11
    try:
        text, status = answer(service, read_call(request.get_data())), 200
    except UnreadableRequest as error:
        text = write_fault(version, "Client", f"Server was unable to read request. ---> {error}")
        status = 500
    except NmbrsFault as error:
        text = write_fault(version, "Server", f"Server was unable to process request. ---> {error}")
        status = 500
    return Response(text, status, content_type=CONTENT_TYPES[version])


def service_or_404(name: str) -> Service:
    if name not in SERVICES:
        abort(404)
    return SERVICES[name]


def answer(service: Service, call: Call) -> str:
    """Find the operation, authenticate, apply faults, execute, and write the answer."""
    operation = find_operation(service, call)
    caller = authenticate(service, operation, call)
    method = f"{service.name}.{operation.name}"
    misbehaviour.refuse(method)
    given = read_fields(service, operation.parameters, call.body)
    value = HANDLERS[method](caller, given)
    return write_answer(call.version, service, operation, value, extra_element())


def extra_element() -> str:
    places = {"nmbrs_extra_element": "last", "nmbrs_extra_element_first": "first"}
    return misbehaviour.chosen(places, "")


def find_operation(service: Service, call: Call) -> Operation:
    """Return the operation named by SOAPAction (in SOAP 1.2 the action of the content type), else by the body."""
    body = etree.QName(call.body)
    action = asked_action(call.version)
    name = body.localname if action is None else action.removeprefix(f"{service.namespace}/")
    operation = service.operations.get(name)
    if operation is None:
        raise UnreadableRequest(f"Server did not recognize the value of HTTP Header SOAPAction: {action}.")
    if (body.namespace, body.localname) != (service.namespace, name):
        raise UnreadableRequest(f"There is an error in XML document. ---> {call.body.tag} was not expected.")
    return operation


def asked_action(version: str) -> str | None:
    if version == SOAP_12:
        given = request.mimetype_params.get("action")
    else:
        given = request.headers.get("SOAPAction")
    return (given or "").strip('" ') or None


def authenticate(service: Service, operation: Operation, call: Call) -> Caller:
    """Return the user of the header that this operation requires, in the namespace of the service.

    Raises:
    - NmbrsFault: 1001
    """
    wanted = f"{{{service.namespace}}}{operation.header}"
    header = next((block for block in call.headers if block.tag == wanted), None)
    if header is None:
        raise NmbrsFault(1001)
    given = read_header(service, header)
    user = ledger_data.user(given["Username"])
    domain_fits = given.get("Domain", "") in ("", demo.NMBRS_SUBDOMAIN)
    if user is None or not user["token"] or user["token"] != given["Token"] or not domain_fits:
        raise NmbrsFault(1001)
    return Caller(user["email"], user["debtors"])


def read_header(service: Service, header: etree._Element) -> dict[str, Any]:
    """Return the credentials in any order, as the vendor accepts."""
    names = [field.name for field in AUTH_TYPES["AuthHeaderWithDomain"]]
    return {name: (header.findtext(f"{{{service.namespace}}}{name}") or "").strip() for name in names}
