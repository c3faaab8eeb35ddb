"""What is unusual about a payment, most serious first, and the warnings that must be read before paying."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.payments.actions import EDITABLE
from blueprints.payments.presenters.status import NBSP, STATES, date_in_full
from blueprints.payroll.presenters.held_lines import caution_text, held_title, left_out_text
from blueprints.web.formatters import day, day_and_month, euro, moment, number
from blueprints.web.parts import Link
from core.clock import today_amsterdam
from core.iban import format_iban
from domain.banking.bank_accounts import may_pay
from domain.payments.coverage import Shortfall
from domain.payments.line_search import REMARKED, page_of_place
from domain.payments.payment_views import LineView, Payment
from domain.payments.warnings import PaymentWarning, name


@dataclass(frozen=True)
class Notice:
    """Something unusual, shown above the lines. `lines` are the affected ones, `others` the number of further ones."""

    tone: str
    title: str
    text: str
    lines: Sequence[LineView] = ()
    others: int = 0


@dataclass(frozen=True)
class LinkedNotice:
    """A notice for a template: links to the lines, and a link for the further ones."""

    tone: str
    title: str
    text: str
    lines: list[Link]
    others: Link | None


@dataclass(frozen=True)
class PresentedWarning:
    """A warning that must be read before paying. `key` is submitted to acknowledge it.

    `url` leads to the other payment concerned; "" if there is none.
    """

    key: str
    tone: str
    title: str
    text: str
    url: str


def find_notices(payment: Payment, problem: str = "") -> list[Notice]:
    """Return the notices of an editable payment, most serious first.

    With a `problem` already shown, the limit is not repeated.
    """
    if payment.state not in EDITABLE:
        return []
    first = (_date_passed,) if problem else (_date_passed, _over_limit)
    account = (_balance_too_low, _other_account)
    checks = (_run_missing, _g_account, _tax_late, *first, *account, _left_out, _converted_lines)
    found = [notice for check in checks if (notice := check(payment)) is not None]
    return [*found, *(Notice(*caution_text(code, numbers)) for code, numbers in payment.run_cautions)]


def present_notice(notice: Notice, payment: Payment, url: Callable[..., str]) -> LinkedNotice:
    """Return the notice with links. `url` makes URLs of this payment, as `PaymentSheet.url`."""
    others = Link(_("en %(count)s andere", count=number(notice.others)), url(bij=REMARKED)) if notice.others else None
    lines = [Link(row.name, line_url(row, payment, url)) for row in notice.lines]
    return LinkedNotice(notice.tone, notice.title, notice.text, lines, others)


def _run_missing(payment: Payment) -> Notice | None:
    if not payment.run_missing:
        return None
    text = _("We controleren dit straks opnieuw. Tot dan kun je deze betaling niet goedkeuren. Er is niets betaald.")
    return Notice("bad", _("Deze run staat niet meer in Nmbrs"), text)


def _g_account(payment: Payment) -> Notice | None:
    if may_pay(payment.account.iban, payment.kind):
        return None
    text = _("Van een G-rekening betaal je alleen loonheffing en btw. Kies een andere rekening voordat je betaalt.")
    return Notice("bad", _("Dit is een G-rekening"), text)


def _tax_late(payment: Payment) -> Notice | None:
    if payment.pay_by is None or payment.execution_date <= payment.pay_by:
        return None
    title, last = _("Te laat voor de Belastingdienst"), date_in_full(payment.pay_by)
    if payment.date_fixed and payment.pay_by >= today_amsterdam():
        return Notice("bad", title, _("De loonheffing moet er uiterlijk %(day)s zijn. Kies een eerdere dag.", day=last))
    return Notice("warn", title, _("De uiterste dag is %(day)s. Betaal zo snel mogelijk.", day=last))


def _date_passed(payment: Payment) -> Notice | None:
    if payment.execution_date >= today_amsterdam():
        return None
    return Notice("warn", _("De gekozen dag is voorbij"), _("Kies een andere dag voordat je betaalt."))


def _over_limit(payment: Payment) -> Notice | None:
    limit = payment.account.limit_payment_cents
    if payment.total_cents <= limit:
        return None
    text = _(
        "De limiet van deze rekening is %(limit)s per betaling. Vraag een hogere limiet aan via %(mail)s.",
        limit=euro(limit), mail=current_app.config["SUPPORT_EMAIL"],
    )  # fmt: skip
    return Notice("warn", _("Boven je betaallimiet"), text)


def _balance_too_low(payment: Payment) -> Notice | None:
    lacking = payment.shortfall
    if lacking is None:
        return None
    text = " ".join((shortfall_text(lacking), _("Vul je saldo aan of kies een andere dag of rekening.")))
    return Notice("warn", shortfall_title(lacking), text)


def shortfall_title(lacking: Shortfall) -> str:
    """Return how much an account lacks, and on which day."""
    return _("%(sum)s te kort op %(day)s", sum=euro(lacking.cents), day=day_and_month(lacking.day).replace(" ", NBSP))


def shortfall_text(lacking: Shortfall) -> str:
    """Return what the account held when, and what else goes from it."""
    stood = _("Op %(name)s stond %(balance)s (%(moment)s).", name=lacking.account_name,
              balance=euro(lacking.balance_cents), moment=moment(lacking.balance_at))  # fmt: skip
    if not lacking.others_cents:
        return stood
    others = _("Andere betalingen tot en met die dag: %(sum)s.", sum=euro(lacking.others_cents))
    return f"{stood} {others}"


def _other_account(payment: Payment) -> Notice | None:
    if not payment.debtor_differs:
        return None
    text = _(
        "In Nmbrs staat een andere bankrekening dan %(iban)s, waarvan je nu betaalt.",
        iban=format_iban(payment.account.iban).replace(" ", NBSP),
    )
    return Notice("warn", _("Andere rekening dan in Nmbrs"), text)


def _left_out(payment: Payment) -> Notice | None:
    return Notice("info", *left_out_text(payment.beside.left_out)) if payment.beside.left_out else None


def _converted_lines(payment: Payment) -> Notice | None:
    count = payment.spelt_count
    if not count:
        return None
    title = ngettext("De bank schrijft %(num)s naam anders", "De bank schrijft %(num)s namen anders", count)
    text = _(
        "Niet elke bank ondersteunt alle tekens. Per regel zie je hoe de naam aankomt."
    )
    return Notice("info", title, text, payment.spelt, count - len(payment.spelt))


def overpaid(payment: Payment) -> list[str]:
    """Return who was paid more than the current run says. Nothing is reclaimed automatically."""
    return [
        _("%(name)s (%(iban)s) kreeg %(sum)s te veel.", name=name, sum=euro(cents),
          iban=format_iban(iban).replace(" ", NBSP))
        for name, iban, cents in payment.overpaid
    ]  # fmt: skip


def present_warning(caution: PaymentWarning, payment_url: Callable[[str], str]) -> PresentedWarning:
    """Return a warning for a page. `payment_url` makes the URL of a payment from its reference."""
    return PresentedWarning(
        key=name(caution), tone="warn" if caution.opened else "bad", title=warning_title(caution),
        text=warning_text(caution), url=payment_url(caution.about) if caution.state else "",
    )  # fmt: skip


def warning_title(caution: PaymentWarning) -> str:
    """Return the title of a warning."""
    return {
        "held": held_title(caution.count),
        "excess": _("Meer dan er betaald moet worden"),
        "difference": _("Deze run is al eerder betaald"),
        "period_twice": _("Voor deze periode is er nog een betaling"),
        "picked": _("Deze run is van vóór de koppeling"),
    }[caution.kind]


def warning_text(caution: PaymentWarning) -> str:
    """Return what a warning means, and what to check."""
    if caution.kind == "picked":
        return _("Misschien is deze run al op een andere manier betaald. Controleer dat voordat je betaalt.")
    if caution.kind == "excess":
        return _(
            "Deze betaling komt boven op wat er volgens Nmbrs betaald moet worden: %(given)s van %(owed)s is al "
            "betaald of onderweg. Toegestaan door %(people)s. Reden: %(reason)s",
            given=euro(caution.total_cents), owed=euro(caution.owed_cents), reason=caution.reason,
            people=_("%(some)s en %(last)s", some=caution.people[0], last=caution.people[1]),
        )  # fmt: skip
    if caution.kind == "held":
        return _("Deze regel blijft open en wordt nu niet betaald. De andere regels kun je wel betalen.")
    stands = str(STATES[caution.state][0]) if caution.state else ""
    sum_then, when = euro(caution.total_cents), day(caution.at) if caution.at else ""
    if caution.kind == "period_twice":
        return _(
            "Er is ook een betaling van %(sum)s (%(stands)s, %(when)s) voor dezelfde administratie en periode. "
            "Controleer of beide kloppen, anders wordt er dubbel betaald.",
            sum=sum_then, stands=stands, when=when,
        )  # fmt: skip
    return _(
        "Voor deze run is al een betaling van %(sum)s verstuurd (%(stands)s, %(when)s). Hier staat alleen wat er "
        "nog betaald moet worden.",
        sum=sum_then, stands=stands, when=when,
    )  # fmt: skip


def line_url(row: LineView, payment: Payment, url: Callable[..., str]) -> str:
    """Return the URL of a line: on this page, or on the page of lines that contains it."""
    return row_url(row.id, row.place, payment, url)


def row_url(line_id: int, place: int, payment: Payment, url: Callable[..., str]) -> str:
    """`line_url` of a line that was not read."""
    anchor = f"regel-{line_id}"
    if any(one.id == line_id for one in payment.lines):
        return f"#{anchor}"
    return url(blad=page_of_place(place), _anchor=anchor)
