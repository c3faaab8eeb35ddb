"""Answer whether new and changed accounts are the person's: *Nagevraagd, klopt* or *Nog niet betalen*.

Answers are only ever added. Each act is in the log with the hash of what it answered; the newest answer of a line
counts, and is part of what is approved (`digest`).
"""

from collections.abc import Sequence
from typing import Any

from core.clock import utcnow
from core.encryption import digest_sha256
from core.ids import uuid
from domain.common import audit
from domain.common.errors import BatchChanged, InsufficientRole, NotIdentified
from domain.identity import identification
from domain.payments.amendments import exclude_line_held, reopened_for_change, void_approvals
from domain.payments.payee_checks import PayeeCheck, checks_of, earlier_answers, seen_digest
from domain.payments.payment_views import Payment
from domain.payments.queries import get_batch
from models import Batch, Client, Membership, PayeeAnswer, User, require_client_lock, transaction
from models.payees import CONFIRMED
from models.states import Role

NOT_YET = "not_yet"
_ROWS_AT_ONCE = 200


def may_answer(role: str, client: Client) -> bool:
    """Return whether this role may answer: who pays; and who prepares, where another person than who pays must."""
    return role in (Role.OWNER, Role.APPROVER) or client.payees_asked_by_other


def is_left_to_others(membership: Membership, payment: Payment) -> bool:
    """Return whether this member answered about an account of the payment, and may therefore not approve it."""
    given = [one.given.user.id for one in payment.payees if one.given and one.finding.must_be_answered]
    return membership.client.payees_asked_by_other and membership.user_id in given


def answer_payees(membership: Membership, reference: str, seen: str, answer: str, line: int | None = None) -> int:
    """Answer the open questions of which `seen` is the hash (`payee_checks.seen_digest`), or of these only that about
    one line. `answer`: phone, in_person or records confirms; not_yet leaves the lines out. Return how many.

    Raises:
    - InsufficientRole
    - NotIdentified: another person than who approves must answer, and who this is is not known.
    - NotOpen
    - BatchChanged: other questions are open by now.
    """
    with transaction(membership.client_id):
        client = Client.get_by_id(membership.client_id)
        if not may_answer(Membership.get_by_id(membership.id).role, client):
            raise InsufficientRole
        if client.payees_asked_by_other and not identification.is_identified(membership.user):
            raise NotIdentified
        batch = reopened_for_change(membership.client, membership.user, reference)
        asked = _asked(batch, seen)
        if line is not None:
            asked = [one for one in asked if one.finding.line == line]
        if not asked or answer not in (*CONFIRMED, NOT_YET):
            raise BatchChanged
        _store(batch, membership.user, asked, answer)
        if answer == NOT_YET:
            for one in asked:
                exclude_line_held(batch, membership.user, one.finding.line)
        return len(asked)


def _asked(batch: Batch, seen: str) -> list[PayeeCheck]:
    """Return the open questions of one concern that were seen."""
    waiting = [one for one in checks_of(batch) if one.waits]
    concerns = {one.finding.concern for one in waiting}
    for concern in concerns:
        mine = [one for one in waiting if one.finding.concern == concern]
        if seen_digest(mine) == seen:
            return mine
    raise BatchChanged


def _store(batch: Batch, user: User, asked: Sequence[PayeeCheck], answer: str) -> None:
    rows = [_row(batch, one, answer, user.id) for one in asked]
    _insert(batch, audit.by_user(user), rows, answer)


def carry_answers(batch: Batch) -> int:
    """Take over what was answered before about the same facts, in the transaction that makes the payment; return how
    many. A payment of a run that was run again asks nobody anew.
    """
    require_client_lock(batch.client_id)
    made = get_batch(batch.client, batch.reference)
    waiting = [one for one in checks_of(made, with_excluded=True) if one.waits]
    known = earlier_answers(batch.client_id, [one.question for one in waiting]) if waiting else {}
    rows = [
        _row(batch, one, found.answer, found.user_id, found.id)
        for one in waiting if (found := known.get(one.question))
    ]  # fmt: skip
    if rows:
        _insert(batch, audit.WORKER, rows, "carried")
    return len(rows)


def _row(batch: Batch, one: PayeeCheck, answer: str, user_id: int, earlier: int | None = None) -> dict[str, Any]:
    return {
        "batch": batch.id, "line": one.finding.line, "concern": str(one.finding.concern), "question": one.question,
        "answer": answer, "user": user_id, "earlier": earlier,
    }  # fmt: skip


def _insert(batch: Batch, actor: str, rows: Sequence[dict[str, Any]], answer: str) -> None:
    act, now = uuid(), utcnow()
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        part = [{**row, "act": act, "answered_at": now} for row in rows[start : start + _ROWS_AT_ONCE]]
        PayeeAnswer.insert_many(part).execute()
    audit.record_event(
        batch.client_id, actor, "payees.answered", f"batch:{batch.reference}", act=act, answer=answer,
        count=len(rows), hash=answers_hash(PayeeAnswer.select().where(PayeeAnswer.act == act)),
    )  # fmt: skip


def answers_hash(rows: Any) -> str:
    """Return the hash of the answers of one act, for the log."""
    told = sorted(
        f"{row.line_id}:{row.concern}:{row.question}:{row.answer}:{row.user_id}:{row.earlier_id}" for row in rows
    )
    return digest_sha256("\n".join(told).encode())


def set_asked_by_other(membership: Membership, on: bool) -> bool:
    """Set whether who answers about a new account may not approve the payment. Return whether it changed.

    What was approved with the setting before is void.

    Raises:
    - InsufficientRole: only owners may.
    """
    if membership.role != Role.OWNER:
        raise InsufficientRole
    actor = audit.by_user(membership.user)
    with transaction(membership.client_id):
        mine = (Client.id == membership.client_id) & (Client.payees_asked_by_other != on)
        if not Client.update(payees_asked_by_other=on).where(mine).execute():
            return False
        audit.record_event(
            membership.client_id, actor, "payees_asked_by_other.changed", f"client:{membership.client_id}", on=on
        )
        void_approvals(Client.get_by_id(membership.client_id), actor, "payees_asked_by_other")
    return True
