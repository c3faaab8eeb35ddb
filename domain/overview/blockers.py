"""What keeps a payment from coming that a person can mend, and what is on its way from Nmbrs."""

from dataclasses import dataclass
from datetime import timedelta

from peewee import fn

from core.clock import utcnow
from domain.payroll import companies, connections, run_history
from domain.payroll.connections import ConnectionView
from domain.payroll.run_history import HistoryRow
from models import Client, Run

RECENT = timedelta(days=14)
MOST = 5


@dataclass(frozen=True)
class Blockers:
    """links: Nmbrs accounts that do not answer us. refused: runs of the last fourteen days that could not be made a
    payment, without a newer run of the same company. unmapped: how many runs no account pays yet. coming: runs that
    are being fetched."""

    links: list[ConnectionView]
    refused: list[HistoryRow]
    unmapped: int
    coming: list[HistoryRow]


def find_blockers(client: Client) -> Blockers:
    """How the way from Nmbrs to a payment stands."""
    links = [connections.connection_view(row) for row in connections.connections(client) if row.status == "disturbed"]
    return Blockers(
        links, _refused(client), len(companies.unmapped_runs(client)),
        run_history.list_runs(client, Run.state.in_(("found", "retrying")), limit=MOST),
    )  # fmt: skip


def _refused(client: Client) -> list[HistoryRow]:
    later = Run.alias()
    newer = later.select().where(
        later.company == Run.company, later.kind == Run.kind,
        (later.year > Run.year) | ((later.year == Run.year) & (later.number > Run.number)),
    )  # fmt: skip
    recent = (Run.state == "refused") & (Run.changed_at > utcnow() - RECENT)
    return run_history.list_runs(client, recent, ~fn.EXISTS(newer), limit=MOST)
