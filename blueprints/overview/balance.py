"""Rows of the overview about accounts that will lack money for the payments that are known."""

from flask import url_for

from blueprints.payments.presenters.warnings import shortfall_text, shortfall_title
from blueprints.web.parts import Task
from domain.payments.coverage import Shortfall, shortfalls
from models import Client


def balance_rows(client: Client) -> list[Task]:
    """Return a row for each account that will lack money; none while there is enough, or nothing is known."""
    return [_row(one) for one in shortfalls(client)]


def _row(lacking: Shortfall) -> Task:
    return Task(url_for("banking.balances"), "wallet", shortfall_title(lacking), shortfall_text(lacking), "warn")
