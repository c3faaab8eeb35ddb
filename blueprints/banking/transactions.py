"""Transactions of one account, refreshed when the customer views them."""

from flask import flash, request
from flask_babel import gettext as _

from blueprints.banking.presenters import transactions as words
from blueprints.banking.routes import blueprint
from blueprints.web.authorization import ALL, for_client, psu
from blueprints.web.responses import redirect_to, render
from domain.reconciliation import transactions
from domain.team import salary_visibility

MOST_PAGES = 1000


@blueprint.get("/<client>/saldo/<int:account_id>")
@for_client(ALL)
def list_transactions(membership, account_id):
    """List the last ninety days, newest first; a link to a transaction redirects to its page."""
    client, booking = membership.client, request.args.get("boeking", 0, int)
    if not salary_visibility.can_see_lines(membership.role, client):  # transactions per payment line reveal salaries
        flash(_("De eigenaar van het account houdt bedragen per persoon verborgen, dus ook de transacties."), "warn")
        return redirect_to(f"/{client.public_id}/saldo")
    fresh = transactions.refresh_for_customer(client, account_id, psu())
    if 0 < booking < 2**31:
        page = transactions.transactions_page_of(account_id, booking)
        return redirect_to(f"/{client.public_id}/saldo/{account_id}?pagina={page}#boeking-{booking}")
    page = max(1, min(request.args.get("pagina", 1, int), MOST_PAGES))
    statement = transactions.statement(client, account_id, page)
    late = "" if fresh else _("De bank was niet bereikbaar. Je ziet de laatst bekende transacties.")
    return render(
        "banking/transactions.html", statement=statement, late=late, words=words,
        why_not=words.why_not(statement.why_not),
    )  # fmt: skip
