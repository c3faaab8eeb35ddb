"""Texts of paying somebody more than is owed: how a request stands, and what is to be done."""

from collections.abc import Sequence

from flask import url_for
from flask_babel import gettext as _

from blueprints.web.formatters import day, euro
from blueprints.web.parts import Note, Task
from core.iban import format_iban
from domain.payments.excess_views import AllowanceView, WaitingAllowance
from domain.payroll.excess_payment import Beside


def excess_task(one: WaitingAllowance) -> Task:
    """Return the row of a request that waits for a second person."""
    url = url_for("payments.excess_allowance", allowance_id=one.id)
    if one.mine:
        return Task(url, "people", _("Extra betalen"), _("Wacht op een tweede persoon"), "", euro(one.amount_cents))
    text = _("%(name)s vraagt je toestemming om extra te betalen", name=one.asked_by)
    return Task(url, "people", _("Extra betalen"), text, "warn", euro(one.amount_cents))


def beside_facts(found: Beside) -> list[tuple[str, str]]:
    """Return labels and values of the line that more is asked beside."""
    return [
        (_("Aan"), found.name), (_("Rekening"), format_iban(found.iban)),
        (_("Te betalen volgens Nmbrs"), euro(found.owed_cents)),
        (_("Al betaald of onderweg"), euro(found.given_cents)),
    ]  # fmt: skip


def allowance_facts(one: AllowanceView) -> list[tuple[str, str]]:
    """Return labels and values of what was asked."""
    told = [
        (_("Aan"), one.name), (_("Rekening"), format_iban(one.iban)), (_("Reden"), one.reason)
    ]  # fmt: skip
    facts = [
        *([(_("Aan"), _("Gegevens verwijderd"))] if one.removed else told), (_("Extra"), euro(one.amount_cents)),
        (_("Te betalen volgens Nmbrs"), euro(one.owed_cents)),
        (_("Al betaald of onderweg"), euro(one.given_cents)),
        (_("Aangevraagd door"), f"{one.asked_by}, {day(one.asked_at)}"),
    ]  # fmt: skip
    if one.allowed_by:
        facts.append((_("Toegestaan door"), one.allowed_by))
    return facts


def allowance_note(one: AllowanceView) -> Note:
    """Return how the request stands, and what comes next."""
    if one.state == "ended":
        text = _("Ingetrokken door %(name)s. Er wordt niets betaald.", name=one.ended_by) if one.ended_by else _(
            "De salarisrun is gewijzigd. Dit verzoek is vervallen. Vraag het zo nodig opnieuw aan."
        )
        return Note("info", _("Vervallen"), text)
    if one.state == "allowed":
        return Note("good", _("Toegestaan"), _(
            "De betaling staat klaar. Er wordt pas betaald na goedkeuring."
        ))  # fmt: skip
    if one.may_allow:
        return Note("warn", _("Meer dan er betaald moet worden"), _(
            "%(name)s vraagt je toestemming. Na je pincode staat er een betaling klaar. Die moet "
            "nog worden goedgekeurd.", name=one.asked_by
        ))  # fmt: skip
    return Note("info", _("Wacht op een tweede persoon"), _who_is_asked(one.others))


def _who_is_asked(names: Sequence[str]) -> str:
    if not names:
        return _("Niemand anders mag hiervoor toestemming geven. Nodig iemand uit die mag betalen.")
    some = ", ".join(names[:-1])
    who = _("%(some)s of %(last)s", some=some, last=names[-1]) if some else names[-1]
    return _("%(name)s moet toestemming geven. Tot dan wordt er niets betaald.", name=who)
