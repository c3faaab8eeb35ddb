"""What an order is written in, by the bank's line: an order goes out in the form that its bank takes."""

from collections.abc import Callable
from dataclasses import replace

from connectors.bank.pain001 import PaymentOrder, read_back, write_pain001
from connectors.bank.ponto_order import read_ponto, write_ponto
from connectors.bank.port import BankLine

Write = Callable[[PaymentOrder], bytes]
Read = Callable[[bytes], PaymentOrder]


def write_order(line: BankLine, order: PaymentOrder) -> bytes:
    """The bytes for this bank. OrderUnwritable for what its form does not carry."""
    return _WRITTEN[line.format][0](order)


def read_order(line: BankLine, body: bytes) -> PaymentOrder:
    """What the bytes say. NotOurOrder when they are not an order as `write_order` writes it, or say more than it."""
    return _WRITTEN[line.format][1](body)


def _pain001(version: str) -> tuple[Write, Read]:
    return lambda order: write_pain001(replace(order, version=version)), read_back


_WRITTEN: dict[str, tuple[Write, Read]] = {
    version: _pain001(version) for version in ("pain.001.001.09", "pain.001.001.03")
}
_WRITTEN["ponto"] = (write_ponto, read_ponto)
