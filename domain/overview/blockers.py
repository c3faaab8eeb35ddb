"""What blocks a payment and can be fixed by the user, and which runs are being imported from Nmbrs."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from peewee import fn

from core.clock import utcnow
from domain.payments import held_lines
from domain.payroll import companies, connections, run_history
from domain.payroll.connections import ConnectionView
from domain.payroll.run_history import HistoryRow
from models import Client, HeldLine, PayrollRun
from models.states import ConnectionStatus, RunState

RECENT_PERIOD = timedelta(days=14)
HELD_PERIOD = timedelta(days=31)
MAX_SHOWN = 5


@dataclass(frozen=True)
class Blockers:
    """What stands between Nmbrs and a payment.

    - connections: those to Nmbrs that fail.
    - refused: runs of the last fourteen days that could not become a payment, unless the company has a newer run.
    - held: runs of the last month with lines that cannot be paid.
    - unmapped: the number of runs whose company has no paying account yet.
    - coming: runs that are being imported.
    """

    connections: list[ConnectionView]
    refused: list[HistoryRow]
    held: list[HistoryRow]
    unmapped: int
    coming: list[HistoryRow]


def find_blockers(client: Client) -> Blockers:
    """Return what blocks this client's payments."""
    failing = [
        connections.connection_view(row)
        for row in connections.connections(client)
        if row.status == ConnectionStatus.FAILING
    ]
    return Blockers(
        failing, _failed_runs(client), _runs_with_held_lines(client), len(companies.unmapped_runs(client)),
        run_history.list_runs(client, PayrollRun.state.in_((RunState.PENDING, RunState.RETRYING)), limit=MAX_SHOWN),
    )  # fmt: skip


def _runs_with_held_lines(client: Client) -> list[HistoryRow]:
    return run_history.list_runs(client, has_held_lines(), limit=MAX_SHOWN)


def has_held_lines() -> Any:
    """Return the condition of a run of the last month with a line that cannot be paid."""
    held = HeldLine.select().where(HeldLine.run == PayrollRun.id, held_lines.is_line_held())
    is_recent = PayrollRun.found_at > utcnow() - HELD_PERIOD
    return (PayrollRun.state == RunState.IMPORTED) & (PayrollRun.held_count > 0) & is_recent & fn.EXISTS(held)


def failed_recently() -> Any:
    """Return the condition of a run that could not become a payment, unless its company has a newer run."""
    later = PayrollRun.alias()
    newer = later.select().where(
        later.company == PayrollRun.company, later.kind == PayrollRun.kind,
        (later.year > PayrollRun.year) | ((later.year == PayrollRun.year) & (later.number > PayrollRun.number)),
    )  # fmt: skip
    return (
        (PayrollRun.state == RunState.INVALID) & (PayrollRun.changed_at > utcnow() - RECENT_PERIOD) & ~fn.EXISTS(newer)
    )


def _failed_runs(client: Client) -> list[HistoryRow]:
    return run_history.list_runs(client, failed_recently(), limit=MAX_SHOWN)
