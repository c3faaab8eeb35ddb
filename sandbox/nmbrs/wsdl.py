"""Write the WSDL of a service from its tables: document/literal, SOAP 1.1 and 1.2 at one URL."""

from functools import lru_cache
from xml.sax.saxutils import escape, quoteattr

from sandbox.nmbrs.schema import ENUMS, PRIMITIVES, Field, Operation, Service

HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<wsdl:definitions xmlns:s="http://www.w3.org/2001/XMLSchema" '
    'xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" '
    'xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/" '
    'xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" '
    'xmlns:tns="{namespace}" targetNamespace="{namespace}">\n'
)
TRANSPORT = "http://schemas.xmlsoap.org/soap/http"


@lru_cache(16)
def describe(service: Service, address: str) -> str:
    """Return the whole WSDL; `address` is the URL of the service."""
    parts = [
        HEAD.format(namespace=service.namespace),
        types(service),
        *(messages(operation) for operation in service.operations.values()),
        port_type(service),
        binding(service, "soap", ""),
        binding(service, "soap12", "12"),
        ports(service, address),
        "</wsdl:definitions>\n",
    ]
    return "".join(parts)


def types(service: Service) -> str:
    headers = "".join(f'<s:element name="{name}" type="tns:{name}" />\n' for name in auth_headers(service))
    calls = "".join(call_elements(operation) for operation in service.operations.values())
    classes = "".join(complex_type(name, fields) for name, fields in service.types.items())
    enums = "".join(enumeration(name) for name in used_enums(service))
    return (
        f'<wsdl:types><s:schema elementFormDefault="qualified" targetNamespace="{service.namespace}">\n'
        f"{headers}{calls}{classes}{enums}</s:schema></wsdl:types>\n"
    )


def auth_headers(service: Service) -> list[str]:
    return sorted({operation.header for operation in service.operations.values()})


def used_enums(service: Service) -> list[str]:
    return sorted({field.type for fields in service.types.values() for field in fields} & set(ENUMS))


def call_elements(operation: Operation) -> str:
    result = (operation.result_field,)
    return (
        f'<s:element name="{operation.name}">{inline_type(operation.parameters)}</s:element>\n'
        f'<s:element name="{operation.name}Response">{inline_type(result)}</s:element>\n'
    )


def inline_type(fields: tuple[Field, ...]) -> str:
    return f"<s:complexType>{sequence(fields)}</s:complexType>"


def complex_type(name: str, fields: tuple[Field, ...]) -> str:
    # As in the vendor's WSDL, an authentication header allows any attribute (soap:mustUnderstand).
    extra = "<s:anyAttribute />" if name.startswith("AuthHeader") else ""
    return f'<s:complexType name="{name}">{sequence(fields)}{extra}</s:complexType>\n'


def sequence(fields: tuple[Field, ...]) -> str:
    return f"<s:sequence>{''.join(element(field) for field in fields)}</s:sequence>" if fields else ""


def element(field: Field) -> str:
    prefix = "s" if field.type in PRIMITIVES else "tns"
    most = "unbounded" if field.many else "1"
    nillable = ' nillable="true"' if field.nillable else ""
    return (
        f'<s:element minOccurs="{field.min_occurs}" maxOccurs="{most}" name="{field.name}"{nillable} '
        f'type="{prefix}:{field.type}" />'
    )


def enumeration(name: str) -> str:
    values = "".join(f"<s:enumeration value={quoteattr(value)} />" for value in ENUMS[name])
    return f'<s:simpleType name="{name}"><s:restriction base="s:string">{values}</s:restriction></s:simpleType>\n'


def messages(operation: Operation) -> str:
    name, header = operation.name, operation.header
    return (
        f'<wsdl:message name="{name}SoapIn"><wsdl:part name="parameters" element="tns:{name}" />'
        f"</wsdl:message>\n"
        f'<wsdl:message name="{name}SoapOut"><wsdl:part name="parameters" element="tns:{name}Response" />'
        f"</wsdl:message>\n"
        f'<wsdl:message name="{name}{header}"><wsdl:part name="{header}" element="tns:{header}" />'
        f"</wsdl:message>\n"
    )


def port_type(service: Service) -> str:
    rows = "".join(
        f'<wsdl:operation name="{o.name}"><wsdl:documentation>{escape(o.documentation)}</wsdl:documentation>'
        f'<wsdl:input message="tns:{o.name}SoapIn" /><wsdl:output message="tns:{o.name}SoapOut" />'
        f"</wsdl:operation>\n"
        for o in service.operations.values()
    )
    return f'<wsdl:portType name="{service.name}Soap">\n{rows}</wsdl:portType>\n'


def binding(service: Service, prefix: str, suffix: str) -> str:
    rows = "".join(bound_operation(service, o, prefix) for o in service.operations.values())
    return (
        f'<wsdl:binding name="{service.name}Soap{suffix}" type="tns:{service.name}Soap">'
        f'<{prefix}:binding transport="{TRANSPORT}" />\n{rows}</wsdl:binding>\n'
    )


def bound_operation(service: Service, operation: Operation, prefix: str) -> str:
    name, header = operation.name, operation.header
    return (
        f'<wsdl:operation name="{name}">'
        f'<{prefix}:operation soapAction="{service.namespace}/{name}" style="document" />'
        f'<wsdl:input><{prefix}:body use="literal" />'
        f'<{prefix}:header message="tns:{name}{header}" part="{header}" use="literal" /></wsdl:input>'
        f'<wsdl:output><{prefix}:body use="literal" /></wsdl:output></wsdl:operation>\n'
    )


def ports(service: Service, address: str) -> str:
    rows = "".join(
        f'<wsdl:port name="{service.name}Soap{suffix}" binding="tns:{service.name}Soap{suffix}">'
        f"<{prefix}:address location={quoteattr(address)} /></wsdl:port>\n"
        for prefix, suffix in (("soap", ""), ("soap12", "12"))
    )
    return f'<wsdl:service name="{service.name}">\n{rows}</wsdl:service>\n'
