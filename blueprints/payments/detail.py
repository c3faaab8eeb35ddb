"""One payment: its page, its live part, and its current state after an action."""

from typing import Any

from flask import Response, flash
from htmx_flask import request

from blueprints.payments.blueprint import blueprint
from blueprints.payments.line_query import parse_query, query_values, shareable_query
from blueprints.payments.page import (
    PaymentPage,
    build_page,
    fingerprint,
    load_progress,
    payment_url,
    render_page,
)
from blueprints.payments.presenters.lines import result_announcement
from blueprints.web.authorization import ALL, for_client
from blueprints.web.error_messages import message_for
from blueprints.web.responses import not_modified, redirect_to
from blueprints.web.security_log import note_problem
from domain.common.errors import DomainError, NotFound
from domain.payments import queries
from domain.payments.line_search import LinePage
from domain.payments.payment_views import Payment
from jobs import enqueue
from models import Membership


def url_of(membership: Membership, reference: str, view: str = "detail", **values: Any) -> str:
    """Return the URL of a view of one payment of this member's client."""
    return payment_url(membership.client.public_id, reference, view, **values)


@blueprint.get("/<client>/betalingen/<reference>")
@for_client(ALL)
def detail(membership, reference):
    """Show the payment; for a search or another page of lines only the results."""
    payment = queries.get_payment(membership.client, reference, parse_query(membership))
    page = build_page(membership, payment)
    found = page.payment.found
    if request.htmx and request.htmx.target == "found" and found is not None:
        return _results(page, found)
    return render_page("payments/payment.html", page)


def _results(page: PaymentPage, found: LinePage) -> Response:
    """Return the lines found, and the URL for the address bar."""
    turned = request.htmx.trigger in ("vorige", "volgende")
    announcement = result_announcement(page.payment, found)
    answer = render_page("payments/_results_update.html", page, turned=turned, announcement=announcement)
    answer.headers["HX-Replace-Url"] = page.url(**shareable_query(found.look))
    return answer


@blueprint.get("/<client>/betalingen/<reference>/status")
@for_client(ALL)
def status(membership, reference):
    """Return the live part if it changed since the last poll, else 204."""
    payment = queries.get_payment(membership.client, reference, parse_query(membership))
    order_id = queries.order_due_for_poll(payment)
    if order_id is not None:
        enqueue("poll_order_status", order_id)
    if not request.htmx:
        return redirect_to(url_of(membership, reference))
    progress = load_progress(membership, payment)
    if not_modified(fingerprint(payment, progress)):
        return "", 204
    return render_page("payments/_live_update.html", build_page(membership, payment, progress))


def render_current(
    membership: Membership, reference: str, problem: str = "", focus: bool = False, spoken: str = "", done: str = "",
    payment: Payment | None = None,
) -> Response:  # fmt: skip
    """Return the payment as it is now, with an error or a result.

    htmx gets the whole live part; `focus` moves screen and keyboard focus there. The search is kept. `payment`: if it
    was just read.
    """
    if not request.htmx:
        if problem or done:
            flash(problem or done, "bad" if problem else "good")
        return redirect_to(url_of(membership, reference, **query_values(parse_query(membership))))
    payment = payment or queries.get_payment(membership.client, reference, parse_query(membership))
    page = build_page(membership, payment, problem=problem, done=done, spoken=problem or spoken, focus=focus)
    response = render_page("payments/_live_update.html", page, 422 if problem else 200)
    response.headers["HX-Retarget"] = "#payment"
    response.headers["HX-Reswap"] = "outerHTML show:#payment:top" if focus else "outerHTML"
    return response


def render_problem(membership: Membership, reference: str, error: DomainError) -> Response:
    """Return the payment as it is now, with the error. NotFound is raised again."""
    if isinstance(error, NotFound):
        raise error
    note_problem(error)
    return render_current(membership, reference, message_for(error), focus=True)


def redirect_with_problem(membership: Membership, reference: str, error: DomainError) -> Response:
    """Redirect from another page to the payment, with the error. NotFound is raised again."""
    if isinstance(error, NotFound):
        raise error
    note_problem(error)
    flash(message_for(error), "bad")
    return redirect_to(url_of(membership, reference))
