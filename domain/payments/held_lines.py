"""Held lines: what a run owes and no payment can hold. They are shown beside its payments, and read before one goes."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

from peewee import fn

from connectors.nmbrs.payment_file import ZERO_AMOUNT
from core.encryption import digest_sha256
from models import Batch, HeldLine, PayrollRun


@dataclass(frozen=True)
class HeldLineView:
    """A line as the file writes it, and why it cannot be paid. `amount_cents` is in `currency`; None if not known.

    `open_cents` was left to pay of it when the run was read; None where the amount is not in euros. The number counts
    the lines of the file from 1.
    """

    number: int
    reason: str
    name: str = field(repr=False)
    iban: str = field(repr=False)
    description: str = field(repr=False)
    amount_cents: int | None
    currency: str
    open_cents: int | None


@dataclass(frozen=True)
class HeldLines:
    """`held` lines are owed and cannot be paid; `left_out` lines ask nothing."""

    held: Sequence[HeldLineView] = ()
    left_out: Sequence[HeldLineView] = ()


NONE_HELD = HeldLines()


def held_lines_of(run: PayrollRun) -> HeldLines:
    """Return the lines of the newest version that are no payment, in the order of the file.

    Without those whose amount was paid to another account of the same person.
    """
    if not run.held_count or run.version is None or run.redacted_at is not None:
        return NONE_HELD
    rows = HeldLine.select().where(HeldLine.run == run.id, HeldLine.version == run.version).order_by(HeldLine.number)
    views = [_view(row) for row in rows]
    return HeldLines(
        [one for one in views if one.reason != ZERO_AMOUNT and one.open_cents != 0],
        [one for one in views if one.reason == ZERO_AMOUNT],
    )


def is_line_held() -> Any:
    """Return the condition of a row that is held, joined with its run: of the newest version, and not paid since."""
    is_open = HeldLine.open_cents.is_null() | (HeldLine.open_cents > 0)
    return (HeldLine.version == PayrollRun.version) & (HeldLine.reason != ZERO_AMOUNT) & is_open


def held_counts(run_ids: Sequence[int]) -> dict[int, int]:
    """Return how many lines of each of these runs are held; a run without any is left out."""
    query: Any = (
        HeldLine.select(HeldLine.run, fn.count(HeldLine.id))
        .join(PayrollRun)
        .where(PayrollRun.id.in_(run_ids), is_line_held())
    )
    return dict(query.group_by(HeldLine.run).tuples())


def held_lines_beside(batch: Batch) -> HeldLines:
    """Return the lines beside this payment; none when the run was read again since. Expects the run to be loaded."""
    is_newest = batch.version.partition(":")[0] == batch.run.version
    return held_lines_of(batch.run) if is_newest else NONE_HELD


def _view(row: HeldLine) -> HeldLineView:
    return HeldLineView(
        row.number, row.reason, row.name, row.iban, row.description, row.amount_cents, row.currency, row.open_cents
    )


def held_digest(lines: Sequence[HeldLineView]) -> str:
    """Return the hash of these lines: whoever read them read exactly these."""
    return digest_sha256(repr([astuple(line) for line in lines]).encode())[:32]
