"""Upload of a bank's file about a payment, and its confirmation with the PIN.

The file is stored when it is uploaded. The PIN is asked on a separate page, so that nothing is lost if the user must
first re-authenticate or confirm the device.
"""

from flask import Response, abort, flash, request
from flask_babel import gettext as _

from blueprints.payments.approval import redirect_to_pin_setup
from blueprints.payments.blueprint import blueprint
from blueprints.payments.detail import redirect_with_problem, url_of
from blueprints.payments.forms import ConfirmForm
from blueprints.payments.page import build_sheet, render_sheet
from blueprints.payments.presenters.bank_file import present_file
from blueprints.web.acts import does
from blueprints.web.error_messages import message_for
from blueprints.web.field_errors import redirect_with_wrong_pin
from blueprints.web.responses import redirect_to
from blueprints.web.step_up import current_device
from blueprints.web.uploads import takes_file
from domain.accounts import rate_limits
from domain.common.errors import BankFileRefused, DomainError, PinLocked, PinMissing, PinWrong
from domain.payments import queries
from domain.payments.line_search import LineQuery
from domain.payments.payment_views import Payment
from domain.payments.state_machine import SENT
from domain.reconciliation import bank_reports
from jobs import enqueue
from models import Membership


@blueprint.route("/<client>/betalingen/<reference>/bestand", methods=["GET", "POST"])
@takes_file(bank_reports.MOST_BYTES)
@does("hand_in")
def upload_report(membership, reference):
    """Keep a status report or account statement, and go on to its confirmation; or show why it changes nothing."""
    payment = queries.get_payment(membership.client, reference, LineQuery())
    if payment.state not in SENT:
        return redirect_to(url_of(membership, reference))
    sheet = build_sheet(membership, payment)
    if request.method == "GET":
        return render_sheet("payments/bank_report.html", sheet, problem="")
    given = request.files.get("bestand") or abort(400)
    try:
        found = bank_reports.receive_report(
            membership.client, membership.user, reference, given.read(bank_reports.MOST_BYTES + 1)
        )
    except BankFileRefused as error:
        return render_sheet("payments/bank_report.html", sheet, 422, problem=message_for(error))
    if found.to_confirm:
        return redirect_to(url_of(membership, reference, "confirm_report", document=found.document))
    flash(_("Je bank heeft geantwoord. Hieronder zie je de status."), "good")
    return redirect_to(url_of(membership, reference))


@blueprint.route("/<client>/betalingen/<reference>/bestand/<document>", methods=["GET", "POST"])
@does("attest")
def confirm_report(membership, reference, document):
    """Show what a file states, and let it count once it is confirmed with the PIN."""
    payment = queries.get_payment(membership.client, reference, LineQuery())
    form = ConfirmForm()
    if payment.state not in SENT:
        return redirect_to(url_of(membership, reference))
    if not form.validate_on_submit():
        return _confirmation_page(membership, payment, document, form)
    rate_limits.consume_attempt("pin.user", membership.user_id)
    try:
        bank_reports.confirm_report(membership, reference, document, form.pin.data or "", current_device())
    except PinWrong as error:
        return redirect_with_wrong_pin(form, error)
    except (PinLocked, PinMissing) as error:
        return redirect_to_pin_setup(membership, error)
    except DomainError as error:
        return redirect_with_problem(membership, reference, error)
    rate_limits.reset_attempts("pin.user", membership.user_id)
    enqueue("send_mails")  # a second person may be asked
    flash(_("Het bestand is bevestigd. Hieronder zie je de status."), "good")
    return redirect_to(url_of(membership, reference))


def _confirmation_page(membership: Membership, payment: Payment, document: str, form: ConfirmForm) -> Response:
    kept = bank_reports.kept_file(membership.client, payment.reference, document)
    return render_sheet(
        "payments/confirm_report.html", build_sheet(membership, payment), form.status, form=form,
        file=present_file(kept), document=document,
    )  # fmt: skip
