"""Doubts about lines: *fout in de salarisrun* holds the whole payment until somebody answers, or goes on knowingly.

A doubt is a chain of steps of one line, only ever added, each in the log with a keyed hash. The newest step counts: a
question, and the answer that the run will be run again, hold the payment.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from peewee import Case, fn

from domain.common import audit
from domain.common.encryption import blind_index
from domain.common.errors import DoubtStands
from models import Batch, BatchLine, LineDoubt, Membership, User, require_client_lock
from models.doubts import ASKED, HOLDING, OVERRULED, RIGHT, WITHDRAWN
from models.prepared import Prepared
from models.states import BatchState, LineState, Role

EVENT = "line.doubted"


@dataclass(frozen=True)
class StandingDoubt:
    """A doubt that holds its payment. `answer`: the words of who runs the run again; `answered_by` is None before that.
    """

    line: int
    place: int
    name: str = field(repr=False)
    amount_cents: int
    words: str = field(repr=False)
    asked_by: User
    asked_at: datetime
    answered_by: User | None
    answer: str = field(repr=False)


# --- reading --------------------------------------------------------------------------------------
def newest_step() -> Any:
    """Return the subquery of the newest step of the doubt about a line, for a query of lines."""
    mine = LineDoubt.select(LineDoubt.step).where(LineDoubt.line == BatchLine.id)
    return mine.order_by(LineDoubt.id.desc()).limit(1)


def right_mark() -> Any:
    """Return the subquery of what the digest says of a line of which somebody answered that it is right."""
    told = LineDoubt.step.concat(":").concat(LineDoubt.id.cast("TEXT")).concat(":").concat(LineDoubt.user.cast("TEXT"))
    return LineDoubt.select(told).where(LineDoubt.line == BatchLine.id, LineDoubt.step == RIGHT, _is_newest())


def doubted_cents() -> Any:
    """Return the subquery of the amount that the person of a line had at an earlier payment of the run, when somebody
    asked whether it is right, and nobody answered that it is.
    """
    before = BatchLine.alias()
    unanswered = Case(None, [(LineDoubt.step.in_((*HOLDING, OVERRULED)), before.amount_cents)])
    steps = LineDoubt.select(unanswered).join(before, on=(before.id == LineDoubt.line))
    mine = steps.where(before.due == BatchLine.due, before.state == LineState.SUPERSEDED)
    return mine.where(before.batch != BatchLine.batch).order_by(LineDoubt.id.desc()).limit(1)


def _is_newest() -> Any:
    """Return the condition that a step is the newest one of its line."""
    newer = LineDoubt.alias()
    return ~fn.EXISTS(newer.select(newer.id).where(newer.line == LineDoubt.line, newer.id > LineDoubt.id))


def doubted_lines(batch_id: Any) -> Any:
    """Return a query of the ids of the lines whose doubt holds this payment. `batch_id` may be a column."""
    return LineDoubt.select(LineDoubt.line).where(
        LineDoubt.batch == batch_id, LineDoubt.step.in_(HOLDING), _is_newest()
    )


def stands(batch_id: int) -> bool:
    """Return whether a doubt holds this payment."""
    return doubted_lines(batch_id).exists()


def standing_doubts(batch_id: int) -> list[StandingDoubt]:
    """Return the doubts that hold this payment, in the order of the page."""
    rows = LineDoubt.select(LineDoubt, BatchLine, User).join(BatchLine).switch(LineDoubt).join(User)
    steps = list(rows.where(LineDoubt.batch == batch_id).order_by(LineDoubt.id))
    asked = newest_of(row for row in steps if row.step == ASKED)
    found = [_standing(asked[line], row) for line, row in newest_of(steps).items() if row.step in HOLDING]
    return sorted(found, key=lambda one: one.place)


def standing_doubt(batch_id: int, line_id: int) -> StandingDoubt | None:
    """Return the doubt about this line, if it holds the payment."""
    return next((one for one in standing_doubts(batch_id) if one.line == line_id), None)


def _standing(question: LineDoubt, last: LineDoubt) -> StandingDoubt:
    line, answered = question.line, last.step != ASKED
    return StandingDoubt(
        line.id, line.place or line.position, line.creditor_name, line.amount_cents, question.words or "",
        question.user, question.taken_at, last.user if answered else None, (last.words or "") if answered else "",
    )  # fmt: skip


def right_marks(batch_id: int, until: datetime | None = None) -> dict[int, str]:
    """Return what the digest of a payment says of lines of which somebody answered that they are right. `until`: as it
    was at that time.
    """
    steps = LineDoubt.select().where(LineDoubt.batch == batch_id)
    return {
        line: f"{RIGHT}:{row.id}:{row.user_id}" for line, row in newest_of(steps.order_by(LineDoubt.id), until).items()
        if row.step == RIGHT
    }  # fmt: skip


def newest_of(steps: Iterable[LineDoubt], until: datetime | None = None) -> dict[int, LineDoubt]:
    """Return the newest of these steps of each line, from the oldest to the newest. `until`: as it was at that time."""
    return {row.line_id: row for row in steps if until is None or row.taken_at <= until}


# --- refusing -------------------------------------------------------------------------------------
def require_settled(batch: Batch) -> None:
    """Check that no doubt holds this payment.

    Raises:
    - DoubtStands
    """
    if stands(batch.id):
        raise DoubtStands


# --- recording ------------------------------------------------------------------------------------
def record_step(
    batch: Batch, user: User, line_id: int, step: str, words: str | None = None, earlier: LineDoubt | None = None
) -> LineDoubt:  # fmt: skip
    """Add a step and its event, in a transaction that holds the client's lock. `earlier`: the worker takes it over."""
    require_client_lock(batch.client_id)
    row = LineDoubt.create(batch=batch.id, line=line_id, step=step, words=words, user=user.id, earlier=earlier)
    actor = audit.WORKER if earlier else audit.by_user(user)
    audit.record_event(
        batch.client_id, actor, EVENT, f"batch:{batch.reference}", line=line_id, step=step, row=row.id,
        about=step_hash(row),
    )  # fmt: skip
    return row


def step_hash(row: LineDoubt) -> str:
    """Return the keyed hash of a step, for the log. It is keyed, because few words can be guessed."""
    told = (row.batch_id, row.line_id, row.step, row.words, row.user_id, row.earlier_id)
    return blind_index(f"doubt:{row.id}:{told!r}")


def withdraw_doubt(batch: Batch, user: User, line_id: int) -> None:
    """End the doubt about a line, if one stands: who asked does, and who may pay.

    Raises:
    - DoubtStands: this person may not.
    """
    mine = standing_doubt(batch.id, line_id)
    if mine is None:
        return
    member = Membership.get_or_none(Membership.client == batch.client_id, Membership.user == user.id)
    if mine.asked_by != user and (member is None or member.role not in (Role.OWNER, Role.APPROVER)):
        raise DoubtStands
    record_step(batch, user, line_id, WITHDRAWN)


# --- runs that are run again ----------------------------------------------------------------------
def unsettled_before(batch: Batch) -> Sequence[LineDoubt]:
    """Return the questions about lines of earlier payments of this run that nobody settled, with their lines; not those
    that were asked again at a payment after it.
    """
    return _unsettled_before(batch.run_id, batch.id)


@Prepared
def _unsettled_before(run: Any, batch: Any) -> Any:
    others = Batch.select(Batch.id).where(Batch.run == run, Batch.id != batch, Batch.state == BatchState.REPLACED)
    newest = LineDoubt.select(LineDoubt.line).where(LineDoubt.batch.in_(others), _is_newest())
    lines = newest.where(LineDoubt.step.in_(HOLDING))
    before = LineDoubt.alias()
    again = LineDoubt.select(before.line).join(before, on=(before.id == LineDoubt.earlier))
    rows = LineDoubt.select(LineDoubt, BatchLine, User).join(BatchLine).switch(LineDoubt).join(User)
    mine = rows.where(LineDoubt.line.in_(lines), LineDoubt.line.not_in(again), LineDoubt.step == ASKED)
    return mine.order_by(LineDoubt.id)
