"""What a payment tells about changes in who is paid and how much, and what is kept of it with an approval.

An approval keeps what its approver was shown by the ids of lines, without names: the names are in the lines, and go
with them when the details of people are removed. Its hash is in the log.
"""

import json
from collections.abc import Sequence
from typing import Any

from core.encryption import digest_sha256
from core.names import normalise_name
from domain.payments import excess, payee_checks, warnings
from domain.payments.held_lines import HeldLines, held_lines_beside
from domain.payments.paid_history import executed_to, period_of
from domain.payments.pay_changes import NO_CHANGES, Change, ChangeKind, Changes, PaidPeriod, find_changes
from domain.payments.payee_findings import PaidAccount, Payee
from domain.payments.warnings import PaymentWarning
from models import Batch, BatchLine
from models.states import BatchState

_TOLD_IN = (BatchState.OPEN, BatchState.APPROVED)


def changes_of(
    batch: Batch, lines: Sequence[BatchLine], executed: Sequence[PaidAccount], beside: HeldLines,
    cautions: Sequence[PaymentWarning],
) -> Changes:  # fmt: skip
    """Return what changed since the payments before, of a payment that waits for approval or was just approved.

    Nothing of a payment that is not the only one of its period: what is left of a run, or an extra one, is like no
    other. All lines count, also those that are excluded: it is the run that is told about.
    """
    if batch.state not in _TOLD_IN or not payee_checks.is_judged(batch):
        return NO_CHANGES
    planned = [payee_checks.planned_line(batch, one) for one in lines if one.state in payee_checks.PLANNED]
    there = [_payee(batch, one.name) for one in (*beside.held, *beside.left_out)]
    return find_changes(
        planned, executed, period_of(batch) if _is_comparable(batch, cautions) else None, there, _unpaid(batch)
    )


def changes_now(batch: Batch) -> Changes:
    """`changes_of` this payment, with everything read that it takes. Expects account and run."""
    if batch.state not in _TOLD_IN or not payee_checks.is_judged(batch):
        return NO_CHANGES
    beside = held_lines_beside(batch)
    return changes_of(
        batch, payee_checks.lines_with_answers(batch), executed_to(batch), beside, warnings.warnings_for(batch, beside)
    )


def _is_comparable(batch: Batch, cautions: Sequence[PaymentWarning]) -> bool:
    alone = not batch.is_supplement and not excess.was_allowed(batch)
    return alone and batch.period_start > 0 and not any(one.kind == "period_twice" for one in cautions)


def _payee(batch: Batch, name: str) -> Payee:
    return Payee(batch.company_key, normalise_name(name))


def _unpaid(batch: Batch) -> Sequence[str]:
    return batch.unpaid_employee_names or ["?"] * (batch.unpaid_employee_count or 0)


# --- kept with an approval ------------------------------------------------------------------------
def kept(changes: Changes) -> dict[str, Any] | None:
    """Return what is kept of these changes with an approval, without a name; None if they tell nothing."""
    if not changes.tells:
        return None
    return {
        "total": [changes.cents, changes.before_cents], "against": _period(changes.against),
        "unnamed": changes.unnamed, "people": [_kept_person(one) for one in changes.people],
    }  # fmt: skip


def shown_changes_hash(changes: dict[str, Any] | None) -> str | None:
    """Return the hash of what was kept, for the log."""
    if changes is None:
        return None
    return digest_sha256(json.dumps(changes, sort_keys=True, separators=(",", ":")).encode())


def for_log(changes: dict[str, Any] | None) -> dict[str, str]:
    """Return what the log says of what was kept: its hash; nothing where nothing was told."""
    return {"changes": told} if (told := shown_changes_hash(changes)) else {}


def counts_of(changes: dict[str, Any]) -> dict[ChangeKind, int]:
    """Return how many people of each kind were told, of what was kept."""
    kinds = [ChangeKind(one[0]) for one in changes["people"]] + [ChangeKind.UNPAID] * changes["unnamed"]
    return {kind: kinds.count(kind) for kind in ChangeKind if kind in kinds}


def _kept_person(one: Change) -> list[Any]:
    return [str(one.kind), list(one.lines), one.cents, one.before_cents, _period(one.against)]


def _period(paid: PaidPeriod | None) -> list[int] | None:
    return [paid.period.year, paid.period.first, paid.period.last] if paid else None
