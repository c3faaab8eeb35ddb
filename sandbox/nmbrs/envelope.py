"""SOAP 1.1 and 1.2 envelopes: read a call, write an answer or a fault, from the tables of the schema."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from sandbox.nmbrs.errors import UnreadableRequest
from sandbox.nmbrs.schema import PRIMITIVES, Field, Operation, Service

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
CONTENT_TYPES = {SOAP_11: "text/xml; charset=utf-8", SOAP_12: "application/soap+xml; charset=utf-8"}
XSI = "http://www.w3.org/2001/XMLSchema-instance"

# .NET's values for an absent element.
EMPTY = {"int": 0, "boolean": False, "string": None, "dateTime": None}


@dataclass(frozen=True)
class Call:
    """A received call: SOAP version, header blocks and the body element."""

    version: str
    headers: list[etree._Element]
    body: etree._Element


def read_call(raw: bytes) -> Call:
    """Parse a SOAP call.

    Raises:
    - UnreadableRequest: it is not a SOAP envelope with a body.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableRequest(f"There is an error in XML document. ---> {error}") from error
    name = etree.QName(root)
    if name.localname != "Envelope" or name.namespace not in CONTENT_TYPES:
        raise UnreadableRequest("Request format is unrecognized.")
    header = root.find(f"{{{name.namespace}}}Header")
    body = root.find(f"{{{name.namespace}}}Body")
    first = next((child for child in elements(body)), None) if body is not None else None
    if first is None:
        raise UnreadableRequest("The SOAP body is empty.")
    return Call(name.namespace, elements(header) if header is not None else [], first)


def elements(parent: etree._Element) -> list[etree._Element]:
    """Return the child elements, without comments and processing instructions."""
    return [child for child in parent if isinstance(child.tag, str)]


def read_fields(service: Service, fields: tuple[Field, ...], parent: etree._Element) -> dict[str, Any]:
    """Return the values by field name.

    Like the vendor's serializer it follows the order of the schema: an element that is out of order, unknown or in
    another namespace is ignored, and a missing value gets .NET's default. A field of a class type stays an element.
    """
    values: dict[str, Any] = {field.name: EMPTY.get(field.type) for field in fields}
    position = 0
    for child in elements(parent):
        name = etree.QName(child)
        later = [i for i in range(position, len(fields)) if fields[i].name == name.localname]
        if name.namespace == service.namespace and later:
            position = later[0]
            values[name.localname] = read_value(fields[position], child)
    return values


def read_value(field: Field, element: etree._Element) -> Any:
    if field.type not in PRIMITIVES:
        return element
    if element.get(f"{{{XSI}}}nil") in ("true", "1"):
        return EMPTY[field.type]
    text = element.text or ""
    try:
        return READERS[field.type](text)
    except (ValueError, KeyError) as error:
        raise UnreadableRequest(
            "There is an error in XML document. ---> Input string was not in a correct format."
        ) from error


READERS = {
    "int": int,
    "string": str,
    "boolean": lambda text: {"true": True, "1": True, "false": False, "0": False}[text.strip()],
    "dateTime": lambda text: datetime.fromisoformat(text.strip()),
}


def write_answer(version: str, service: Service, operation: Operation, value: Any, extra: str = "") -> str:
    """Return the whole answer. `extra` is "", "first" or "last": where each object gets an unknown field."""
    out: list[str] = []
    Writer(service, extra, out).field(operation.result_field, value)
    name = f"{operation.name}Response"
    content = f'<{name} xmlns="{service.namespace}">{"".join(out)}</{name}>'
    return envelope(version, content)


def envelope(version: str, content: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<soap:Envelope xmlns:soap="{version}" xmlns:xsi="{XSI}" '
        f'xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Body>{content}</soap:Body></soap:Envelope>'
    )


UNKNOWN_ELEMENT = "<AddedByVendor>new</AddedByVendor>"


@dataclass(frozen=True)
class Writer:
    """Writes values as elements in the order of the schema; None is omitted."""

    service: Service
    extra: str
    out: list[str]

    def field(self, field: Field, value: Any) -> None:
        if field.many:
            for item in value or []:
                self.element(field, item)
        elif value is not None:
            self.element(field, value)
        elif field.nillable:
            self.out.append(f'<{field.name} xsi:nil="true" />')

    def element(self, field: Field, value: Any) -> None:
        members = self.service.types.get(field.type)
        if members is None:
            self.out.append(f"<{field.name}>{text_of(value)}</{field.name}>")
            return
        self.out.append(f"<{field.name}>")
        if field.type.startswith("ArrayOf"):
            self.field(members[0], value)
        else:
            self.members(members, value)
        self.out.append(f"</{field.name}>")

    def members(self, members: tuple[Field, ...], value: dict[str, Any]) -> None:
        if self.extra == "first":
            self.out.append(UNKNOWN_ELEMENT)
        for member in members:
            self.field(member, value.get(member.name))
        if self.extra == "last":
            self.out.append(UNKNOWN_ELEMENT)


def text_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    # An unescaped carriage return would be lost in transit.
    return escape(str(value), {"\r": "&#13;"})


def write_fault(version: str, who: str, text: str) -> str:
    """Return a fault; `who` is "Client" or "Server" (in SOAP 1.2: Sender, Receiver)."""
    reason = escape(text)
    if version == SOAP_12:
        code = {"Client": "Sender", "Server": "Receiver"}[who]
        return envelope(
            version,
            f"<soap:Fault><soap:Code><soap:Value>soap:{code}</soap:Value></soap:Code><soap:Reason>"
            f'<soap:Text xml:lang="en">{reason}</soap:Text></soap:Reason><soap:Detail /></soap:Fault>',
        )
    return envelope(
        version,
        f"<soap:Fault><faultcode>soap:{who}</faultcode><faultstring>{reason}</faultstring><detail /></soap:Fault>",
    )
