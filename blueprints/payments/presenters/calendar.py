"""The calendar of execution dates and the list of accounts, for the page that changes a payment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _

from blueprints.payments.presenters.status import balance
from blueprints.web.formatters import moment
from core.clock import today_amsterdam
from domain.banking.bank_accounts import AccountView
from domain.payments.execution_dates import CalendarDay


@dataclass(frozen=True)
class CalendarMonth:
    """One month: weeks from Monday, and URLs of the adjacent months, "" if no date can be chosen there.

    `today_url` leads to the current month; "" if that is shown. `kept`: the chosen date, if it is in another month.
    """

    month: date
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
    iban: str
    balance: str
    balance_moment: str
    too_low: bool
    chosen: bool


def present_calendar(
    month: date, weeks: Sequence[Sequence[CalendarDay]], chosen: date, url: Callable[..., str]
) -> CalendarMonth:
    """Return the month. `url` makes URLs of this payment, as `PaymentSheet.url`."""
    today = today_amsterdam()
    previous, following = neighbour_month(month, -1), neighbour_month(month, 1)
    this_month = f"{today:%Y-%m}"
    elsewhere = chosen >= today and not any(one.date == chosen for week in weeks for one in week)
    return CalendarMonth(
        month=month,
        weeks=weeks,
        previous_url=url("change", maand=previous) if previous else "",
        next_url=url("change", maand=following) if following else "",
        today=today,
        today_url="" if f"{month:%Y-%m}" == this_month else url("change", maand=this_month),
        kept=chosen if elsewhere else None,
    )


def present_account(account: AccountView, total_cents: int, chosen_id: int | None) -> AccountChoice:
    """Return an account to choose; `total_cents` is the amount to pay."""
    cents = account.balance_cents
    return AccountChoice(
        account.id, account.name, account.iban, balance(account),
        _("saldo van %(moment)s", moment=moment(account.balance_at)) if account.balance_at else "",
        cents is not None and cents < total_cents, account.id == chosen_id,
    )  # fmt: skip


def month_of(text: str | None, chosen: date) -> date:
    """Return the first day of the requested month, limited to the year in which a date can be chosen."""
    try:
        month = date.fromisoformat(f"{text}-01") if text else chosen.replace(day=1)
    except ValueError:
        month = chosen.replace(day=1)
    first, last = _months()
    return min(max(month, first), last)


def _months() -> tuple[date, date]:
    now = today_amsterdam().replace(day=1)
    return now, now.replace(year=now.year + 1)


def neighbour_month(month: date, step: int) -> str:
    """Return the month before (-1) or after (1) as YYYY-MM; "" if no date can be chosen there."""
    number = month.year * 12 + month.month - 1 + step
    beside, (first, last) = date(number // 12, number % 12 + 1, 1), _months()
    return f"{beside:%Y-%m}" if first <= beside <= last else ""
