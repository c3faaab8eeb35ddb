"""Lists of payments, for their own page and the overview."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.payments.presenters.status import DONE, NBSP, UNDER_WAY, state_label
from blueprints.web.formatters import day, euro
from blueprints.web.parts import Link, Task
from core.clock import amsterdam
from domain.payments.payment_views import BatchRow
from domain.payroll.unpaid import UnpaidLine

_ICONS = {"good": "check", "bad": "warn"}


def present_rows(rows: Sequence[BatchRow]) -> list[Task]:
    """Return payments as list rows. Payments with the same title are told apart by run number and time."""
    titles = Counter(_title(row) for row in rows)
    return [_present_row(row, titles[_title(row)] > 1) for row in rows]


@dataclass(frozen=True)
class PaidRow:
    """A payment that was paid. `unpaid`: the link to what of it was not."""

    task: Task
    unpaid: Link | None


def present_paid(rows: Sequence[BatchRow], owed: Iterable[UnpaidLine]) -> list[PaidRow]:
    """Return paid payments as list rows, each with how many of its lines were not paid (`owed`: of all payments)."""
    counted = Counter(one.reference for one in owed)
    return [
        PaidRow(task, _unpaid_link(counted[row.reference]))
        for task, row in zip(present_rows(rows), rows, strict=True)
    ]


def _unpaid_link(count: int) -> Link | None:
    if not count:
        return None
    return Link(ngettext("%(num)s niet betaald", "%(num)s niet betaald", count), url_for("payments.list_unpaid"))


def _title(row: BatchRow) -> str:
    return f"{row.company_name}, {row.description}"


def _present_row(row: BatchRow, has_twin: bool) -> Task:
    label, tone = state_label(row)
    lines = ngettext("%(num)s regel", "%(num)s regels", row.lines_payable)
    told = [label, lines, _when(row, has_twin)]
    if row.pay_by and row.awaits_action:
        told = [label, _("uiterlijk %(day)s", day=day(row.pay_by)).replace(" ", NBSP)]
    return Task(
        url=url_for("payments.detail", reference=row.reference),
        icon=_ICONS.get(tone, "pay"),
        title=_title(row),
        text=" · ".join(told),
        tone=tone,
        right=euro(row.total_cents),
    )


def _when(row: BatchRow, has_twin: bool) -> str:
    """Return the day on which it was paid; of another payment the day on which it was prepared."""
    paid_on = row.execution_date if row.state in DONE else None
    told = day(paid_on or row.created_at).replace(" ", NBSP)
    if not has_twin:
        return told
    run = _("run %(number)s", number=row.run_number).replace(" ", NBSP)
    return f"{run} · {told}" if paid_on else f"{run} · {told},{NBSP}{amsterdam(row.created_at):%H:%M}"


def group_rows(rows: Sequence[BatchRow], approved: Collection[str] = ()) -> list[tuple[str, list[Task]]]:
    """Return the list grouped under headings, without empty groups.

    `approved`: references of payments that this user approved and that wait for a second approval.
    """
    to_do = [row for row in rows if row.awaits_action and row.reference not in approved]
    other = [row for row in rows if row.reference in approved]
    under_way = [row for row in rows if row.state in UNDER_WAY]
    over = [row for row in rows if not row.awaits_action and row.state not in UNDER_WAY]
    found = (
        (_("Wacht op jou"), to_do), (_(
            "Wacht op iemand anders"
        ), other), (_("Onderweg"), under_way), (_("Afgerond"), over),
    )  # fmt: skip
    return [(title, present_rows(some)) for title, some in found if some]


def found_count(count: int, shown: int) -> str:
    """Return how many payments a search found. `shown`: how many at most are listed; of more it says so."""
    if count > shown:
        return _("Meer dan %(num)s betalingen gevonden.", num=shown)
    return ngettext("%(num)s betaling gevonden.", "%(num)s betalingen gevonden.", count)
