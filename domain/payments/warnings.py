"""Warnings about an unusual payment, which must be read before it can be approved."""

from dataclasses import dataclass, replace
from datetime import datetime

from domain.common.errors import UnacknowledgedWarnings
from domain.payments import commitments, excess
from domain.payments.held_lines import HeldLines, held_digest, held_lines_beside
from models import Batch, User, WarningAcknowledgement
from models.states import BatchState

# Another payment that counts as made, or that may still be made.
_LIVE = (
    BatchState.OPEN, BatchState.APPROVED, BatchState.SENDING, BatchState.NAME_CHECK, BatchState.AT_BANK,
    BatchState.SIGNED, BatchState.PENDING_REJECTION, BatchState.DISPUTED, BatchState.EXECUTED,
    BatchState.PARTLY_EXECUTED,
)  # fmt: skip


@dataclass(frozen=True)
class PaymentWarning:
    """One warning. `opened`: a member read it. `count`: how many lines it is about.

    `kind` is one of:

    - held: lines of the run cannot be paid; `about` is their hash
    - difference: the run was paid before; `about` is the reference of a payment that paid it
    - period_twice: another run pays the same period; `about` is the reference of its payment
    - picked: the run is from before the connection with Nmbrs, and was imported by hand
    - excess: two people (`people`) allowed this beyond what is owed, for a `reason`; `about` names the allowance, what
      the person is owed (`owed_cents`) and what counts as paid without it (`total_cents`)
    """

    kind: str
    about: str
    opened: bool
    state: str = ""
    at: datetime | None = None
    total_cents: int = 0
    count: int = 0
    owed_cents: int = 0
    people: tuple[str, ...] = ()
    reason: str = ""


def warnings_for(batch: Batch, beside: HeldLines | None = None) -> list[PaymentWarning]:
    """Return the warnings of a payment that is open or approved; none of others. `beside`: its held lines, if known."""
    if batch.state not in (BatchState.OPEN, BatchState.APPROVED):
        return []
    held = _held(beside or held_lines_beside(batch))
    found = [*_excess(batch), *held, *_difference(batch), *_period_twice(batch)]
    if batch.is_manually_imported:
        found.append(PaymentWarning("picked", "", False))
    if not found:
        return []
    opened = {
        (row.kind, row.subject)
        for row in WarningAcknowledgement.select().where(WarningAcknowledgement.batch == batch.id)
    }
    return [replace(one, opened=(one.kind, one.about) in opened) for one in found]


def _held(beside: HeldLines) -> list[PaymentWarning]:
    if not beside.held:
        return []
    return [PaymentWarning("held", held_digest(beside.held), False, count=len(beside.held))]


def _excess(batch: Batch) -> list[PaymentWarning]:
    allowance = excess.allowance_of(batch) if excess.is_beyond(batch) else None
    if allowance is None or allowance.allowed_by is None:
        return []
    owed, given = allowance.due.owed_cents, commitments.given_of_due(allowance.due_id, batch.id)
    people = (allowance.asked_by.name, allowance.allowed_by.name)
    about = f"{allowance.id}-{owed}-{given}"
    return [
        PaymentWarning(
            "excess", about, False, total_cents=given, owed_cents=owed, people=people, reason=allowance.reason
        )
    ]


def _difference(batch: Batch) -> list[PaymentWarning]:
    if not batch.is_supplement:
        return []
    earlier = Batch.select().where(Batch.run == batch.run_id, Batch.id < batch.id, Batch.state != BatchState.REPLACED)
    return [
        PaymentWarning("difference", row.reference, False, row.state, row.state_changed_at, row.total_cents)
        for row in earlier.where(Batch.state != BatchState.DISCARDED).order_by(Batch.id)
    ] or [PaymentWarning("difference", "", False)]


def _period_twice(batch: Batch) -> list[PaymentWarning]:
    """Return a warning for each payment of another run of this company whose period overlaps."""
    if not batch.period_start:
        return []
    others = Batch.select().where(
        Batch.client == batch.client_id, Batch.company_key == batch.company_key, Batch.kind == batch.kind,
        Batch.year == batch.year, Batch.run != batch.run_id, Batch.state.in_(_LIVE),
        Batch.period_start <= batch.period_end, Batch.period_end >= batch.period_start,
    )  # fmt: skip
    return [
        PaymentWarning("period_twice", row.reference, False, row.state, row.state_changed_at, row.total_cents)
        for row in others.order_by(Batch.id)
    ]


def name(caution: PaymentWarning) -> str:
    return f"{caution.kind}:{caution.about}"


def require_acknowledged(batch: Batch) -> None:
    """Check that every warning was read.

    Raises:
    - UnacknowledgedWarnings
    """
    if not all(one.opened for one in warnings_for(batch)):
        raise UnacknowledgedWarnings


def newer_batch(batch: Batch) -> Batch | None:
    """Return the newest later payment of the same run, or None. The batch's run must be loaded."""
    if batch.run.version is None or batch.version.partition(":")[0] == batch.run.version:
        return None
    return Batch.select().where(Batch.run == batch.run_id, Batch.id > batch.id).order_by(Batch.id.desc()).first()


def acknowledge_warnings(batch: Batch, user: User, seen: list[str]) -> None:
    """Record that this user read the warnings named in `seen`. A warning that came up after the page was loaded stays
    unread.
    """
    for one in warnings_for(batch):
        if not one.opened and name(one) in seen:
            row = WarningAcknowledgement.insert(batch=batch.id, kind=one.kind, subject=one.about, user=user.id)
            row.on_conflict_ignore().execute()
