"""Jinja filters and values: money, numbers, accounts and dates in the language of the page."""

import re
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent
from flask import Flask, current_app, g

from blueprints.web.forms import field_attributes
from blueprints.web.i18n import language
from core.clock import amsterdam
from core.iban import format_iban
from core.money import cents

MINUS = "\N{MINUS SIGN}"  # as wide as a plus; the sign stands before the amount, as "+" does
_WRITTEN_AS = {"nl": "nl", "en": "en_GB"}
_DAY = {"nl": "%d-%m-%Y", "en": "%d/%m/%Y"}  # The CLDR date patterns, with two digits for day and month.


def _locale() -> str:
    return _WRITTEN_AS[language()]


def _date(value: date | str) -> date:
    if isinstance(value, str):  # An email template's date, stored as ISO text.
        return date.fromisoformat(value)
    return amsterdam(value).date() if isinstance(value, datetime) else value


def euro(total: int) -> str:
    """Format cents as euros: "€ 19.806,08" in Dutch, with a no-break space, "€19,806.08" in English; "−€ 19.806,08"
    below zero.
    """
    text = format_currency(Decimal(abs(total)) / 100, "EUR", locale=_locale())
    return f"{MINUS}{text}" if total < 0 else text


def signed_euro(total: int) -> str:
    """Format what was booked: "+€ 7.315,40" or "−€ 318,25"."""
    return f"+{euro(total)}" if total > 0 else euro(total)


def amount(total: int) -> str:
    """Format cents without the currency symbol."""
    return _amount(total, _locale())


@lru_cache(maxsize=4096)
def _amount(total: int, locale: str) -> str:
    return format_decimal(Decimal(total) / 100, "#,##0.00", locale=locale)


def read_amount(text: str) -> int | None:
    """Parse an amount as typed in the language of the page; return cents, or None if it is invalid."""
    groups, comma = (".", ",") if language() == "nl" else (",", ".")
    thousands = rf"[0-9]{{1,3}}(?:{re.escape(groups)}[0-9]{{3}}){{1,2}}"
    if not re.fullmatch(rf"(?:[0-9]{{1,9}}|{thousands})(?:{re.escape(comma)}[0-9]{{2}})?", text):
        return None
    return cents(text.replace(groups, "").replace(comma, "."))


def number(count: int) -> str:
    """Format a number: "12.345" in Dutch, "12,345" in English."""
    return format_decimal(count, locale=_locale())


def signed_percent(tenths: int) -> str:
    """Format tenths of a percent with their sign: "+2,1%" in Dutch, "+2.1%" in English; 0 as "0%"."""
    sign = {True: "+", False: "−"}[tenths > 0] if tenths else ""
    return sign + format_percent(Decimal(abs(tenths)) / 1000, "#,##0.#%", locale=_locale())


def day(value: date) -> str:
    """Format a short day: "di 24 nov." (Dutch puts a point after a shortened month)."""
    value = _date(value)
    text = format_date(value, "EEE d MMM", locale=_locale())
    whole = format_date(value, "MMMM", locale=_locale())
    return text if text.endswith((whole, ".")) or language() != "nl" else f"{text}."


def long_day(value: date | str) -> str:
    """Format a whole day: "dinsdag 24 november 2020"."""
    return format_date(_date(value), "EEEE d MMMM y", locale=_locale())


def full_date(value: date) -> str:
    """Format a day with its year: "24 november 2020"."""
    return format_date(_date(value), "d MMMM y", locale=_locale())


def country(code: str) -> str:
    """Return the name of a country by its code of two letters (ISO 3166); the code itself if it has none."""
    return Locale.parse(_locale()).territories.get(code, code)


def day_and_month(value: date) -> str:
    """Format a day and month: "24 november"."""
    return format_date(_date(value), "d MMMM", locale=_locale())


def weekday(number: int) -> str:
    """Return the name of a day of the week; 0 is Monday."""
    return format_date(date(2024, 1, 1 + number), "EEEE", locale=_locale())  # 1 January 2024 was a Monday


def month(value: date) -> str:
    """Format a calendar's heading: "november 2020"."""
    return format_date(_date(value), "LLLL y", locale=_locale())


def month_name(month: int) -> str:
    """Format a month by its number in the year: "november"."""
    return format_date(date(2000, month, 1), "LLLL", locale=_locale())


def short_month(value: date) -> str:
    """Format a shortened month without its year, and without a point: "nov"."""
    return format_date(_date(value), "LLL", locale=_locale()).rstrip(".")


def moment(value: datetime) -> str:
    """Format a moment in Amsterdam time: "13-11-2020 15:47" (13/11/2020 in English)."""
    return f"{amsterdam(value):{_DAY[language()]} %H:%M}"


def datetime_seconds(value: datetime) -> str:
    """Format a moment with seconds: "13-11-2020 15:47:41"."""
    return f"{amsterdam(value):{_DAY[language()]} %H:%M:%S}"


def _values() -> dict[str, object]:
    """Register the filters and values that templates use."""
    return {
        "client": g.get("client"), "support_email": current_app.config["SUPPORT_EMAIL"], "lang": language(),
        "recent_clients": (), "payments_waiting": 0,
    }


def init_context(app: Flask) -> None:
    """Adds the filters and values that templates count on."""
    for function in (amount, euro, number, format_iban, day, long_day, month, short_month, moment, datetime_seconds):
        app.jinja_env.filters[function.__name__] = function
    app.jinja_env.globals["field_attributes"] = field_attributes
    app.context_processor(_values)
