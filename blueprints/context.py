"""What every template may use: how money, accounts and days are written, and who is looking."""

from datetime import date, datetime

from babel.dates import format_date
from babel.numbers import format_decimal
from flask import Flask, current_app, g
from flask_babel import get_locale

from core.clock import amsterdam
from core.iban import grouped
from core.money import dutch, euro


def language() -> str:
    """The language of this page: nl or en."""
    locale = get_locale()
    return locale.language if locale else "nl"


def _date(value: date) -> date:
    return amsterdam(value).date() if isinstance(value, datetime) else value


def day(value: date) -> str:
    """di 24 nov. (Dutch puts a point behind a month that is cut short)."""
    value = _date(value)
    text = format_date(value, "EEE d MMM", locale=language())
    whole = format_date(value, "MMMM", locale=language())
    return text if text.endswith((whole, ".")) or language() != "nl" else f"{text}."


def long_day(value: date) -> str:
    """dinsdag 24 november 2020."""
    return format_date(_date(value), "EEEE d MMMM y", locale=language())


def day_and_month(value: date) -> str:
    """24 november."""
    return format_date(_date(value), "d MMMM", locale=language())


def month(value: date) -> str:
    """november 2020, over a calendar."""
    return format_date(_date(value), "LLLL y", locale=language())


def moment(value: datetime) -> str:
    """13-11-2020 15:47, on the clock in Amsterdam."""
    return amsterdam(value).strftime("%d-%m-%Y %H:%M")


def second(value: datetime) -> str:
    """13-11-2020 15:47:41, as the manual shows the history."""
    return amsterdam(value).strftime("%d-%m-%Y %H:%M:%S")


def number(value: int) -> str:
    """5.000 (5,000 in English)."""
    return format_decimal(value, locale=language())


def _values() -> dict[str, object]:
    return {"client": g.get("client"), "support_email": current_app.config["SUPPORT_EMAIL"], "lang": language()}


def init_context(app: Flask) -> None:
    """Adds the filters and values that templates count on."""
    for function in (dutch, euro, grouped, day, long_day, month, moment, number, second):
        app.jinja_env.filters[function.__name__] = function
    app.context_processor(_values)
