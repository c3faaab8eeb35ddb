"""Texts of the overview: what waits in a sentence, and list rows with what to do."""

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.payments.presenters.unpaid import people_later
from blueprints.payroll.presenters.held_lines import held_title
from blueprints.payroll.presenters.status import ConnectionHealth, RunOutcome
from blueprints.team.presenter import ROLES
from blueprints.web.formatters import day
from blueprints.web.parts import Task
from domain.overview.worklist import ClientWorklist
from domain.payroll.run_history import HistoryRow


def summary(payments: int, setting_up: bool, other: int) -> str:
    """Return the sentence after the greeting. `payments`: number that wait for this user; `other`: other things to do.
    """
    if payments == 1:
        return _("er staat één betaling klaar.")
    if payments:
        return _("er staan %(count)s betalingen klaar.", count=payments)
    if setting_up:
        return _("je bent er bijna.")
    if other == 1:
        return _("er is één ding te doen.")
    return _("er zijn %(count)s dingen te doen.", count=other) if other else _("je bent helemaal bij.")


# --- rows for one client ---
def connection_task(health: ConnectionHealth) -> Task:
    """Return the row of a failing connection to Nmbrs."""
    text = f"{health.problem} {health.todo or _('Er is niets betaald.')}"
    return Task(url_for("payroll.overview"), "link", health.title, text, "bad" if health.remedy else "warn")


def refused_run_task(run: HistoryRow, outcome: RunOutcome) -> Task:
    """Return the row of a run that did not become a payment."""
    title = _("%(run)s is niet klaargezet", run=_run_name(run))
    return Task(_entry_url(run), outcome.sign, title, outcome.text, outcome.tone)


def held_lines_task(run: HistoryRow) -> Task:
    """Return the row of a run with lines that cannot be paid."""
    text = _("%(lines)s. Kijk wat er niet klopt.", lines=held_title(run.held))
    return Task(_entry_url(run), "warn", _run_name(run), text, "warn")


def coming_run_task(run: HistoryRow, outcome: RunOutcome) -> Task:
    """Return the row of a run that is being fetched."""
    text = " · ".join(filter(None, (outcome.title, outcome.text)))
    return Task(_entry_url(run), outcome.sign, _run_name(run), text, outcome.tone)


def _entry_url(run: HistoryRow) -> str:
    return url_for("payroll.history_entry", run_id=run.id)


def _run_name(run: HistoryRow) -> str:
    return f"{run.company_name}, {run.description or _('Loonheffing')}"


def unmapped_task(count: int) -> Task:
    """Return the row of runs whose company has no bank account assigned."""
    text = ngettext(
        "Voor %(num)s run is nog geen bankrekening gekozen.",
        "Voor %(num)s runs is nog geen bankrekening gekozen.",
        count,
    )
    return Task(url_for("payroll.overview"), "bank", _("Kies een bankrekening"), text, "warn")


def setup_task() -> Task:
    """Return the row with a link to the remaining steps of onboarding."""
    text = _("Nog een paar stappen tot je eerste betaling.")
    return Task(url_for("onboarding.welcome"), "link", _("Maak je account af"), text, "warn")


# --- rows for several clients ---
def client_task(row: ClientWorklist) -> Task:
    """Return the row of a client: what waits there, or the user's role if nothing does."""
    url = url_for("overview.overview", client=row.public_id)
    if not row.anything:
        return Task(url, "building", row.name, ROLES[row.role], "good")
    return Task(url, "building", row.name, " · ".join(_waiting(row)), "accent" if row.payments else "warn")


def _waiting(row: ClientWorklist) -> list[str]:
    found = []
    if row.payments:
        payments = ngettext("%(num)s betaling wacht", "%(num)s betalingen wachten", row.payments)
        oldest = _("de oudste sinds %(when)s", when=day(row.oldest) if row.oldest else "")
        found.append(f"{payments}, {oldest}")
    if row.later:
        found.append(people_later(row.later))
    if row.bank:
        found.append(_("bankkoppeling vernieuwen"))
    if row.runs:
        found.append(ngettext("Fout in %(num)s run", "Fouten in %(num)s runs", row.runs))
    if row.nmbrs:
        found.append(_("Controleer je Nmbrs-koppeling"))
    return found
