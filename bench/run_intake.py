"""From a payment file to an open batch, without Nmbrs's time."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import peewee
from lxml import etree
from playhouse.db_url import connect

import models
from bench import files, fixtures
from bench.measurement import Figure

LINES = 10_000
GOAL = 2.0
# A kept line is an object with its texts (about 800 bytes); an XML tree would add 2,300.
GOAL_BYTES = 1500
FILE_BYTES = len(files.payment_file(101)) - len(files.payment_file(100))


def measure(home: Path) -> list[Figure]:
    """Measure the time next to its baseline, and how memory grows with the file."""
    fixtures.configure_services(home)
    client = fixtures.make_client()
    fixtures.hand_out(files.payment_file(100, start=7))
    fixtures.take_in(client, 1)  # warm up: all imports and prepared statements
    taken, bare = [], []
    for number in range(3):
        file = files.payment_file(LINES, start=number + 1)
        bare.append(floor(file, home / f"floor{number}.db"))
        taken.append(intake(client, file, number + 2))
    value, least = sorted(taken)[1], sorted(bare)[1]
    return [
        Figure(
            f"a run of {LINES:,} lines to an open batch", round(value, 3), "s", round(least, 3),
            "lxml parse and one bulk insert", f"≤ {GOAL:g}× the floor", value <= GOAL * least,
            f"{value / least:.2f}× the floor",
        ),
        *memory(),
    ]  # fmt: skip


def intake(client: models.Client, file: bytes, number: int) -> float:
    """Return the seconds from file to batch, as the worker does it."""
    fixtures.hand_out(file)
    start = time.perf_counter()
    batch = fixtures.take_in(client, number)
    assert batch is not None
    assert batch.line_count == LINES
    return time.perf_counter() - start


def floor(file: bytes, path: Path) -> float:
    """Return the seconds to parse with lxml and insert the same columns, without checks."""
    database = connect(f"sqlite:///{path}", pragmas={"journal_mode": "wal", "synchronous": 2})

    class Line(peewee.Model):
        creditor_name = peewee.TextField()
        creditor_name_sepa = peewee.TextField()
        remittance = peewee.TextField()
        remittance_sepa = peewee.TextField()
        iban = peewee.TextField()
        amount_cents = peewee.BigIntegerField()
        end_to_end_id = peewee.TextField(unique=True)
        position = peewee.IntegerField()
        state = peewee.TextField()

        class Meta:
            pass

    Line._meta.set_database(database)
    database.create_tables([Line])
    start = time.perf_counter()
    root = etree.fromstring(file, etree.XMLParser(resolve_entities=False, no_network=True))
    rows = [_bare(node, number) for number, node in enumerate(root.iter("{*}CdtTrfTxInf"), 1)]
    with database.atomic():
        for part in peewee.chunked(rows, 1000):
            Line.insert_many(part).execute()
    taken = time.perf_counter() - start
    database.close()
    return taken


def _bare(node: etree._Element, number: int) -> dict[str, object]:
    name, text = node.findtext("{*}Cdtr/{*}Nm"), node.findtext("{*}RmtInf/{*}Ustrd")
    amount = (node.findtext("{*}Amt/{*}InstdAmt") or "0").replace(".", "")
    return {
        "creditor_name": name, "creditor_name_sepa": name, "remittance": text, "remittance_sepa": text,
        "iban": node.findtext("{*}CdtrAcct/{*}Id/{*}IBAN"), "amount_cents": int(amount),
        "end_to_end_id": node.findtext("{*}PmtId/{*}EndToEndId"), "position": number, "state": "open",
    }  # fmt: skip


def memory() -> list[Figure]:
    """Measure how much more memory a file four times as long needs."""
    small, large = reading(LINES // 2), reading(2 * LINES)
    per_line = (large - small) / (1.5 * LINES) * 1e6
    return [
        Figure(
            "memory per line while reading", round(per_line), "bytes", FILE_BYTES,
            "a line in the file", f"≤ {GOAL_BYTES:,}: the lines themselves, no tree", per_line <= GOAL_BYTES,
            f"{2 * LINES:,} lines against {LINES // 2:,}: {large:.1f} and {small:.1f} MB",
        )
    ]  # fmt: skip


def reading(lines: int) -> float:
    """Return the MB that parsing a file of this many lines adds, in a new process."""
    with tempfile.NamedTemporaryFile(suffix=".xml") as file:
        file.write(files.payment_file(lines))
        file.flush()
        return float(subprocess.check_output([sys.executable, "-m", "bench.parse_speed", file.name], text=True))
