from flask import Blueprint, flash, request, session, url_for
from flask_babel import gettext as _
from flask_login import current_user, logout_user

from blueprints.account.forms import EmailForm, RegisterForm, SignInForm
from blueprints.web import session_interface
from blueprints.web.current_user import current_user_row
from blueprints.web.device_cookie import visit
from blueprints.web.error_messages import message_for
from blueprints.web.forms import ActionForm
from blueprints.web.i18n import language
from blueprints.web.responses import redirect_to, render
from blueprints.web.step_up import log_in
from blueprints.web.urls import safe_local_path
from domain.accounts import accounts, devices, rate_limits
from domain.accounts import sessions as stored
from domain.common.errors import EmailNotConfirmed, LinkExpired, SignInRefused, WeakPassword
from domain.overview import onboarding
from domain.team import registration
from jobs import enqueue
from models import User

blueprint = Blueprint("account", __name__)


def first_page(user: User) -> str:
    """Return the first page after login: the remaining setup steps, or the overview."""
    membership = accounts.first_membership(user)
    if membership is None:
        return url_for("overview.all_clients")
    view = "overview.overview" if onboarding.finished(membership.client, user) else "onboarding.welcome"
    return url_for(view, client=membership.client.public_id)


def _network() -> str:
    return rate_limits.client_subnet(request.remote_addr or "")


def spend_on_mail(email: str) -> None:
    """Count a mail against the limits of this subnet and of this address, whether or not the address is known.

    Raises:
    - RateLimited
    """
    rate_limits.consume_attempt("mail.address", _network())
    rate_limits.consume_attempt("mail.account", accounts.normalise_email(email))


@blueprint.get("/")
def start():
    if not current_user.is_authenticated:
        return redirect_to(url_for("account.sign_in"))
    return redirect_to(url_for("overview.all_clients"))


@blueprint.route("/inloggen", methods=["GET", "POST"])
def sign_in():
    onward = safe_local_path(request.args.get("verder"))
    if request.method == "GET" and current_user.is_authenticated:
        return redirect_to(onward or first_page(current_user_row()))
    form = SignInForm()
    if not form.validate_on_submit():
        return render("account/sign_in.html", 422 if form.errors else 200, form=form, onward=onward)
    try:
        user = accounts.sign_in_with_password(
            form.email.data or "", form.password.data or "", visit(), request.remote_addr or ""
        )
    except EmailNotConfirmed as error:
        session["registered"] = form.email.data
        flash(message_for(error), "warn")
        return redirect_to(url_for("account.confirmation_sent"))
    except SignInRefused as error:
        form.password.errors = [message_for(error)]
        return render("account/sign_in.html", 422, form=form, onward=onward)
    log_in(user)
    enqueue("send_mails")
    return redirect_to(onward or first_page(user))


@blueprint.post("/uitloggen")
def sign_out():
    """Log out and go to the login page. `verder`: the page to return to, which needs another account."""
    onward = safe_local_path(request.args.get("verder"))
    stored.sign_out(session_interface.secret() or "")
    logout_user()
    session.clear()
    session_interface.renew()
    response = redirect_to(url_for("account.sign_in", verder=onward))
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@blueprint.route("/registreren", methods=["GET", "POST"])
def register():
    chosen = {"company_name": request.args.get("bedrijf"), "kvk_number": request.args.get("kvk")}
    form = RegisterForm(data={name: value for name, value in chosen.items() if value})
    if not form.validate_on_submit():
        return render("account/register.html", 422 if form.errors else 200, form=form)
    rate_limits.consume_attempt("register.address", _network())
    try:
        registration.register_account(**form.filled(), language=language())
    except WeakPassword as error:
        form.password.errors = [message_for(error)]
        return render("account/register.html", 422, form=form)
    enqueue("send_mails")
    session["registered"] = form.email.data
    return redirect_to(url_for("account.confirmation_sent"))


@blueprint.route("/registreren/klaar", methods=["GET", "POST"])
def confirmation_sent():
    """Ask the person to check their mailbox; send a new mail on request."""
    form = EmailForm(email=session.get("registered", ""))
    if form.validate_on_submit():
        spend_on_mail(form.email.data or "")
        accounts.resend_confirmation(form.email.data or "")
        enqueue("send_mails")
        session["registered"] = form.email.data
        flash(_("Als dit adres nog bevestigd moet worden, krijg je een nieuwe mail."), "good")
        return redirect_to(url_for("account.confirmation_sent"))
    status = 422 if form.errors else 200
    return render("account/confirmation_sent.html", status, form=form, email=session.get("registered"))


@blueprint.route("/bevestigen/<token>", methods=["GET", "POST"])
def confirm_email(token):
    """Show a button; only a POST changes anything, because mail scanners open links."""
    form = ActionForm()
    if not form.validate_on_submit():
        return render("account/confirm_email.html", form=form, fresh=accounts.is_link_valid(token, "confirm"))
    try:
        user = accounts.confirm_email(token)
    except LinkExpired:
        return render("account/confirm_email.html", 410, form=form, fresh=False)
    devices.confirm_at_enrolment(user, visit())
    session.pop("registered", None)
    flash(_("Je e-mailadres is bevestigd. Log in om verder te gaan."), "good")
    return redirect_to(url_for("account.sign_in"))
