"""Rows of the overview about paydays: the next one of each company, and those that its payments propose."""

from collections.abc import Sequence

from flask import url_for
from flask_babel import gettext as _

from blueprints.payroll.presenters.payday import ahead_text, payday_name
from blueprints.web.authorization import MAY_PAY
from blueprints.web.formatters import day_and_month
from blueprints.web.parts import Task
from domain.payroll import paydays
from domain.payroll.paydays import ComingPayday, ProposedPayday
from models import Membership, PayrollCompany

MOST_SHOWN = 3


def payday_rows(membership: Membership) -> list[Task]:
    """Return the next paydays; and to those who may pay the ones that the payments propose."""
    proposed = paydays.proposed_paydays(membership.client) if membership.role in MAY_PAY else []
    return _rows(proposed, paydays.coming_paydays(membership.client))


def _rows(proposed: Sequence[ProposedPayday], coming: Sequence[ComingPayday]) -> list[Task]:
    asked = [_proposal_task(one) for one in proposed[:MOST_SHOWN]]
    return [*asked, *(_coming_task(one) for one in coming[:MOST_SHOWN])]


def _proposal_task(proposal: ProposedPayday) -> Task:
    title = _("Is %(day)s je betaaldag?", day=payday_name(proposal.payday))
    text = _("%(name)s. Bevestig de dag, dan stellen we die voor.", name=proposal.company.name)
    return Task(_url(proposal.company), "calendar", title, text, "accent")


def _coming_task(coming: ComingPayday) -> Task:
    title = _("Betaaldag %(day)s", day=day_and_month(coming.day))
    text = " · ".join((coming.company.name, ahead_text(coming.bank_days)))
    if not coming.run_late:
        return Task(_url(coming.company), "calendar", title, text)
    text = _("%(when)s. De salarisrun staat nog niet in Nmbrs.", when=text)
    return Task(_url(coming.company), "calendar", title, text, "warn")


def _url(company: PayrollCompany) -> str:
    return url_for("payroll.payday", company_id=company.id)
