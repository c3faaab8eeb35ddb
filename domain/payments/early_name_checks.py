"""Ask a name-check service about the new names of a payment, as soon as there is one.

The task is a row beside the payment, written with it. A worker claims it, asks outside of any transaction, and keeps
what was said. What cannot be asked is tried again a limited number of times: the payment waits for none of it.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from typing import Any

from connectors.names.port import NameCheckDown, NameChecker
from core.clock import today_amsterdam, utcnow
from domain.common import audit, leases
from domain.common.services import services
from domain.payments.early_names import has_other_name, keep_answers, known_answers, lines_to_check
from domain.payments.paid_history import executed_to
from domain.payments.payee_checks import is_judged, lines_with_answers, planned_line
from domain.payments.payee_findings import PlannedLine
from models import Batch, NameCheckTask, require_client_lock, transaction
from models.states import BatchState, LineState

LEASE_SECONDS = 300
MOST_AT_ONCE = 100  # questions of one job; the sweep goes on with the others
ASKS_FOR = 120  # seconds; a slow service does not keep a worker
MOST_FAILURES = 3  # in one job
MOST_ATTEMPTS = 8  # the last one about three hours after the first
MAX_DUE = 200
log = logging.getLogger(__name__)


def plan_name_check(batch: Batch) -> None:
    """Have the names of this new payment checked, in the transaction that makes it; nothing without a service."""
    require_client_lock(batch.client_id)
    if services().names is not None and is_judged(batch):
        NameCheckTask.create(batch=batch.id)


def due_name_checks(payment: Batch | None = None) -> list[int]:
    """Return the ids of tasks to do now: all, or those of a payment."""
    query = NameCheckTask.select(NameCheckTask.id).where(NameCheckTask.due_at <= utcnow())
    if payment is not None:
        query = query.where(NameCheckTask.batch == payment.id)
    return [row.id for row in query.order_by(NameCheckTask.id).limit(MAX_DUE)]


def check_names(task_id: int) -> int:
    """Ask about the names of a payment that is still open, and keep the answers. Returns how many there were."""
    task = leases.claim_lease(NameCheckTask, task_id, LEASE_SECONDS, NameCheckTask.due_at <= utcnow())
    if task is None:
        return 0
    batch, checker = Batch.get_by_id(task.batch_id), services().names
    if checker is None or batch.state != BatchState.OPEN or task.attempts >= MOST_ATTEMPTS:
        leases.release_lease(task, due_at=None)
        return 0
    # counted before the call: a question that ends the worker is not asked for ever
    NameCheckTask.update(attempts=task.attempts + 1).where(NameCheckTask.id == task.id).execute()
    wanted = _to_check(batch)
    answers, failures = _ask(checker, wanted[:MOST_AT_ONCE])
    _keep(batch, checker.name, answers)
    _finish(task, len(wanted) - len(answers), bool(answers), failures)
    return len(answers)


def _to_check(batch: Batch) -> list[PlannedLine]:
    rows = [one for one in lines_with_answers(batch) if one.state == LineState.OPEN and not has_other_name(one)]
    known = known_answers(batch.client_id, utcnow())
    return lines_to_check((planned_line(batch, one) for one in rows), executed_to(batch), known, today_amsterdam())


def _ask(checker: NameChecker, wanted: Iterable[PlannedLine]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the answers as rows, and why others could not be had."""
    answers, failures, until = list[dict[str, Any]](), list[str](), time.monotonic() + ASKS_FOR
    for one in wanted:
        if len(failures) >= MOST_FAILURES or time.monotonic() > until:
            break
        try:
            said = checker.check(one.iban, one.written)
        except NameCheckDown as error:
            failures.append(str(error))
        else:
            answers.append({"iban": one.iban, "name": one.written, "result": said.match, "holder": said.holder})
    return answers, failures


def _keep(batch: Batch, service: str, answers: Sequence[dict[str, Any]]) -> None:
    if not answers:
        return
    with transaction(batch.client_id):
        keep_answers(batch.client_id, [{**one, "service": service} for one in answers])
        audit.record_event(
            batch.client_id, audit.WORKER, "names.checked_early", f"batch:{batch.reference}", service=service,
            count=len(answers),
        )  # fmt: skip


def _finish(task: NameCheckTask, left: int, went_on: bool, failures: Sequence[str]) -> None:
    """Say when the rest is asked: never, if nothing is left or it failed too often."""
    if not left:
        leases.release_lease(task, due_at=None)
    elif went_on and not failures:
        leases.release_lease(task, due_at=utcnow(), attempts=0)
    elif task.attempts + 1 >= MOST_ATTEMPTS:
        log.warning("payment %s: %s names were not checked, given up: %s", task.batch_id, left, failures[-1:])
        leases.release_lease(task, due_at=None)
    else:
        log.info("payment %s: %s names are not checked yet: %s", task.batch_id, left, failures[-1:])
        leases.release_lease(task, due_at=leases.backoff(task.attempts))
