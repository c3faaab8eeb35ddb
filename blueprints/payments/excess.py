"""Pay somebody more than is owed: choose a line, ask for it, allow it as a second person, withdraw it."""

from flask import Response, abort, flash, url_for
from flask_babel import gettext as _

from blueprints.payments.approval import redirect_to_pin_setup
from blueprints.payments.blueprint import blueprint
from blueprints.payments.detail import redirect_with_problem, url_of
from blueprints.payments.forms import ConfirmForm, ExcessForm
from blueprints.payments.line_query import parse_query
from blueprints.payments.page import build_sheet, render_sheet
from blueprints.payments.presenters.excess import allowance_facts, allowance_note, beside_facts
from blueprints.payments.presenters.lines import present_results
from blueprints.web.acts import does
from blueprints.web.authorization import MAY_PAY, for_client
from blueprints.web.error_messages import message_for
from blueprints.web.field_errors import redirect_with_wrong_pin
from blueprints.web.formatters import amount
from blueprints.web.responses import redirect_to, render
from blueprints.web.step_up import current_device
from domain.accounts import rate_limits
from domain.common.errors import DomainError, NotFound, PinLocked, PinMissing, PinWrong
from domain.payments import excess_views, queries
from domain.payments.line_search import LineQuery
from domain.payroll import excess_payment
from jobs import enqueue
from models import Membership
from models.states import LineState

# States of a line that may have been paid, or may still be.
_MAY_COUNT = (LineState.SENT, LineState.EXECUTED, LineState.DISPUTED)


@blueprint.get("/<client>/betalingen/<reference>/extra")
@for_client(MAY_PAY)
def choose_excess_line(membership, reference):
    """List the lines beside which more can be asked."""
    payment = queries.get_payment(membership.client, reference, parse_query(membership))
    if not excess_payment.may_ask(payment.state, payment.is_manual) or payment.redacted_at is not None:
        return redirect_to(url_of(membership, reference))
    sheet, found = build_sheet(membership, payment), payment.found or abort(404)
    lines = [one for one in sheet.payment.lines if one.state in _MAY_COUNT]
    results = present_results(sheet.payment, found, lambda **values: sheet.url("choose_excess_line", **values))
    return render_sheet("payments/choose_excess_line.html", sheet, lines=lines, results=results)


@blueprint.route("/<client>/betalingen/<reference>/extra/<int:line_id>", methods=["GET", "POST"])
@does("pay_more", "amount", "reason", secret_too=True)
def ask_excess(membership, reference, line_id):
    """Ask a second person to allow more than is owed, beside this line."""
    payment = queries.get_payment(membership.client, reference, LineQuery())
    try:
        found = excess_payment.find_beside(membership.client, reference, line_id)
    except NotFound:
        raise
    except DomainError as error:
        return redirect_with_problem(membership, reference, error)
    form = ExcessForm(amount=amount(found.amount_cents))
    shown = {"form": form, "rows": beside_facts(found), "line_id": line_id}
    sheet = build_sheet(membership, payment)
    if not form.validate_on_submit():
        return render_sheet("payments/ask_excess.html", sheet, 422 if form.errors else 200, **shown)
    rate_limits.consume_attempt("pin.user", membership.user_id)
    try:
        row = excess_payment.ask(
            membership, reference, line_id, form.cents, form.reason.data or "", form.pin.data or "", current_device()
        )
    except PinWrong as error:
        form.pin.errors = [message_for(error)]
        return render_sheet("payments/ask_excess.html", sheet, 422, **shown)
    except (PinLocked, PinMissing) as error:
        return redirect_to_pin_setup(membership, error)
    except DomainError as error:
        return redirect_with_problem(membership, reference, error)
    rate_limits.reset_attempts("pin.user", membership.user_id)
    enqueue("send_mails")
    flash(_("Je verzoek is verstuurd."), "good")  # its page says who must allow it
    return _to_allowance(row.id)


def _to_allowance(allowance_id: int) -> Response:
    return redirect_to(url_for("payments.excess_allowance", allowance_id=allowance_id))


@blueprint.route("/<client>/betalingen/extra/<int:allowance_id>", methods=["GET", "POST"])
@does("pay_more")
def excess_allowance(membership, allowance_id):
    """Show what was asked; a second person allows it with the PIN, which makes the payment."""
    form = ConfirmForm()
    if not form.validate_on_submit():
        return _allowance_page(membership, allowance_id, form)
    rate_limits.consume_attempt("pin.user", membership.user_id)
    try:
        batch = excess_payment.allow(membership, allowance_id, form.pin.data or "", current_device())
    except PinWrong as error:
        return redirect_with_wrong_pin(form, error)
    except (PinLocked, PinMissing) as error:
        return redirect_to_pin_setup(membership, error)
    except NotFound:
        raise
    except DomainError as error:
        flash(message_for(error), "bad")
        return _to_allowance(allowance_id)
    rate_limits.reset_attempts("pin.user", membership.user_id)
    enqueue("send_mails")
    flash(_("Je hebt toestemming gegeven. Controleer de betaling en keur die goed. Er is nog niets betaald."), "good")
    return redirect_to(url_of(membership, batch.reference))


def _allowance_page(membership: Membership, allowance_id: int, form: ConfirmForm) -> Response:
    one = excess_views.view_allowance(membership, allowance_id)
    return render(
        "payments/excess_allowance.html", form.status, form=form, one=one, rows=allowance_facts(one),
        note_of=allowance_note(one), beside_url=url_of(membership, one.beside),
        payment_url=url_of(membership, one.payment) if one.payment else "",
    )  # fmt: skip


@blueprint.post("/<client>/betalingen/extra/<int:allowance_id>/intrekken")
@does("pay_no_more")
def withdraw_excess(membership, allowance_id):
    """Withdraw what was asked or allowed; its payment ends."""
    try:
        excess_payment.withdraw(membership, allowance_id)
    except NotFound:
        raise
    except DomainError as error:
        flash(message_for(error), "bad")
        return _to_allowance(allowance_id)
    enqueue("send_mails")
    flash(_("Ingetrokken. Er wordt niets betaald."), "good")
    return _to_allowance(allowance_id)
