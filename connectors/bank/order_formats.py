"""Select the message format of an order by the bank's configuration."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast, get_args

from connectors.bank.json_order import carried, read_json, write_json
from connectors.bank.pain001 import parse_own_pain001, write_pain001
from connectors.bank.payment_order import VERSIONS, NotOurOrder, PaymentOrder
from connectors.bank.ponto_order import carried_in_ponto, is_known_reference, read_ponto, write_ponto
from connectors.bank.port import BankConfig, OrderFormat

FILE_PRODUCT = "pain.001-"  # prefix of the payment products that take a file (Berlin Group)
JSON, XML = "application/json", "application/xml"

Write = Callable[[BankConfig, PaymentOrder], bytes]
Read = Callable[[bytes], PaymentOrder]
Carried = Callable[[PaymentOrder], PaymentOrder]


def write_order(config: BankConfig, order: PaymentOrder) -> bytes:
    """Return the bytes of the order in the format of this bank.

    Raises:
    - OrderUnwritable: the order holds something that the format does not allow.
    """
    return _FORMS[config.format][0](config, order)


def read_order(config: BankConfig, body: bytes) -> PaymentOrder:
    """Parse the bytes of an order that `write_order` wrote.

    Raises:
    - NotOurOrder: they are not, or hold more than that order.
    """
    return _FORMS[config.format][1](body)


def read_stored_order(form: str, body: bytes) -> PaymentOrder:
    """Parse the bytes of a stored order by the form that they were written in.

    Raises:
    - NotOurOrder: they are not what `write_order` wrote, or the form is unknown.
    """
    if form not in _FORMS:
        raise NotOurOrder(f"no form of orders: {form}")
    return _FORMS[form][1](body)


def representable_in(config: BankConfig, order: PaymentOrder) -> PaymentOrder:
    """Return the order reduced to what this bank's format can carry: what `read_order` must return."""
    return _FORMS[config.format][2](order)


def takes_reference(config: BankConfig, reference: str) -> bool:
    """Return whether this bank takes the structured reference of a line as it is."""
    return config.structured and (config.format != "ponto" or is_known_reference(reference))


def content_type(body: bytes) -> str:
    """Return the media type of an order's bytes, from the bytes: the configuration may have changed since they were
    stored.
    """
    return JSON if body[:1] == b"{" else XML


def product_for(config: BankConfig, is_json: bool) -> str:
    """Return the payment product for JSON or for a file: the same name, with pain.001- in front for a file."""
    plain = config.product.removeprefix(FILE_PRODUCT)
    return plain if is_json else FILE_PRODUCT + plain


def config_as_of_order(config: BankConfig, form: str) -> BankConfig:
    """Return the bank's configuration with the format that this order was written in, so that its URLs stay the same
    when the configuration changes.

    Raises:
    - ValueError: the format is unknown.
    """
    if form not in get_args(OrderFormat):
        raise ValueError(f"no form of orders: {form}")
    product = config.product if form == "ponto" else product_for(config, form == "json")
    return replace(config, format=cast(OrderFormat, form), product=product)


def _file(version: str) -> tuple[Write, Read, Carried]:
    def carried_in_file(order: PaymentOrder) -> PaymentOrder:
        return replace(order, version=version)

    return lambda line, order: write_pain001(carried_in_file(order)), parse_own_pain001, carried_in_file


_FORMS: dict[str, tuple[Write, Read, Carried]] = {version: _file(version) for version in VERSIONS} | {
    "json": (lambda line, order: write_json(order, line.knows_salary), read_json, carried),
    "ponto": (lambda line, order: write_ponto(order), read_ponto, carried_in_ponto),
}
