"""What an order is written in, by the bank's line: an order goes out in the form that its bank takes."""

from collections.abc import Callable
from dataclasses import replace
from typing import cast, get_args

from connectors.bank.json_order import carried, read_json, write_json
from connectors.bank.pain001 import VERSIONS, PaymentOrder, parse_own_pain001, write_pain001
from connectors.bank.ponto_order import read_ponto, write_ponto
from connectors.bank.port import BankConfig, OrderFormat

FILE_PRODUCT = "pain.001-"  # how the standard names the products that take a file
JSON, XML = "application/json", "application/xml"

Write = Callable[[BankConfig, PaymentOrder], bytes]
Read = Callable[[bytes], PaymentOrder]
Carried = Callable[[PaymentOrder], PaymentOrder]


def write_order(config: BankConfig, order: PaymentOrder) -> bytes:
    """The bytes for this bank. OrderUnwritable for what its form does not carry."""
    return _FORMS[config.format][0](config, order)


def read_order(config: BankConfig, body: bytes) -> PaymentOrder:
    """What the bytes say. NotOurOrder when they are not an order as `write_order` writes it, or say more than it."""
    return _FORMS[config.format][1](body)


def representable_in(config: BankConfig, order: PaymentOrder) -> PaymentOrder:
    """The order as far as this bank's form has a place for it: what `read_order` must find."""
    return _FORMS[config.format][2](order)


def content_type(body: bytes) -> str:
    """What an order's bytes are. They were stored before the line may have changed, so they are asked."""
    return JSON if body[:1] == b"{" else XML


def product_for(config: BankConfig, is_json: bool) -> str:
    """The bank's product in the form of these bytes: the same name, with pain.001- before it for a file."""
    plain = config.product.removeprefix(FILE_PRODUCT)
    return plain if is_json else FILE_PRODUCT + plain


def config_as_of_order(config: BankConfig, form: str) -> BankConfig:
    """The line as an order of this form knows it: its addresses stay what they were when the line changes.

    ValueError for a form that there is none of.
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
    "ponto": (lambda line, order: write_ponto(order), read_ponto, lambda order: order),
}
