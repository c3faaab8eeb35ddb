"""Write and verify a payment order of 10,000 lines, compared with the library sepaxml."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from bench import files
from bench.measurement import Figure, added_mb, median_seconds

LINES = 10_000
GOAL_SECONDS, GOAL_MB = 0.5, 40.0


def measure(home: Path) -> list[Figure]:
    """Measure time in this process and memory in a new one."""
    from lxml import etree

    from connectors.bank.pain001 import write_pain001

    asked = order()
    body = write_pain001(asked)
    seconds = median_seconds(lambda: write_pain001(asked))
    floor = median_seconds(lambda: etree.tostring(etree.fromstring(body)))
    more = _memory_of("_writes")
    return [
        *_beside_the_peer(asked),
        Figure(
            f"pain.001 of {LINES:,} lines", round(seconds, 3), "s", round(floor, 3),
            "lxml parses and writes the same bytes", f"≤ {GOAL_SECONDS:g} s", seconds <= GOAL_SECONDS,
            f"{len(body) / 1e6:.1f} MB of XML",
        ),
        Figure(
            "memory that writing it adds", round(more, 1), "MB", goal=f"≤ {GOAL_MB:g} MB", good=more <= GOAL_MB
        ),
    ]  # fmt: skip


def _beside_the_peer(asked) -> list[Figure]:
    """Compare with sepaxml: both write the same payments and validate the schema; ours is also parsed."""
    ours, theirs = median_seconds(lambda: _ours(asked)), median_seconds(lambda: _theirs(asked), times=1)
    ours_mb, theirs_mb = _memory_of("_ours"), _memory_of("_theirs")
    name = "sepaxml writes the same payments and checks them"
    return [
        Figure(
            f"pain.001 of {LINES:,} lines written and checked", round(ours, 3), "s", round(theirs, 3), name,
            "no more than sepaxml", ours <= theirs, f"{ours / theirs:.2f} of sepaxml's time",
        ),
        Figure(
            "memory that writing and checking adds", round(ours_mb, 1), "MB", round(theirs_mb, 1), name,
            "no more than sepaxml", ours_mb <= theirs_mb, f"{ours_mb / theirs_mb:.2f} of sepaxml's memory",
        ),
    ]  # fmt: skip


def _ours(asked) -> None:
    from connectors.bank.pain001 import parse_own_pain001, write_pain001

    parse_own_pain001(write_pain001(asked))


def _theirs(asked) -> None:
    from sepaxml import SepaTransfer

    head = {"name": asked.debtor_name, "IBAN": asked.debtor_iban, "currency": "EUR", "batch": True}
    transfer = SepaTransfer(head, schema=asked.version, clean=False)
    for line in asked.lines:
        transfer.add_payment({
            "name": line.creditor_name, "IBAN": line.creditor_iban, "amount": line.amount_cents,
            "description": line.remittance, "endtoend_id": line.end_to_end_id,
            "execution_date": asked.execution_date,
        })  # fmt: skip
    transfer.export(validate=True)


def _memory_of(what: str) -> float:
    """Return the MB that it adds, in a new process."""
    code = f"from bench import pain; pain.memory(pain.{what})"
    return float(subprocess.check_output([sys.executable, "-c", code], text=True))


def order(lines: int = LINES):
    """Return a payment order with this many lines."""
    from connectors.bank.payment_order import OrderLine, PaymentOrder

    rows = [
        OrderLine(f"20261123{number:07d}", 150_000 + number, f"Medewerker {number}", files.iban(number), "Salaris")
        for number in range(1, lines + 1)
    ]
    return PaymentOrder(
        msg_id="20261123101500-12345", created_at=datetime(2026, 11, 23, 10, 15, tzinfo=UTC),
        initiating_party="Demo BV", debtor_name="Demo BV", debtor_iban=files.DEBTOR_IBAN,
        execution_date=date(2026, 11, 24), batch_booking=True, lines=rows,
    )  # fmt: skip


def _writes(asked) -> None:
    from connectors.bank.pain001 import write_pain001

    write_pain001(asked)


def memory(act: Callable[[Any], None]) -> None:
    """Print the MB that `act` on one order adds to this process."""
    act(order(10))
    asked = order()
    print(added_mb(lambda: act(asked)))
