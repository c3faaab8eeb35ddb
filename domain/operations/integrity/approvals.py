"""Approvals and releases: what was shown and approved, by whom, and whether it still stands."""

from collections.abc import Iterator

from domain.common import audit
from domain.operations.integrity.records import PaymentRecord
from domain.payments.digest import has_wishes, is_digest_of, wishes_of
from domain.payments.payee_checks import answer_marks
from domain.payments.shown_changes import shown_changes_hash
from models import Approval, NameConfirmation, Release
from models.states import BatchState

# States in which exactly one release stands: that of the order, if there is one.
_RELEASED = frozenset(
    {BatchState.APPROVED, BatchState.SENDING, BatchState.NAME_CHECK, BatchState.AT_BANK, BatchState.SIGNED}
)
# What voids a release, or follows it, beside a bank that executed an order of before.
_VOIDING = frozenset({"batch.change", "batch.reopen", "batch.replace"})
_NOT_RELEASED = frozenset({BatchState.OPEN, BatchState.REPLACED, BatchState.DISCARDED})


def approval_faults(record: PaymentRecord) -> Iterator[str]:
    """Yield what is wrong with the approvals of this payment and with its releases."""
    for check in (_standing_releases, _unordered_release, _standing_approvals, _confirmations):
        for fault in check(record):
            yield f"{record.name}: {fault}"
    for release in record.releases:
        for fault in _release(record, release):
            yield f"{record.name}: release {release.id}: {fault}"
    for approval in record.approvals:
        for fault in _approval(record, approval):
            yield f"{record.name}: approval {approval.id}: {fault}"


def _standing_releases(record: PaymentRecord) -> Iterator[str]:
    state, standing = record.batch.state, [one.id for one in record.releases if one.voided_at is None]
    if state in _NOT_RELEASED and standing:
        yield f"it is {state}, and a release stands"
    if state in _RELEASED and len(standing) != 1:
        yield f"it is {state}, and {len(standing)} releases stand"
    order = record.live_order
    if order is not None and state in _RELEASED and order.release_id not in standing:
        yield "the release of its order does not stand"


def _unordered_release(record: PaymentRecord) -> Iterator[str]:
    """Of an approved payment without an order; with one, its bytes are compared (`order_files`)."""
    if record.live_order is not None or record.batch.state != BatchState.APPROVED:
        return
    lines, batch, answers = record.lines_to_pay, record.batch, answer_marks(record.batch.id)
    for release in (one for one in record.releases if one.voided_at is None):
        said = (release.debtor_iban, release.execution_date, lines, batch.kind, wishes_of(release), answers)
        if not is_digest_of(release.digest, *said):
            yield "its lines, day, account, wishes or answers are not those that were approved"
        if has_wishes(release.digest) and wishes_of(release) != wishes_of(record.client):
            yield "the wishes are not those that were approved"
        if (release.total_cents, release.line_count) != (sum(line.amount_cents for line in lines), len(lines)):
            yield "total or count is not what was approved"
        if (release.debtor_iban, release.execution_date) != (batch.bank_account.iban, batch.execution_date):
            yield "day or account is not what was approved"


def _release(record: PaymentRecord, release: Release) -> Iterator[str]:
    told = record.event_of("batch.release", release=release.id)
    if told is None:
        yield "the log does not know it"
        return
    said = (told.details["digest"], told.details["total"], told.details["count"], told.details["day"],
            told.details["proof"], told.actor)  # fmt: skip
    mine = (release.digest, release.total_cents, release.line_count, release.execution_date.isoformat(),
            release.authentication_method, audit.by_user(release.user))  # fmt: skip
    if said != mine:
        yield "digest, total, count, day, proof or person is not what the log says"
    if told.details.get("changes") != shown_changes_hash(release.changes):
        yield "what its approver was told of changes is not what the log says"
    later = any(event.kind in _VOIDING and event.number > told.number for event in record.events)
    if release.voided_at is not None and release.void_reason != "bank" and not later:
        yield "it does not stand, and the log does not say why"
    for wish, kept in (("batch_booking", release.batch_booking), ("name_check", release.vop_enabled)):
        if told.details.get(wish, kept) != kept:
            yield f"the wish {wish} is not what the log says"


# --- two people -----------------------------------------------------------------------------------
def _standing_approvals(record: PaymentRecord) -> Iterator[str]:
    standing = [one for one in record.approvals if one.voided_at is None]
    if record.batch.state == BatchState.OPEN:
        day, lines = record.batch.execution_date, record.lines_to_pay
        iban, kind, wishes = record.batch.bank_account.iban, record.batch.kind, wishes_of(record.client)
        answers = answer_marks(record.batch.id)
        for one in standing:
            if day is None or not is_digest_of(one.digest, iban, day, lines, kind, wishes, answers):
                yield "an approval stands that is not for what it pays now"
        return
    released = {one.digest for one in record.releases if one.voided_at is None}
    if not standing or not released:
        return
    if {one.digest for one in standing} != released or len({one.user_id for one in standing}) < 2:
        yield "the approvals that stand are not those of two people for what was released"


def _approval(record: PaymentRecord, approval: Approval) -> Iterator[str]:
    told = record.event_of("batch.approved_by_one", approval=approval.id)
    if told is None:
        yield "the log does not know it"
        return
    said = (told.details["digest"], told.details["total"], told.details["proof"], told.actor)
    if said != (approval.digest, approval.total_cents, approval.authentication_method, audit.by_user(approval.user)):
        yield "digest, total, proof or person is not what the log says"
    if told.details.get("changes") != shown_changes_hash(approval.changes):
        yield "what its approver was told of changes is not what the log says"


def _confirmations(record: PaymentRecord) -> Iterator[str]:
    """Who confirmed names that the bank knows otherwise: as the log says, and as many as released the payment."""
    rows = NameConfirmation.select().where(NameConfirmation.order.in_([one.id for one in record.orders]))
    for row in rows.order_by(NameConfirmation.id):
        told = record.event_of("names.confirmed_by_one", confirmation=row.id)
        mine = (row.order_id, row.digest, row.authentication_method, audit.by_user(row.user))
        if told is None or mine != (told.details["order"], told.details["digest"], told.details["proof"], told.actor):
            yield f"confirmation {row.id} of names is not what the log says"
    for told in record.events_of("names.confirmed_by_one"):
        if not any(row.id == told.details["confirmation"] for row in rows):
            yield f"a confirmation of names that the log knows is gone: {told.details['confirmation']}"
