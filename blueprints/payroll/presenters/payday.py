"""Texts about paydays: a payday in words, a proposal, and what comes next."""

from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.web.formatters import day_and_month, long_day, weekday
from domain.payments.paydays import MONTHLY, NO_PAYDAY, WEEKLY, Payday, parse_payday
from domain.payroll.paydays import ComingPayday, ProposedPayday


@dataclass(frozen=True)
class PresentedProposal:
    """A proposed payday with its button; `value` is submitted to confirm it."""

    title: str
    text: str
    button: str
    value: str


def payday_name(payday: Payday) -> str:
    """Return a payday in words: "de 25e", "de laatste bankdag", "elke vrijdag"."""
    if payday.kind == "last":
        return _("de laatste bankdag van de maand")
    if payday.is_monthly:
        return _("de %(number)se", number=payday.number)
    return _("elke %(weekday)s", weekday=weekday(payday.number))


def payday_choices() -> dict[str, str]:
    """Return the texts of the paydays that can be chosen, by what is stored."""
    texts = {NO_PAYDAY: _("geen vaste dag")} | {str(one): payday_name(one) for one in (*MONTHLY, *WEEKLY)}
    return {stored: text[:1].upper() + text[1:] for stored, text in texts.items()}


def payday_text(stored: str | None) -> str:
    """Return what is stored of a company, in words."""
    payday = parse_payday(stored)
    if payday is None:
        return _("geen vaste dag") if stored == NO_PAYDAY else _("nog niet gekozen")
    return payday_name(payday)


def present_proposal(proposal: ProposedPayday) -> PresentedProposal:
    """Return the question whether this is the payday."""
    days = [day_and_month(one) for one in proposal.days]
    return PresentedProposal(
        title=_("Is %(day)s je betaaldag?", day=payday_name(proposal.payday)),
        text=_("De laatste betalingen waren op %(some)s en %(last)s.", some=", ".join(days[:-1]), last=days[-1]),
        button=_("Ja, %(day)s", day=payday_name(proposal.payday)), value=str(proposal.payday),
    )  # fmt: skip


def coming_text(coming: ComingPayday) -> str:
    """Return when the next payday is."""
    day, ahead = long_day(coming.day), ahead_text(coming.bank_days)
    return _("De volgende betaaldag is %(day)s: %(ahead)s.", day=day, ahead=ahead)


def ahead_text(bank_days: int) -> str:
    if not bank_days:
        return _("vandaag")
    return ngettext("over %(num)s bankdag", "over %(num)s bankdagen", bank_days)
