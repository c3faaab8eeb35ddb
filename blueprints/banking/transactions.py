"""Transactions of one account, refreshed when the customer views them."""

from flask import flash, request, url_for
from flask_babel import gettext as _

from blueprints.banking.presenters.transactions import hidden_reason, present_transaction
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
        flash(_("De eigenaar van het account heeft bedragen per persoon en transacties verborgen."), "warn")
        return redirect_to(url_for("banking.balances"))
    fresh = transactions.refresh_for_customer(client, account_id, psu())
    if 0 < booking < 2**31:
        page = transactions.transactions_page_of(account_id, booking)
        anchor = f"boeking-{booking}"
        return redirect_to(url_for("banking.list_transactions", account_id=account_id, pagina=page, _anchor=anchor))
    page = max(1, min(request.args.get("pagina", 1, int), MOST_PAGES))
    statement = transactions.statement(client, account_id, page)
    late = "" if fresh else _("De bank is nu niet bereikbaar. Je ziet de laatst bekende transacties.")
    return render(
        "banking/transactions.html", statement=statement, late=late,
        days=[(day, [present_transaction(one) for one in rows]) for day, rows in statement.days],
        hidden_reason=hidden_reason(statement.why_not),
    )  # fmt: skip
