"""A payment instruction in any format. Amounts are integer cents."""

from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True)
class Line:
    """One credit transfer."""

    end_to_end_id: str
    cents: int
    name: str
    iban: str
    remittance: str


@dataclass(frozen=True)
class Block:
    """Credit transfers from one account on one day (PmtInf)."""

    id: str
    debtor_name: str
    debtor_iban: str
    day: date
    batch_booking: bool
    purpose: str
    lines: list[Line]

    @property
    def cents(self) -> int:
        return sum(line.cents for line in self.lines)


@dataclass(frozen=True)
class Instruction:
    """`msg_id` and `created` are None in a format without them (JSON)."""

    message: str
    msg_id: str | None
    created: str | None
    blocks: list[Block]

    @property
    def lines(self) -> list[Line]:
        return [line for block in self.blocks for line in block.lines]

    @property
    def cents(self) -> int:
        return sum(block.cents for block in self.blocks)


class NotAccepted(Exception):
    """The order is refused: message code, text and path."""

    def __init__(self, text: str, path: str = "", code: str = "FORMAT_ERROR"):
        super().__init__(text)
        self.text, self.path, self.code = text, path, code


def line_document(line: Line) -> list[Any]:
    return [line.end_to_end_id, line.cents, line.name, line.iban, line.remittance]


def doubled(lines: list[Line]) -> str | None:
    """Return the first end-to-end id that occurs twice; NOTPROVIDED does not count."""
    seen: set[str] = set()
    for line in lines:
        if line.end_to_end_id in seen and line.end_to_end_id != "NOTPROVIDED":
            return line.end_to_end_id
        seen.add(line.end_to_end_id)
    return None
