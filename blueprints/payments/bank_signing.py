"""Signing at the bank: on its page, in its app, or here with a code of the bank's reader."""

from dataclasses import replace

from flask import Response, abort, flash, request
from flask_babel import gettext as _

from blueprints.access import MAY_PAY, for_client, psu, signed_in
from blueprints.answers import goto
from blueprints.payments.forms import BankLoginForm, CodeForm, MethodForm
from blueprints.payments.routes import address, back, blueprint, page
from blueprints.who import me
from blueprints.words import say
from domain import payments, signing
from domain.authorisations import Step
from domain.errors import CodeWrong, DomainError
from domain.found_lines import Look

# What a person does on a page of ours; the rest happens at the bank, and the payment's page follows it.
HERE = {"login": "payments/sign_login.html", "method": "payments/sign_method.html", "code": "payments/sign_code.html"}
FORMS = {"login": BankLoginForm, "method": MethodForm, "code": CodeForm}


@blueprint.post("/<client>/betalingen/<reference>/ondertekenen")
@for_client(MAY_PAY)
def sign(membership, reference):
    """To where this is signed: the bank's own page, or ours for a code, or the payment, which says what to do."""
    again = "again" in request.form
    try:
        step = signing.begin_signing(membership.client, membership.user, reference, psu(), again)
    except DomainError as error:
        return back(membership, reference, error)
    return on(membership, reference, step)


def on(membership, reference: str, step: Step) -> Response:
    """To where this step is taken."""
    if step.how == "page" and step.url:
        return goto(step.url)
    return goto(address(membership, reference, "/ondertekenen" if step.how in HERE else ""))


@blueprint.get("/<client>/betalingen/<reference>/ondertekenen")
@for_client(MAY_PAY)
def signing_page(membership, reference):
    """As it stands by our records, in whichever browser."""
    try:
        step = signing.step(membership.client, reference)
    except DomainError as error:
        return back(membership, reference, error)
    return _show(membership, reference, step)


def _show(membership, reference: str, step: Step, form=None) -> Response:
    if step.how not in HERE:
        return goto(address(membership, reference))
    made = form or FORMS[step.how]()
    if isinstance(made, CodeForm):
        made.code.data = ""  # what was typed is never written back
    payment = payments.view(membership.client, reference, Look())
    return page(HERE[step.how], membership, payment, 422 if made.errors else 200, form=made, step=step)


@blueprint.get("/<client>/betalingen/<reference>/ondertekenen/beeld")
@for_client(MAY_PAY)
def challenge_image(membership, reference):
    """The challenge as the bank drew it, for a reader that looks at it; no browser keeps it (no-store)."""
    try:
        picture, kind = signing.image(membership.client, reference)
    except DomainError:
        abort(404)
    return Response(picture, mimetype=kind)


@blueprint.post("/<client>/betalingen/<reference>/ondertekenen/inloggen")
@for_client(MAY_PAY)
def log_in(membership, reference):
    """The name and the password at the bank go to the bank, and nowhere else."""
    form = BankLoginForm()
    who = replace(psu(), bank_user_id=form.bank_user.data or None)
    return _step_taken(
        membership, reference, form, form.bank_user,
        lambda: signing.log_in(membership.client, membership.user, reference, who, form.bank_password.data),
    )  # fmt: skip


@blueprint.post("/<client>/betalingen/<reference>/ondertekenen/methode")
@for_client(MAY_PAY)
def choose_method(membership, reference):
    form = MethodForm()
    return _step_taken(
        membership, reference, form, form.method,
        lambda: signing.choose_method(membership.client, membership.user, reference, psu(), form.method.data or ""),
    )  # fmt: skip


@blueprint.post("/<client>/betalingen/<reference>/ondertekenen/code")
@for_client(MAY_PAY)
def give_code(membership, reference):
    """The code of the reader or the text message."""
    form = CodeForm()
    return _step_taken(
        membership, reference, form, form.code,
        lambda: signing.answer_code(membership.client, membership.user, reference, psu(), form.code.data or ""),
    )  # fmt: skip


def _step_taken(membership, reference: str, form, field, take) -> Response:
    """One step, and on to the next; what is wrong with it stands beside its field."""
    if not form.validate_on_submit():
        return _asked_again(membership, reference, form)
    try:
        step = take()
    except CodeWrong as error:
        field.errors = [say(error)]
        return _asked_again(membership, reference, form)
    except DomainError as error:
        return back(membership, reference, error)
    if step.how in ("signed", "second"):
        flash(_("De bank heeft je handtekening."), "good")
    return on(membership, reference, step)


def _asked_again(membership, reference: str, form) -> Response:
    """The same step with what is wrong; when it is past, how it stands now."""
    try:
        step = signing.step(membership.client, reference)
    except DomainError as error:
        return back(membership, reference, error)
    return _show(membership, reference, step, form if type(form) is FORMS.get(step.how) else None)


@blueprint.post("/<client>/betalingen/<reference>/ondertekenen/stoppen")
@for_client(MAY_PAY)
def stop(membership, reference):
    """Give up signing: nothing is paid, and the payment can be set up again."""
    try:
        signing.give_up(membership.client, membership.user, reference)
    except DomainError as error:
        return back(membership, reference, error)
    return goto(address(membership, reference))


@blueprint.get("/bank/ondertekend/<state>")
@signed_in
def signed(state):
    """Back from the bank: this proves nothing; the page shows what the bank says when asked."""
    client, reference = signing.finish_signing(state, me())
    return goto(f"/{client.public_id}/betalingen/{reference}")
