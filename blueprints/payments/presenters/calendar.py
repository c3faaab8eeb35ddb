"""The calendar of execution dates and the list of accounts, for the page that changes a payment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask_babel import gettext as _

from blueprints.payments.presenters.status import balance
from blueprints.web.formatters import moment, month, short_month
from core.clock import today_amsterdam
from domain.banking.bank_accounts import AccountView
from domain.payments.execution_dates import MAX_DAYS_AHEAD, CalendarDay, calendar_start


@dataclass(frozen=True)
class CalendarPage:
    """Five weeks from Monday, and the URLs of the pages before and after, "" if no date can be chosen there.

    `title`: the months shown. `today_url` leads to the first page; "" if that is shown. `kept`: the chosen date, if it
    is on another page.
    """

    title: str
    weeks: Sequence[Sequence[CalendarDay]]
    previous_url: str
    next_url: str
    today: date
    today_url: str
    kept: date | None


@dataclass(frozen=True)
class AccountChoice:
    """A payable account. `too_low`: its balance is lower than the payment."""

    id: int
    name: str
    bank_name: str
    iban: str
    balance: str
    balance_moment: str
    too_low: bool
    chosen: bool


def present_calendar(
    weeks: Sequence[Sequence[CalendarDay]], chosen: date, url: Callable[..., str]
) -> CalendarPage:
    """Return the calendar page. `url` makes URLs of this payment, as `PaymentSheet.url`."""
    today, first, last = today_amsterdam(), weeks[0][0].date, weeks[-1][-1].date
    before, after = first - timedelta(days=1), last + timedelta(days=1)
    elsewhere = chosen >= today and not first <= chosen <= last
    return CalendarPage(
        title=_months(max(first, today), last),
        weeks=weeks,
        previous_url=url("change", vanaf=before) if before >= today else "",
        next_url="" if last >= today + MAX_DAYS_AHEAD else url("change", vanaf=after),
        today=today,
        today_url="" if first <= today else url("change", vanaf=today),
        kept=chosen if elsewhere else None,
    )


def _months(first: date, last: date) -> str:
    """Return the months from `first` to `last`: "november 2026", "nov – dec 2026", "nov 2026 – jan 2027"."""
    if (first.year, first.month) == (last.year, last.month):
        return month(last)
    year = f" {first.year}" if first.year != last.year else ""
    return f"{short_month(first)}{year} – {short_month(last)} {last.year}"


def present_account(account: AccountView, total_cents: int, chosen_id: int | None) -> AccountChoice:
    """Return an account to choose; `total_cents` is the amount to pay."""
    cents = account.balance_cents
    return AccountChoice(
        account.id, account.name, account.bank_name, account.iban, balance(account),
        _("saldo van %(moment)s", moment=moment(account.balance_at)) if account.balance_at else "",
        cents is not None and cents < total_cents, account.id == chosen_id,
    )  # fmt: skip


def first_monday(asked: str | None, chosen: date) -> date:
    """Return the Monday with which the requested calendar page begins; that of the chosen date if it is no date."""
    try:
        return calendar_start(date.fromisoformat(asked) if asked else chosen)
    except ValueError:
        return calendar_start(chosen)
