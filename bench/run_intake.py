"""From a payment file to an open batch, without Nmbrs's own time."""

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
# A line that is kept is an object with its texts (about 800 bytes); a tree takes 2,300 more.
GOAL_BYTES = 1500
FILE_BYTES = len(files.payment_file(101)) - len(files.payment_file(100))


def measure(home: Path) -> list[Figure]:
    """The time beside its floor, and what reading costs in memory as files grow."""
    fixtures.furnish(home)
    client = fixtures.make_client()
    fixtures.hand_out(files.payment_file(100, start=7))
    fixtures.take_in(client, 1)  # everything imported, every statement prepared
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
    """Seconds from the file to the batch, as the worker does it."""
    fixtures.hand_out(file)
    start = time.perf_counter()
    batch = fixtures.take_in(client, number)
    assert batch is not None
    assert batch.line_count == LINES
    return time.perf_counter() - start


def floor(file: bytes, path: Path) -> float:
    """Parse with lxml and insert the same columns, with nothing checked."""
    database = connect(f"sqlite:///{path}", pragmas={"journal_mode": "wal", "synchronous": 2})

    class Line(peewee.Model):
        name_shown = peewee.TextField()
        name_sent = peewee.TextField()
        description_shown = peewee.TextField()
        description_sent = peewee.TextField()
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
        "name_shown": name, "name_sent": name, "description_shown": text, "description_sent": text,
        "iban": node.findtext("{*}CdtrAcct/{*}Id/{*}IBAN"), "amount_cents": int(amount),
        "end_to_end_id": node.findtext("{*}PmtId/{*}EndToEndId"), "position": number, "state": "open",
    }  # fmt: skip


def memory() -> list[Figure]:
    """How much more memory reading takes when the file is four times as long."""
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
    """MB that reading a file of so many lines adds, in a fresh process."""
    with tempfile.NamedTemporaryFile(suffix=".xml") as file:
        file.write(files.payment_file(lines))
        file.flush()
        return float(subprocess.check_output([sys.executable, "-m", "bench.parse_speed", file.name], text=True))
