"""The list of payments with its search, and the redirect from a link in a mail."""

from flask import request, url_for
from flask_login import login_required

from blueprints.payments.blueprint import blueprint
from blueprints.payments.page import payment_url
from blueprints.payments.presenters.payment_list import found_count, group_rows
from blueprints.payments.presenters.unpaid import unpaid_task
from blueprints.web.authorization import ALL, for_client
from blueprints.web.current_user import current_user_row
from blueprints.web.responses import is_search, redirect_to, render, render_search
from core.search_text import clean
from domain.payments import queries
from domain.payroll import unpaid

PAGE_SIZE, MAX_SHOWN = 50, 1000
SEARCHED_FROM = 8  # with fewer payments there is no search field


@blueprint.get("/<client>/betalingen")
@for_client(ALL)
def list_payments(membership):
    """List the payments that wait for someone, are in progress or have ended; for a search those found."""
    text = clean(request.args.get("zoek", ""))
    shown = max(PAGE_SIZE, min(request.args.get("toon", PAGE_SIZE, int), MAX_SHOWN))
    rows = queries.search_batches(membership.client, text, shown + 1)
    groups = group_rows(rows[:shown], queries.approved_by_me(membership.client, membership.user))
    found = {
        "groups": groups, "text": text, "more_url": _more_url(text, shown, len(rows)),
        "told": found_count(len(rows), shown) if text else "",
    }  # fmt: skip
    if is_search():
        return render_search("payments/_list_update.html", _list_url("", 0 if text else shown), **found)
    unpaid_row = unpaid_task(unpaid.unpaid_lines(membership.client))
    return render("payments/list.html", unpaid=unpaid_row, searchable=text or len(rows) >= SEARCHED_FROM, **found)


def _more_url(text: str, shown: int, count: int) -> str:
    """Return the address of a longer list; "" if there is no more."""
    if not shown < count or shown >= MAX_SHOWN:
        return ""
    return _list_url(text, shown + PAGE_SIZE)


def _list_url(text: str, shown: int) -> str:
    return url_for("payments.list_payments", toon=shown if shown > PAGE_SIZE else None, zoek=text or None)


@blueprint.get("/betalingen/<reference>")
@login_required
def from_mail(reference):
    """Redirect from a link in a mail to the payment in its client."""
    client = queries.client_of_reference(current_user_row(), reference)
    return redirect_to(payment_url(client.public_id, reference))
