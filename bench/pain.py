"""Writing a payment order of 10,000 lines as the bank gets it."""

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from bench import files
from bench.figure import Figure, added_mb, median_seconds

LINES = 10_000
GOAL_SECONDS, GOAL_MB = 0.5, 40.0


def measure(home: Path) -> list[Figure]:
    """Time in this process, beside the floor; memory in a fresh one."""
    from lxml import etree

    from connectors.bank.pain001 import write_pain001

    asked = order()
    body = write_pain001(asked)
    seconds = median_seconds(lambda: write_pain001(asked))
    floor = median_seconds(lambda: etree.tostring(etree.fromstring(body)))
    code = "from bench.pain import memory; memory()"
    more = float(subprocess.check_output([sys.executable, "-c", code], text=True))
    return [
        Figure(
            f"pain.001 of {LINES:,} lines", round(seconds, 3), "s", round(floor, 3),
            "lxml parses and writes the same bytes", f"≤ {GOAL_SECONDS:g} s", seconds <= GOAL_SECONDS,
            f"{len(body) / 1e6:.1f} MB of XML",
        ),
        Figure(
            "memory that writing it adds", round(more, 1), "MB", goal=f"≤ {GOAL_MB:g} MB", good=more <= GOAL_MB
        ),
    ]  # fmt: skip


def order(lines: int = LINES):
    """A payment order of so many lines, handed over one by one."""
    from connectors.bank.pain001 import OrderLine, PaymentOrder

    rows = [
        OrderLine(f"20261123{number:07d}", 150_000 + number, f"Medewerker {number}", files.iban(number), "Salaris")
        for number in range(1, lines + 1)
    ]
    return PaymentOrder(
        msg_id="20261123101500-12345", created_at=datetime(2026, 11, 23, 10, 15, tzinfo=UTC),
        initiating_party="Demo BV", debtor_name="Demo BV", debtor_iban=files.DEBTOR_IBAN,
        execution_date=date(2026, 11, 24), batch_booking=True, lines=rows,
    )  # fmt: skip


def memory() -> None:
    """Print what writing one order adds to the memory of this process."""
    from connectors.bank.pain001 import write_pain001

    write_pain001(order(10))
    asked = order()
    print(added_mb(lambda: write_pain001(asked)))
