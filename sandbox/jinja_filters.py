"""Jinja filters for amounts, IBANs, dates and times on the sandbox's pages."""

from datetime import date, datetime

from flask import Flask


def euro(cents: int) -> str:
    """Format 1980608 as € 19.806,08."""
    whole, rest = divmod(abs(cents), 100)
    sign = "-" if cents < 0 else ""
    return f"€\u00a0{sign}{whole:,}".replace(",", ".") + f",{rest:02d}"


def iban(text: str) -> str:
    """Format NL42INGB2268352412 as NL42 INGB 2268 3524 12."""
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))


def day(value: date | str) -> str:
    """Format a date as 24-11-2026."""
    moment = date.fromisoformat(value[:10]) if isinstance(value, str) else value
    return f"{moment:%d-%m-%Y}"


def moment(value: datetime | str) -> str:
    """Format a stored Amsterdam time as 23-11-2026 15:47:41."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{at:%d-%m-%Y %H:%M:%S}"


def setup(app: Flask) -> None:
    app.jinja_env.filters.update(euro=euro, iban=iban, day=day, moment=moment)
