"""Log in and reauthenticate with a passkey."""

from flask import Response, flash, request, url_for
from flask_login import login_required

from blueprints.account.routes import blueprint, first_page
from blueprints.web import saved_forms, session_interface
from blueprints.web.current_user import current_user_row
from blueprints.web.error_messages import message_for
from blueprints.web.responses import redirect_to
from blueprints.web.step_up import log_in, mark_reauthenticated
from blueprints.web.urls import safe_local_path
from domain.accounts import passkeys, rate_limits
from domain.common.errors import EmailNotConfirmed, PasskeyRefused
from jobs import enqueue


def options(text: str) -> Response:
    """Return WebAuthn options as JSON."""
    return Response(text, mimetype="application/json")


@blueprint.post("/inloggen/passkey/vraag")
def sign_in_options():
    rate_limits.consume_attempt("passkey.ask", rate_limits.client_subnet(request.remote_addr or ""))
    return options(passkeys.ask_sign_in(session_interface.oidc_binding()))


@blueprint.post("/inloggen/passkey")
def sign_in_with_passkey():
    onward = safe_local_path(request.args.get("verder"))
    rate_limits.consume_attempt("passkey.address", rate_limits.client_subnet(request.remote_addr or ""))
    try:
        user = passkeys.sign_in_with_passkey(session_interface.oidc_binding(), request.form.get("answer", ""))
        if user.email_confirmed_at is None:
            raise EmailNotConfirmed
    except (PasskeyRefused, EmailNotConfirmed) as error:
        flash(message_for(error), "bad")
        return redirect_to(url_for("account.sign_in"))
    rate_limits.refund("passkey.address", rate_limits.client_subnet(request.remote_addr or ""))
    log_in(user, passkey=True)
    enqueue("send_mails")
    return redirect_to(onward or first_page(user))


@blueprint.post("/bewijs/passkey/vraag")
@login_required
def reauthentication_options():
    return options(passkeys.ask_proof(current_user_row(), session_interface.oidc_binding()))


@blueprint.post("/bewijs/passkey")
@login_required
def reauthenticate_with_passkey():
    onward = safe_local_path(request.args.get("verder")) or first_page(current_user_row())
    try:
        passkeys.reauthenticate_with_passkey(
            current_user_row(), session_interface.oidc_binding(), request.form.get("answer", "")
        )
    except PasskeyRefused as error:
        flash(message_for(error), "bad")
        return redirect_to(url_for("account.reauthenticate", verder=onward))
    mark_reauthenticated(current_user_row(), "passkey")
    return saved_forms.go_on(onward)
