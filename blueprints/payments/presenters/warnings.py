"""What is unusual about a payment, said before its lines: the gravest first; and what has to be read first."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.context import day, euro, moment
from blueprints.payments.presenters.status import NBSP, STATES
from core.clock import today_amsterdam
from core.iban import grouped
from domain.cautions import Caution
from domain.found_lines import page_of
from domain.payments import LineView, Payment


@dataclass(frozen=True)
class Warning:
    """Something unusual, said before the lines; `lines` are those that it is about, `others` how many more."""

    tone: str
    title: str
    text: str
    lines: Sequence[LineView] = ()
    others: int = 0


def warnings(payment: Payment, problem: str = "") -> list[Warning]:
    """What is unusual about a payment that can still be changed, the gravest first.

    Beside a problem that has just been said, the limit is not said once more.
    """
    if payment.state not in ("open", "approved"):
        return []
    first = (_day_gone,) if problem else (_day_gone, _over_limit)
    looks = (_run_missing, *first, _short_of_money, _other_debtor, _missing_people, _spelt)
    return [found for look in looks if (found := look(payment)) is not None]


def _run_missing(payment: Payment) -> Warning | None:
    if not payment.run_missing:
        return None
    text = _("We kijken het zo nog eens na. Tot dan kan deze betaling niet worden goedgekeurd; er is niets betaald.")
    return Warning("bad", _("Deze run staat niet meer in Nmbrs"), text)


def _day_gone(payment: Payment) -> Warning | None:
    if payment.execution_date >= today_amsterdam():
        return None
    return Warning("warn", _("De gekozen dag is voorbij"), _("Kies een andere dag voordat je betaalt."))


def _over_limit(payment: Payment) -> Warning | None:
    limit = payment.account.limit_payment_cents
    if payment.total_cents <= limit:
        return None
    text = _(
        "De limiet van deze rekening is %(limit)s per betaling. Vraag een hogere limiet aan via %(mail)s.",
        limit=euro(limit), mail=current_app.config["SUPPORT_EMAIL"],
    )  # fmt: skip
    return Warning("warn", _("Boven je betaallimiet"), text)


def _short_of_money(payment: Payment) -> Warning | None:
    account = payment.account
    if account.balance_cents is None or account.balance_at is None or account.balance_cents >= payment.total_cents:
        return None
    text = _(
        "Op %(name)s stond %(balance)s (%(moment)s). Dat is minder dan deze betaling.",
        name=account.name, balance=euro(account.balance_cents), moment=moment(account.balance_at),
    )  # fmt: skip
    return Warning("warn", _("Misschien te weinig saldo"), text)


def _other_debtor(payment: Payment) -> Warning | None:
    if not payment.debtor_differs:
        return None
    text = _(
        "In Nmbrs staat een andere bankrekening dan %(iban)s, de rekening waarvan je nu betaalt.",
        iban=grouped(payment.account.iban).replace(" ", NBSP),
    )
    return Warning("warn", _("Andere rekening dan in Nmbrs"), text)


def _missing_people(payment: Payment) -> Warning | None:
    count, names = payment.missing_count, payment.missing_names or ()
    if not count:
        return None
    title = ngettext(
        "%(num)s medewerker staat niet in het betaalbestand",
        "%(num)s medewerkers staan niet in het betaalbestand", count,
    )  # fmt: skip
    if not names or "?" in names:
        return Warning("warn", title, _("Ze zitten wel in de salarisrun. Kijk in Nmbrs of dat klopt."))
    told = _("%(names)s: wel in de salarisrun, geen betaling. Kijk in Nmbrs of dat klopt.", names=", ".join(names))
    return Warning("warn", title, told)


def _spelt(payment: Payment) -> Warning | None:
    count = payment.spelt_count
    if not count:
        return None
    title = ngettext("%(num)s regel leest de bank anders", "%(num)s regels leest de bank anders", count)
    text = _(
        "Banken kennen niet elk teken, of je nam de naam van de bank over. "
        "Bij de regel staat hoe de bank het leest."
    )
    return Warning("info", title, text, payment.spelt, count - len(payment.spelt))


def overpaid(payment: Payment) -> list[str]:
    """What went out for this run and is no longer in it: nobody takes that back but people."""
    return [
        _("%(name)s (%(iban)s) kreeg %(sum)s meer dan de run nu zegt.", name=name, sum=euro(cents),
          iban=grouped(iban).replace(" ", NBSP))
        for name, iban, cents in payment.overpaid
    ]  # fmt: skip


def caution_title(caution: Caution) -> str:
    """The one line about something that has to be read first."""
    return {
        "difference": _("Deze run is al eerder betaald"),
        "period_twice": _("Voor deze periode is er nog een betaling"),
        "picked": _("Deze run is van vóór de koppeling"),
    }[caution.kind]


def caution_text(caution: Caution) -> str:
    """What it means, and what to look at."""
    if caution.kind == "picked":
        return _("Misschien is hij al op een andere manier betaald. Kijk dat na voordat je betaalt.")
    stands = str(STATES[caution.state][0]) if caution.state else ""
    sum_then, when = euro(caution.total_cents), day(caution.at) if caution.at else ""
    if caution.kind == "period_twice":
        return _(
            "Er is ook een betaling van %(sum)s (%(stands)s, %(when)s) voor dezelfde administratie en periode. "
            "Kijk na of beide kloppen, anders krijgen mensen dubbel betaald.",
            sum=sum_then, stands=stands, when=when,
        )  # fmt: skip
    return _(
        "De run is opnieuw gedraaid nadat een betaling van %(sum)s al was verstuurd (%(stands)s, %(when)s). "
        "Hier staat alleen wat er nog verschilt.",
        sum=sum_then, stands=stands, when=when,
    )  # fmt: skip


def paid_before(row: LineView) -> str:
    """What this account got for the run before, and what it should get in all."""
    if row.paid_cents is None:
        return ""
    whole = euro(row.paid_cents + row.amount_cents)
    return _("Al betaald: %(paid)s. Nu in totaal: %(whole)s.", paid=euro(row.paid_cents), whole=whole)


def read_as(row: LineView) -> list[str]:
    """Name and description as the bank gets them, where they differ from what Nmbrs wrote."""
    pairs = ((row.name, row.name_sent), (row.description, row.description_sent))
    return [sent for shown, sent in pairs if shown != sent]


def to_line(row: LineView, payment: Payment, here: str) -> str:
    """The address of a line of a payment that is open: on this page, or on its own."""
    if any(one.id == row.id for one in payment.lines):
        return f"#regel-{row.id}"
    return f"{here}?blad={page_of(row.position)}#regel-{row.id}"
