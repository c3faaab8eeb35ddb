"""The list of payments, and the redirect from a link in a mail."""

from flask import request
from flask_login import login_required

from blueprints.payments.blueprint import blueprint
from blueprints.payments.page import payment_url
from blueprints.payments.presenters.payment_list import group_rows
from blueprints.payments.presenters.unpaid import unpaid_task
from blueprints.web.authorization import ALL, for_client
from blueprints.web.current_user import current_user_row
from blueprints.web.responses import redirect_to, render
from domain.payments import queries
from domain.payroll import unpaid

PAGE_SIZE, MAX_SHOWN = 50, 1000


@blueprint.get("/<client>/betalingen")
@for_client(ALL)
def list_payments(membership):
    """List the payments that wait for someone, are in progress or have ended."""
    shown = max(PAGE_SIZE, min(request.args.get("toon", PAGE_SIZE, int), MAX_SHOWN))
    rows = queries.list_batches(membership.client, limit=shown + 1)
    more = shown + PAGE_SIZE if len(rows) > shown < MAX_SHOWN else 0
    groups = group_rows(rows[:shown], queries.approved_by_me(membership.client, membership.user))
    unpaid_row = unpaid_task(unpaid.unpaid_lines(membership.client))
    return render("payments/list.html", groups=groups, more=more, unpaid=unpaid_row)


@blueprint.get("/betalingen/<reference>")
@login_required
def from_mail(reference):
    """Redirect from a link in a mail to the payment in its client."""
    client = queries.client_of_reference(current_user_row(), reference)
    return redirect_to(payment_url(client.public_id, reference))
