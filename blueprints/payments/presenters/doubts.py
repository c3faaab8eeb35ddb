"""Questions about the payroll run that hold a payment: who asked what, who is to answer, and what was answered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.payments.presenters.warnings import row_url
from blueprints.web.formatters import euro, full_date
from domain.payments.line_doubts import StandingDoubt
from domain.payments.payment_views import Payment
from models import User


@dataclass(frozen=True)
class PresentedDoubt:
    """One question. `url`: of the line; `answer_url`: of the answer; `go_on_url`: "" for who may not pay.

    `mine`: the reader is to answer. `is_rerun`: the run is being run again.
    """

    line: int
    title: str
    question: str
    answer: str
    mine: bool
    is_rerun: bool
    url: str
    answer_url: str
    go_on_url: str


def present_doubts(
    payment: Payment, asked: Mapping[int, Sequence[User]], reader: User, can_pay: bool, url: Callable[..., str]
) -> list[PresentedDoubt]:  # fmt: skip
    """Return the questions, ordered as the page is. `asked`: of whom an answer is asked, by line. `url` makes URLs.
    """
    return [
        PresentedDoubt(
            one.line, _("Klopt %(sum)s voor %(name)s?", name=one.name, sum=euro(one.amount_cents)), _question(one),
            _answer(one, asked[one.line], reader), _is_mine(one, asked[one.line], reader), one.answered_by is not None,
            row_url(one.line, one.place, payment, url), url("answer_doubt", line_id=one.line),
            url("go_on", line_id=one.line) if can_pay else "",
        )
        for one in payment.doubts
    ]  # fmt: skip


def _question(one: StandingDoubt) -> str:
    return _("%(who)s vroeg op %(day)s: “%(words)s”", words=one.words, who=one.asked_by.name,
             day=full_date(one.asked_at))  # fmt: skip


def _answer(one: StandingDoubt, asked: Sequence[User], reader: User) -> str:
    """Return what was answered; before that, who is to answer."""
    if one.answered_by is not None:
        told = _("%(who)s draait de run opnieuw in Nmbrs.", who=one.answered_by.name)
        return f"{told} “{one.answer}”" if one.answer else told
    if reader in asked:
        return _("De betaling wacht op jouw antwoord.")
    if not asked:
        return _("De betaling wacht tot je dit hebt gecontroleerd.")
    return _("De betaling wacht op antwoord van %(who)s.", who=either(asked))


def _is_mine(one: StandingDoubt, asked: Sequence[User], reader: User) -> bool:
    return one.answered_by is None and (reader in asked or not asked)


def either(people: Sequence[User]) -> str:
    """Return the names of people of whom one is enough."""
    names = [one.name for one in people]
    return _("%(names)s of %(last)s", names=", ".join(names[:-1]), last=names[-1]) if names[1:] else names[0]


def who_is_told(people: Sequence[User]) -> str:
    """Return what happens after a question of which these people are asked for an answer."""
    if not people:
        return _("De hele betaling wacht tot je dit hebt gecontroleerd.")
    names = ", ".join(one.name for one in people)
    told = ngettext("%(names)s krijgt een mail.", "%(names)s krijgen een mail.", len(people), names=names)
    waits = _("De hele betaling wacht op het antwoord.")
    return f"{waits} {told}"


def answer_label(doubts: Sequence[PresentedDoubt]) -> str:
    """Return what the payment waits for, if it is more than an answer of somebody else; else ""."""
    if any(one.mine for one in doubts):
        return _("Beantwoord eerst de vraag")
    return _("Wacht op de nieuwe salarisrun") if doubts and all(one.is_rerun for one in doubts) else ""


def doubts_now(payment: Payment) -> tuple[int, int]:
    """Return what changes without this person: how many questions stand, and how many of them were answered."""
    return len(payment.doubts), sum(one.answered_by is not None for one in payment.doubts)
