"""What blocks a payment and can be fixed by the user, and which runs are being imported from Nmbrs."""

from dataclasses import dataclass
from datetime import timedelta

from peewee import fn

from core.clock import utcnow
from domain.payroll import companies, connections, run_history
from domain.payroll.connections import ConnectionView
from domain.payroll.run_history import HistoryRow
from models import Client, Run

RECENT_PERIOD = timedelta(days=14)
MAX_SHOWN = 5


@dataclass(frozen=True)
class Blockers:
    """What stands between Nmbrs and a payment.

    - links: Nmbrs connections that fail.
    - refused: runs of the last fourteen days that could not become a payment, unless the company has a newer run.
    - unmapped: the number of runs whose company has no paying account yet.
    - coming: runs that are being imported.
    """

    links: list[ConnectionView]
    refused: list[HistoryRow]
    unmapped: int
    coming: list[HistoryRow]


def find_blockers(client: Client) -> Blockers:
    """Return what blocks this client's payments."""
    links = [connections.connection_view(row) for row in connections.connections(client) if row.status == "disturbed"]
    return Blockers(
        links, _failed_runs(client), len(companies.unmapped_runs(client)),
        run_history.list_runs(client, Run.state.in_(("found", "retrying")), limit=MAX_SHOWN),
    )  # fmt: skip


def _failed_runs(client: Client) -> list[HistoryRow]:
    later = Run.alias()
    newer = later.select().where(
        later.company == Run.company, later.kind == Run.kind,
        (later.year > Run.year) | ((later.year == Run.year) & (later.number > Run.number)),
    )  # fmt: skip
    recent = (Run.state == "refused") & (Run.changed_at > utcnow() - RECENT_PERIOD)
    return run_history.list_runs(client, recent, ~fn.EXISTS(newer), limit=MAX_SHOWN)
