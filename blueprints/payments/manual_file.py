"""Manual submission, without a bank link: download the payment file and report the outcome."""

from flask import Response, flash, request
from flask_babel import gettext as _

from blueprints.payments.approval import redirect_to_pin_setup
from blueprints.payments.blueprint import blueprint
from blueprints.payments.detail import redirect_with_problem, url_of
from blueprints.payments.forms import ConfirmForm
from blueprints.payments.page import build_sheet, render_sheet
from blueprints.web.acts import does
from blueprints.web.authorization import MAY_PAY
from blueprints.web.field_errors import redirect_with_wrong_pin
from blueprints.web.responses import redirect_to
from blueprints.web.step_up import current_device
from domain.accounts import rate_limits
from domain.common.errors import DomainError, PinLocked, PinMissing, PinWrong
from domain.orders import manual_submission
from domain.orders.manual_submission import ManualSubmission
from domain.payments import queries
from domain.payments.line_search import LineQuery
from domain.payments.payment_views import Payment
from jobs import enqueue
from models import Membership

VERDICTS = {"betaald": manual_submission.PAID, "geweigerd": manual_submission.REFUSED}


@blueprint.route("/<client>/betalingen/<reference>/bestand.xml", methods=["GET", "POST"])
@does("take_file", read_by=MAY_PAY)
def download_file(membership, reference):
    """Download the payment file, by POST only: afterwards the bank may have it.

    A GET, such as a browser's prefetch, only redirects to the payment.
    """
    payment = queries.get_payment(membership.client, reference, LineQuery())
    if request.method == "GET":
        return redirect_to(url_of(membership, payment.reference))
    try:
        name, body = manual_submission.download_order_file(membership, reference)
    except DomainError as error:
        return redirect_with_problem(membership, reference, error)
    answer = Response(body, mimetype="application/xml")
    answer.headers.set("Content-Disposition", "attachment", filename=f"betaling-{name}.xml")
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.route("/<client>/betalingen/<reference>/gemeld/<any(betaald, geweigerd):verdict>", methods=["GET", "POST"])
@does("attest")
def report_outcome(membership, reference, verdict):
    """Record the outcome that the person saw at the bank, confirmed with the PIN."""
    payment = queries.get_payment(membership.client, reference, LineQuery())
    manual, form = manual_submission.submission_view(payment), ConfirmForm()
    if manual is None or not manual.may_say:
        return redirect_to(url_of(membership, reference))
    if not form.validate_on_submit():
        return _outcome_page(membership, payment, manual, verdict, form)
    rate_limits.consume_attempt("pin.user", membership.user_id)
    try:
        manual_submission.report_manual_outcome(
            membership, reference, VERDICTS[verdict], form.pin.data or "", current_device()
        )
    except PinWrong as error:
        return redirect_with_wrong_pin(form, error)
    except (PinLocked, PinMissing) as error:
        return redirect_to_pin_setup(membership, error)
    except DomainError as error:
        return redirect_with_problem(membership, reference, error)
    enqueue("send_mails")  # a second person may be asked
    flash(_("Opgeslagen. Hieronder zie je de status."), "good")
    return redirect_to(url_of(membership, reference))


def _outcome_page(
    membership: Membership, payment: Payment, manual: ManualSubmission, verdict: str, form: ConfirmForm
) -> Response:
    return render_sheet(
        "payments/report_outcome.html", build_sheet(membership, payment), form.status, form=form,
        verdict=verdict, paid=verdict == "betaald", msg_id=manual.msg_id,
    )  # fmt: skip
