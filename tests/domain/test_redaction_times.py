"""When who was paid is removed: past its time, over, and while all proofs hold."""

from datetime import date

import time_machine

import models
from domain.operations import daily_check, integrity, redaction
from domain.payroll import run_discovery
from models import Batch, BatchLine
from models.triggers import create_triggers
from tests.domain.test_falsified import write
from tests.support.factories import LINES, Demo
from tests.support.rich_books import switch_triggers_off, switch_triggers_on

EARLIER, LATER = date(2033, 12, 31), date(2034, 1, 2)  # the runs are of 2026
NAMES = [name for name, _iban, _cents in LINES]


def test_nothing_is_removed_before_its_time(demo: Demo):
    demo.batch()
    with time_machine.travel(EARLIER, tick=False):
        assert not redaction.is_redaction_due() and redaction.redact_old() == 0


def test_a_run_with_something_to_pay_is_never_redacted(demo: Demo):
    batch = demo.batch()
    with time_machine.travel(date(2060, 1, 1), tick=False):
        assert redaction.is_redaction_due() and redaction.redactable_runs() == []
        assert not redaction.redact_run(batch.run_id)


def _replaced(demo: Demo) -> Batch:
    """A payment of a run that is gone from Nmbrs: nothing of it is owed any more."""
    batch = demo.batch()
    run_discovery._mark_deleted(batch.run)
    return batch


def test_a_run_that_is_gone_is_redacted(demo: Demo):
    batch = _replaced(demo)
    with time_machine.travel(LATER, tick=False):
        assert redaction.redact_run(batch.run_id)
        assert not redaction.redact_run(batch.run_id)
    assert list(integrity.find_inconsistencies()) == []


def test_nothing_is_removed_while_a_proof_fails(demo: Demo):
    batch = _replaced(demo)
    line = BatchLine.get(BatchLine.batch == batch.id)
    switch_triggers_off()
    write(BatchLine, line.id, amount_cents=1)
    switch_triggers_on()
    create_triggers()
    with time_machine.travel(LATER, tick=False):
        assert redaction.redact_old() == 0, "its own proofs fail"
        other = demo.batch(number=2)
        run_discovery._mark_deleted(other.run)
        models.RowRegister.update(checked_at=None).execute()
        assert daily_check.check_books()
        assert redaction.redact_old() == 0, "the books have faults"
    assert BatchLine.get_by_id(line.id).creditor_name in NAMES


