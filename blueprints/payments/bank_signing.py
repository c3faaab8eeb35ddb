"""SCA at the bank: on its page, in its app, or here with a code."""

from collections.abc import Callable
from dataclasses import replace

from flask import Response, abort, flash, request
from flask_babel import gettext as _
from flask_login import login_required
from flask_wtf import FlaskForm

from blueprints.payments.blueprint import blueprint
from blueprints.payments.detail import redirect_with_problem, url_of
from blueprints.payments.forms import BankLoginForm, CodeForm, MethodForm
from blueprints.payments.page import build_sheet, payment_url, render_sheet
from blueprints.payments.presenters.signing import challenge_groups, code_hint, code_maxlength
from blueprints.web.acts import does
from blueprints.web.authorization import MAY_PAY, for_client, psu
from blueprints.web.current_user import current_user_row
from blueprints.web.error_messages import message_for
from blueprints.web.field_errors import redirect_with_errors
from blueprints.web.responses import redirect_to
from domain.common.errors import DomainError, InvalidScaCode
from domain.orders import sca
from domain.orders.sca_state import ScaStep
from domain.payments import queries
from domain.payments.line_search import LineQuery
from domain.payments.payment_views import Payment
from models import Membership

# The steps on our own pages; the others happen at the bank, while the payment's page polls.
TEMPLATES = {
    "login": "payments/sign_login.html",
    "method": "payments/sign_method.html",
    "code": "payments/sign_code.html",
}
FORMS = {"login": BankLoginForm, "method": MethodForm, "code": CodeForm}


@blueprint.post("/<client>/betalingen/<reference>/ondertekenen")
@does("sign")
def start_signing(membership, reference):
    """Start SCA and redirect to the bank's page, our page for a code, or the payment with instructions."""
    again = "again" in request.form
    try:
        step = sca.start_sca(membership.client, membership.user, reference, psu(), again)
    except DomainError as error:
        return redirect_with_problem(membership, reference, error)
    return redirect_to_step(membership, reference, step)


def redirect_to_step(membership: Membership, reference: str, step: ScaStep) -> Response:
    """Redirect to where this step takes place."""
    if step.how == "page" and step.url:
        return redirect_to(step.url)
    return redirect_to(url_of(membership, reference, "signing_page" if step.how in TEMPLATES else "detail"))


@blueprint.get("/<client>/betalingen/<reference>/ondertekenen")
@does("sign")
def signing_page(membership, reference):
    """Show the current step. It comes from the database, so it is the same in any browser."""
    payment = queries.get_payment(membership.client, reference, LineQuery())
    step = _step_with_form(membership, payment)
    if isinstance(step, Response):
        return step
    form = FORMS[step.how]()
    return render_sheet(
        TEMPLATES[step.how], build_sheet(membership, payment), form=form, step=step,
        challenge=[challenge_groups(text) for text in step.challenge], code_hint=code_hint(step),
        code_maxlength=code_maxlength(step),
    )  # fmt: skip


@blueprint.get("/<client>/betalingen/<reference>/ondertekenen/beeld")
@for_client(MAY_PAY)
def challenge_image(membership, reference):
    """Return the challenge image of the bank, for a reader with a camera; not cached (no-store)."""
    try:
        picture, kind = sca.image(membership.client, reference)
    except DomainError:
        abort(404)
    return Response(picture, mimetype=kind)


@blueprint.post("/<client>/betalingen/<reference>/ondertekenen/inloggen")
@does("sign")
def submit_credentials(membership, reference):
    """Send the person's bank credentials to the bank; they are not stored."""
    form = BankLoginForm()
    who = replace(psu(), bank_user_id=form.bank_user.data or None)
    return _take_step(
        membership, reference, form, form.bank_user,
        lambda: sca.submit_credentials(membership.client, membership.user, reference, who, form.bank_password.data),
    )  # fmt: skip


@blueprint.post("/<client>/betalingen/<reference>/ondertekenen/methode")
@does("sign")
def choose_method(membership, reference):
    """Choose one of the bank's SCA methods."""
    form = MethodForm()
    return _take_step(
        membership, reference, form, form.method,
        lambda: sca.choose_method(membership.client, membership.user, reference, psu(), form.method.data or ""),
    )  # fmt: skip


@blueprint.post("/<client>/betalingen/<reference>/ondertekenen/code")
@does("sign")
def submit_otp(membership, reference):
    """Send the code of the reader or text message to the bank."""
    form = CodeForm()
    return _take_step(
        membership, reference, form, form.code,
        lambda: sca.submit_otp(membership.client, membership.user, reference, psu(), form.code.data or ""),
    )  # fmt: skip


def _take_step(membership: Membership, reference: str, form, field, take: Callable[[], ScaStep]) -> Response:
    """Take a step and redirect to the next one, or to this one with the error at the field: each try counts at the
    bank, so a reload must not repeat it.
    """
    if not form.validate_on_submit():
        return _to_step_with_errors(membership, reference, form)
    try:
        step = take()
    except InvalidScaCode as error:
        field.errors = [message_for(error)]
        return _to_step_with_errors(membership, reference, form)
    except DomainError as error:
        return redirect_with_problem(membership, reference, error)
    if step.how in ("signed", "second"):
        flash(_("Ondertekend."), "good")
    return redirect_to_step(membership, reference, step)


def _step_with_form(membership: Membership, payment: Payment) -> ScaStep | Response:
    """Return the current step if one fills in a form for it, else the redirect to the payment."""
    try:
        step = sca.step_of_payment(payment)
    except DomainError as error:
        return redirect_with_problem(membership, payment.reference, error)
    return step if step.how in TEMPLATES else redirect_to(url_of(membership, payment.reference))


def _to_step_with_errors(membership: Membership, reference: str, form: FlaskForm) -> Response:
    step = _step_with_form(membership, queries.get_payment(membership.client, reference, LineQuery()))
    if isinstance(step, Response):
        return step
    return redirect_with_errors(form, url_of(membership, reference, "signing_page"))


@blueprint.post("/<client>/betalingen/<reference>/ondertekenen/stoppen")
@does("give_up")
def abandon_signing(membership, reference):
    """Abandon SCA: nothing is paid, and the payment can be reopened."""
    try:
        sca.abandon_signing(membership.client, membership.user, reference)
    except DomainError as error:
        return redirect_with_problem(membership, reference, error)
    return redirect_to(url_of(membership, reference))


@blueprint.get("/bank/ondertekend/<state>")
@login_required
def signing_return(state):
    """Receive the redirect from the bank. It proves nothing; the payment's page shows the status that the bank reports.
    """
    client, reference = sca.handle_redirect_return(state, current_user_row())
    return redirect_to(payment_url(client.public_id, reference))
