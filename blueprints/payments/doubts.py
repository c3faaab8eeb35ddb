"""*Fout in de salarisrun*: ask about a line, answer, or go on without an answer."""

from flask import Response, flash, request
from flask_babel import gettext as _

from blueprints.payments.actions import EDITABLE
from blueprints.payments.blueprint import blueprint
from blueprints.payments.detail import redirect_with_problem, url_of
from blueprints.payments.forms import DoubtForm
from blueprints.payments.page import build_sheet, render_sheet
from blueprints.payments.presenters.doubts import who_is_told
from blueprints.web.acts import does
from blueprints.web.authorization import require_lines
from blueprints.web.responses import redirect_to
from domain.common.errors import DomainError
from domain.payments import doubt_answers, queries
from domain.payments.line_search import LineQuery
from domain.payments.payment_views import LineView, Payment
from jobs import enqueue
from models import Membership


@blueprint.route("/<client>/betalingen/<reference>/regels/<int:line_id>/fout", methods=["GET", "POST"])
@does("amend")
def ask_doubt(membership, reference, line_id):
    """Ask in a few words whether the run has a mistake: the line is left out, and the payment waits."""
    require_lines(membership)
    payment = queries.get_payment(membership.client, reference, LineQuery())
    line, form = queries.get_line(payment.id, line_id), DoubtForm()
    if request.method == "GET" and (payment.state not in EDITABLE or line.doubted):
        return redirect_to(url_of(membership, reference, _anchor="vragen"))
    if not form.validate_on_submit():
        return _ask_page(membership, payment, line, form)
    try:
        doubt_answers.ask_doubt(membership, reference, line_id, form.words.data or "")
    except DomainError as error:
        return redirect_with_problem(membership, reference, error)
    return _done(membership, reference, _("Je vraag is opgeslagen. De betaling wacht op het antwoord."))


def _ask_page(membership: Membership, payment: Payment, line: LineView, form: DoubtForm) -> Response:
    told = who_is_told(doubt_answers.answerers(doubt_answers.members_to_ask(membership.client), membership.user))
    status, sheet = 422 if form.errors else 200, build_sheet(membership, payment)
    return render_sheet("payments/ask_doubt.html", sheet, status, form=form, line=line, told=told)


@blueprint.post("/<client>/betalingen/<reference>/regels/<int:line_id>/antwoord")
@does("answer_doubt")
def answer_doubt(membership, reference, line_id):
    """Answer that the line is right, or that the run is run again."""
    require_lines(membership)
    answer, words = request.form.get("answer", ""), request.form.get("words", "")
    try:
        doubt_answers.answer_doubt(membership, reference, line_id, answer, words)
    except DomainError as error:
        return redirect_with_problem(membership, reference, error)
    return _done(membership, reference, _("Je antwoord is opgeslagen."))


@blueprint.post("/<client>/betalingen/<reference>/regels/<int:line_id>/toch")
@does("go_on")
def go_on(membership, reference, line_id):
    """Go on without an answer: the line stays out, to be paid later."""
    try:
        doubt_answers.go_on(membership, reference, line_id)
    except DomainError as error:
        return redirect_with_problem(membership, reference, error)
    return _done(membership, reference, _("De betaling kan doorgaan, zonder deze regel."))


def _done(membership: Membership, reference: str, text: str) -> Response:
    enqueue("send_mails")
    flash(text, "good")
    return redirect_to(url_of(membership, reference))
