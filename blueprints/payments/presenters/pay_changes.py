"""What changed since the payments before: one box with a summary, and each part of it opens to its people."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.payments.presenters.payees import MOST_ROWS
from blueprints.payments.presenters.status import NBSP
from blueprints.web.formatters import day_and_month, euro, full_date, month_name, number, signed_percent
from core.clock import today_amsterdam
from domain.payments.pay_changes import Change, ChangeKind, Changes, PaidPeriod
from domain.payments.payment_views import LineView, Payment
from domain.payments.shown_changes import counts_of

_LONG_AGO = timedelta(days=300)  # a month so long ago is named with its year


@dataclass(frozen=True)
class ChangeRow:
    """One person, and what changed. `url`: of their first line; "" if they have none here."""

    name: str
    url: str
    text: str


@dataclass(frozen=True)
class ChangePart:
    """Everybody of one kind. `others`: how many are not among `rows`."""

    title: str
    rows: list[ChangeRow]
    others: str


@dataclass(frozen=True)
class ChangeBox:
    """What changed. `summary` counts each part and says the change of the total; `total` says it in euros."""

    summary: str
    parts: list[ChangePart]
    total: str
    is_warning: bool


def present_changes(payment: Payment, url: Callable[..., str]) -> ChangeBox | None:
    """Return the box, or None if nothing is unusual. `url` makes URLs of this payment, as `PaymentSheet.url`."""
    changes = payment.changes
    if not changes.tells:
        return None
    parts = [part for kind in ChangeKind if (part := _part(kind, changes, payment, url))]
    return ChangeBox(summary(_counts(changes), percent_of_total(changes)), parts, _total(changes), _has_unpaid(changes))


def _has_unpaid(changes: Changes) -> bool:
    return bool(changes.unnamed or changes.of(ChangeKind.UNPAID))


def _counts(changes: Changes) -> dict[ChangeKind, int]:
    found = {kind: len(changes.of(kind)) for kind in ChangeKind}
    found[ChangeKind.UNPAID] += changes.unnamed
    return {kind: count for kind, count in found.items() if count}


def told_at_approval(payment: Payment) -> str:
    """Return in short what the approver was told, of a payment that is past its approval; "" if that was nothing."""
    told: dict[str, Any] | None = payment.approved_changes
    if not told:
        return ""
    now, before = told["total"]
    return summary(counts_of(told), percent_of_total(Changes(cents=now, before_cents=before)))


def summary(counts: dict[ChangeKind, int], percent: str) -> str:
    """Return the counts and the change of the total: "2 nieuw · 1 weg · 3 anders · totaal +2,1 %"."""
    told = [_count(kind, count) for kind, count in counts.items()]
    if percent:
        told.append(_("totaal %(percent)s", percent=percent))
    return " · ".join(one.replace(" ", NBSP) for one in told)  # lines break between the counts


def _count(kind: ChangeKind, count: int) -> str:
    return {
        ChangeKind.UNPAID: _("%(count)s zonder betaling", count=number(count)),
        ChangeKind.NEW: _("%(count)s nieuw", count=number(count)),
        ChangeKind.GONE: _("%(count)s weg", count=number(count)),
        ChangeKind.CHANGED: _("%(count)s anders", count=number(count)),
    }[kind]


def percent_of_total(changes: Changes) -> str:
    """Return the change of the total with its sign; "" if there is nothing to compare with."""
    if not changes.before_cents:
        return ""
    return signed_percent(round((changes.cents - changes.before_cents) * 1000 / changes.before_cents))


def _total(changes: Changes) -> str:
    if changes.against is None:
        return ""
    return _(
        "Totaal van de run: %(now)s. %(when)s: %(before)s.", now=euro(changes.cents),
        before=euro(changes.before_cents), when=capitalised(when(changes.against)),
    )  # fmt: skip


def capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def when(paid: PaidPeriod) -> str:
    """Return the period in words: "in oktober" where it is a month, else its day of payment: "op 24 oktober"."""
    period, long_ago = paid.period, today_amsterdam() - paid.day > _LONG_AGO
    if not _is_month(paid):
        return _("op %(day)s", day=full_date(paid.day) if long_ago else day_and_month(paid.day))
    name = month_name(period.first)
    return _("in %(month)s", month=f"{name} {period.year}" if long_ago else name)


def _is_month(paid: PaidPeriod) -> bool:
    """Return whether the period is the month of its number: one period, paid in the second half of that month or in the
    first half of the next. Nmbrs does not say whether periods are months, weeks or four weeks.
    """
    number_of, day = paid.period.first, paid.day
    if paid.period.last != number_of:
        return False
    months = (day.year - paid.period.year) * 12 + day.month - number_of
    return (months, day.day > 9) == (0, True) or (months, day.day <= 15) == (1, True)


# --- people ---------------------------------------------------------------------------------------
def _part(kind: ChangeKind, changes: Changes, payment: Payment, url: Callable[..., str]) -> ChangePart | None:
    """Return the people of one kind. Who is new and asked about in a box of their own is not named here again."""
    found = changes.of(kind)
    asked = {one.finding.line for one in payment.payees if one.finding.must_be_answered}
    if not found or (kind is ChangeKind.NEW and all(asked.intersection(one.lines) for one in found)):
        return None
    more = len(found) - MOST_ROWS
    return ChangePart(
        _count(kind, len(found)), [_row(one, payment, url) for one in found[:MOST_ROWS]],
        _("en nog %(count)s", count=number(more)) if more > 0 else "",
    )  # fmt: skip


def _row(one: Change, payment: Payment, url: Callable[..., str]) -> ChangeRow:
    is_here = one.kind in (ChangeKind.NEW, ChangeKind.CHANGED)
    first = next((line for line in payment.lines if line.id == one.lines[0]), None) if is_here else None
    return ChangeRow(one.written, f"#regel-{first.id}" if first else "", _sentence(one))


def _sentence(one: Change) -> str:
    if one.kind is ChangeKind.CHANGED and one.against:
        return _("%(difference)s: %(now)s in plaats van %(before)s.", difference=difference(one), now=euro(one.cents),
                 before=euro(one.before_cents))  # fmt: skip
    if one.kind is ChangeKind.NEW:
        if one.last_paid is None:
            return _("Voor het eerst betaald: %(now)s.", now=euro(one.cents))
        return _("Weer betaald: %(now)s. De vorige keer was op %(day)s.", now=euro(one.cents),
                 day=full_date(one.last_paid))  # fmt: skip
    before = _("%(when)s: %(before)s.", when=capitalised(when(one.against)),
               before=euro(one.before_cents)) if one.against else ""  # fmt: skip
    if one.kind is ChangeKind.UNPAID:
        told = _("Staat in de salarisrun, maar niet in het betaalbestand. Controleer dit in Nmbrs.")
        return f"{told} {before}".strip()
    return before


def difference(one: Change) -> str:
    """Return how much more or less somebody gets: "€ 312,00 meer dan in oktober"."""
    if one.against is None:
        return ""
    cents, before = one.cents - one.before_cents, when(one.against)
    if cents > 0:
        return _("%(sum)s meer dan %(when)s", sum=euro(cents), when=before)
    return _("%(sum)s minder dan %(when)s", sum=euro(-cents), when=before)


def remark_on(line: LineView, payment: Payment) -> str:
    """Return what a line says of a change in pay; "" if nothing. Of several lines of a person, only the first does."""
    one = next((one for one in payment.changes.of(ChangeKind.CHANGED) if one.lines[0] == line.id), None)
    if one is None:
        return ""
    if len(one.lines) == 1:
        return difference(one)
    return ngettext(
        "Samen met %(num)s andere regel: %(difference)s", "Samen met %(num)s andere regels: %(difference)s",
        len(one.lines) - 1, difference=difference(one),
    )  # fmt: skip
