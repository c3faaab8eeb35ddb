"""Evidence about orders: every statement of a bank, a person or an operator is a row, which is only ever added.

The same statement twice is one row. `conclusion` derives from these rows what became of an order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from peewee import JOIN, chunked

from connectors.bank import port
from core.clock import amsterdam, today_amsterdam, utcnow
from core.encryption import digest_sha256
from domain.orders import conclusion
from domain.orders.conclusion import Level, Trust
from models import BankOrder, OrderLine, require_client_lock
from models import Evidence as EvidenceRow

STATUS, REPORT, BOOKING, PERSON, OPERATOR = "status", "report", "booking", "person", "operator"
MIGRATION = "migration"
ROWS_AT_ONCE = 500


@dataclass(frozen=True)
class Statement:
    """A statement about an order, or about its line with this end-to-end id. `said_at` is in UTC.

    `key` distinguishes statements that are otherwise equal, such as two equal bookings on one day.
    """

    level: Level
    code: str
    said_at: datetime
    end_to_end_id: str | None = None
    reason: str | None = None
    cents: int | None = None
    whole: bool = True
    key: str = ""


def is_placed(one: port.StatusStatement) -> bool:
    """Return whether it is clear what a bank's statement is about: a line is identified by its end-to-end id only."""
    return one.level != "line" or bool(one.end_to_end_id)


def statement_of(order: BankOrder, one: port.StatusStatement, at: datetime) -> Statement:
    """Return a bank's statement as evidence about this order. `at`: the bank's own time."""
    end_to_end_id = one.end_to_end_id if one.level == "line" else None
    reason, whole = next(iter(one.reasons), None), _is_about_all(order, one)
    return Statement(Level[one.level.upper()], one.code or "", at, end_to_end_id, reason, whole=whole)


def _is_about_all(order: BankOrder, one: port.StatusStatement) -> bool:
    """Return whether a statement about a group or batch covers the whole order: its ids and all its counts match."""
    if one.level == "line":
        return True
    counts = one.count in (None, order.line_count) and one.sum_cents in (None, order.total_cents)
    others = any(part.count and part.code != one.code for part in one.status_counts)
    return counts and not others and one.payment_information_id in (None, order.msg_id)


def add_evidence(
    order: BankOrder, source: str, trust: Trust, statements: Iterable[Statement], said_by: str | None = None,
    document: str | None = None,
) -> int:  # fmt: skip
    """Add the statements that are new, in the caller's transaction; return how many there were.

    Statements about lines that this order does not have are ignored.
    """
    require_client_lock(order.batch.client_id)
    lines = {row.end_to_end_id: row.id for row in OrderLine.select().where(OrderLine.order == order.id)}
    rows = [
        _row(order, source, trust, one, lines.get(one.end_to_end_id or ""), said_by, document)
        for one in statements
        if one.end_to_end_id is None or one.end_to_end_id in lines
    ]
    before = _count(order)
    for part in chunked(rows, ROWS_AT_ONCE):
        EvidenceRow.insert_many(part).on_conflict_ignore().execute()
    return _count(order) - before


def statements_of_document(order: BankOrder, document: str) -> list[Statement]:
    """Return what an uploaded file states about this order. `document`: its SHA-256."""
    kept = EvidenceRow.select().where(
        EvidenceRow.order == order.id, EvidenceRow.document_sha256 == document, EvidenceRow.trust == Trust.HINT
    )
    ids = {row.id: row.end_to_end_id for row in OrderLine.select().where(OrderLine.order == order.id)}
    found = [
        Statement(
            Level(row.level), row.code, row.said_at, ids.get(row.order_line_id or 0), row.reason, row.cents,
            row.is_whole, row.statement_key,
        )
        for row in kept.order_by(EvidenceRow.id)
    ]  # fmt: skip
    return list(dict.fromkeys(found))


def are_known(order: BankOrder, source: str, trust: Trust, statements: Sequence[Statement], said_by: str) -> bool:
    """Return whether this person already made all of these statements about this order."""
    lines = {row.end_to_end_id: row.id for row in OrderLine.select().where(OrderLine.order == order.id)}
    keys = {_row(order, source, trust, one, lines.get(one.end_to_end_id or ""), said_by, None)["dedupe_key"]
            for one in statements if one.end_to_end_id is None or one.end_to_end_id in lines}  # fmt: skip
    mine: Any = EvidenceRow.select(EvidenceRow.dedupe_key).where(
        EvidenceRow.order == order.id, EvidenceRow.said_by == said_by
    ).tuples()  # fmt: skip
    return keys <= {key for (key,) in mine}


def _count(order: BankOrder) -> int:
    return EvidenceRow.select().where(EvidenceRow.order == order.id).count()


def _row(
    order: BankOrder, source: str, trust: Trust, one: Statement, line: int | None, said_by: str | None,
    document: str | None,
) -> dict:  # fmt: skip
    reason = _plain(one.reason)
    return {
        "order": order.id, "order_line": line, "source": source, "trust": trust, "level": int(one.level),
        "code": one.code, "reason": reason, "cents": one.cents, "is_whole": one.whole, "said_at": one.said_at,
        "said_by": said_by, "document_sha256": document, "statement_key": one.key,
        "dedupe_key": _dedupe_key(source, trust, said_by, line, document, replace(one, reason=reason)),
    }  # fmt: skip


def _dedupe_key(
    source: str, trust: Trust, said_by: str | None, line: int | None, document: str | None, one: Statement
) -> str:
    """Return what is equal for equal statements. The same booking from two documents is one row; a status also differs
    by its time. Each uploaded file is kept as it was: it may be confirmed later.
    """
    told = (one.level, one.code, line, one.reason, one.cents, one.whole, one.key)
    at = one.said_at.astimezone(UTC)
    same = (BOOKING, trust, said_by, *told) if one.cents else (source, trust, said_by, at, *told)
    if trust == Trust.HINT:
        same = (*same, document)
    return digest_sha256("\t".join(map(str, same)).encode())


def is_as_added(row: EvidenceRow) -> bool:
    """Return whether this row says what it said when it was added. Rows of the migration have keys of their own."""
    if row.source == MIGRATION:
        return row.dedupe_key in (f"migration:{row.order_line_id}", "migration:whole")
    said = Statement(
        Level(row.level), row.code, row.said_at, None, row.reason, row.cents, row.is_whole, row.statement_key
    )
    of_its_day = not row.cents or row.statement_key.startswith(f"{row.said_at:%Y-%m-%d}:")
    key = _dedupe_key(row.source, Trust(row.trust), row.said_by, row.order_line_id, row.document_sha256, said)
    return of_its_day and row.dedupe_key == key


def _plain(reason: str | None) -> str | None:
    """Return the bank's reason code, without the prefix "bank:" that our connectors add."""
    return reason.removeprefix("bank:") if reason else None


def news_of_status(order: BankOrder, statements: Sequence[Statement]) -> list[Statement]:
    """Return the statements without those that the bank's last status already made.

    A rejection that is repeated on a later day stays, with the current time: the bank has still not executed.
    """
    last: dict[tuple, tuple] = {}
    told_on: dict[tuple, date] = {}
    rows = EvidenceRow.select(
        EvidenceRow.level, OrderLine.end_to_end_id, EvidenceRow.code, EvidenceRow.reason, EvidenceRow.received_at
    ).join(OrderLine, JOIN.LEFT_OUTER)
    mine = rows.where(EvidenceRow.order == order.id, EvidenceRow.source == STATUS)
    known: Any = mine.order_by(EvidenceRow.id).tuples()
    for level, id_of_line, code, reason, received_at in known:
        last[(level, id_of_line)] = (code, reason)
        told_on[(level, id_of_line)] = amsterdam(received_at).date()
    news = []
    for one in statements:
        about = (one.level, one.end_to_end_id)
        if last.get(about) != (one.code, _plain(one.reason)):
            news.append(one)
        elif one.code == conclusion.REJECTED and told_on[about] < today_amsterdam():
            news.append(replace(one, said_at=utcnow()))
    return news


def evidence_of(order: BankOrder) -> list[conclusion.Evidence]:
    """Return all evidence about this order and its lines, without hints, which prove nothing."""
    rows: Any = (
        EvidenceRow.select(
            EvidenceRow.level, EvidenceRow.code, EvidenceRow.said_at, EvidenceRow.trust, EvidenceRow.order_line,
            EvidenceRow.reason, EvidenceRow.cents, EvidenceRow.said_by, EvidenceRow.is_whole,
            EvidenceRow.statement_key,
        )
        .where(EvidenceRow.order == order.id, EvidenceRow.trust != Trust.HINT)
        .tuples()
    )  # fmt: skip
    return [
        conclusion.Evidence(Level(level), code, said_at, Trust(trust), line, reason, cents, who, bool(whole), key)
        for level, code, said_at, trust, line, reason, cents, who, whole, key in rows
    ]
