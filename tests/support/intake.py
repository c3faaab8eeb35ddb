"""The worker's part with Nmbrs, done in the test: poll, then import the runs that are due."""

from core.clock import utcnow
from domain.payroll import intake, run_discovery
from models import Batch, BatchLine, PayrollCompany, PayrollRun
from tests.support.factories import Demo


def now_due(demo: Demo) -> None:
    """Make the poll and all pending imports due."""
    PayrollCompany.update(poll_due_at=utcnow()).where(PayrollCompany.id == demo.company.id).execute()
    PayrollRun.update(due_at=utcnow()).where(PayrollRun.due_at.is_null(False)).execute()


def work(demo: Demo) -> list[Batch]:
    """Poll and import. Returns the new batches."""
    now_due(demo)
    run_discovery.discover_runs(demo.company.id)
    return [batch for run_id in intake.due_runs() if (batch := intake.import_run(run_id))]


def lines(batch: Batch) -> list[tuple[str, int, str]]:
    """Return IBAN, cents and state of each line."""
    rows = BatchLine.select().where(BatchLine.batch == batch.id).order_by(BatchLine.position)
    return [(row.creditor_iban, row.amount_cents, row.state) for row in rows]


def state(batch: Batch) -> tuple[str, str | None]:
    row = Batch.get_by_id(batch.id)
    return row.state, row.state_reason
