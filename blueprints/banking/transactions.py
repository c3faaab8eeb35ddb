"""Transactions of one account, refreshed when the customer views them."""

from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _

from blueprints.banking.presenters.transactions import booking_count, found_bookings, hidden_reason, present_transaction
from blueprints.banking.routes import blueprint
from blueprints.web.authorization import ALL, for_client, psu
from blueprints.web.responses import is_search, redirect_to, render, render_search
from core.search_text import clean
from domain.reconciliation import transactions
from domain.team import salary_visibility
from models import Client

MOST_PAGES = 1000
SEARCHED_FROM = 8  # with fewer transactions there is no search field


@blueprint.get("/<client>/saldo/<int:account_id>")
@for_client(ALL)
def list_transactions(membership, account_id):
    """List the last ninety days, newest first, or what a search finds in them; a link to a transaction redirects to its
    page.
    """
    client, booking = membership.client, request.args.get("boeking", 0, int)
    if not salary_visibility.can_see_lines(membership.role, client):  # transactions per payment line reveal salaries
        flash(_("De eigenaar van het account heeft bedragen per persoon en transacties verborgen."), "warn")
        return redirect_to(url_for("banking.balances"))
    if is_search():
        return _results(client, account_id)
    fresh = transactions.refresh_for_customer(client, account_id, psu())
    if 0 < booking < 2**31:
        page = transactions.transactions_page_of(account_id, booking)
        anchor = f"boeking-{booking}"
        return redirect_to(url_for("banking.list_transactions", account_id=account_id, pagina=page, _anchor=anchor))
    found = _found(client, account_id)
    statement = found["statement"]
    late = "" if fresh else _("De bank is nu niet bereikbaar. Je ziet de laatst bekende transacties.")
    return render(
        "banking/transactions.html", late=late, hidden_reason=hidden_reason(statement.why_not),
        searchable=found["text"] or statement.page > 1 or booking_count(statement) >= SEARCHED_FROM, **found,
    )  # fmt: skip


def _results(client: Client, account_id: int) -> Response:
    """Return what a search finds among what is known; the bank is not asked for each letter."""
    found = _found(client, account_id)
    page = None if found["text"] else found["statement"].page
    url = url_for("banking.list_transactions", account_id=account_id, pagina=page)
    return render_search("banking/_bookings_update.html", url, **found)


def _found(client: Client, account_id: int) -> dict[str, Any]:
    text = clean(request.args.get("zoek", ""))
    page = max(1, min(request.args.get("pagina", 1, int), MOST_PAGES))
    statement = transactions.statement(client, account_id, page, text)
    return {
        "statement": statement, "text": text, "told": found_bookings(statement) if text else "",
        "days": [(day, [present_transaction(one) for one in rows]) for day, rows in statement.days],
    }  # fmt: skip
