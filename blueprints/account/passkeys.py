"""Signing in with a passkey, and showing with one who is there."""

from flask import Response, flash, request, url_for

from blueprints.account.routes import blueprint, first_page
from blueprints.web import saved_forms, session_interface
from blueprints.web.authorization import signed_in
from blueprints.web.current_user import me
from blueprints.web.error_messages import say
from blueprints.web.responses import goto
from blueprints.web.step_up import enter, proved
from blueprints.web.urls import own_path
from domain.accounts import passkeys, rate_limits
from domain.common.errors import EmailNotConfirmed, PasskeyRefused
from jobs import enqueue


def options(text: str) -> Response:
    """What a browser asks its passkeys."""
    return Response(text, mimetype="application/json")


@blueprint.post("/inloggen/passkey/vraag")
def ask_sign_in():
    rate_limits.spend("passkey.ask", rate_limits.network(request.remote_addr or ""))
    return options(passkeys.ask_sign_in(session_interface.key()))


@blueprint.post("/inloggen/passkey")
def sign_in_with_passkey():
    onward = own_path(request.args.get("verder"))
    rate_limits.spend("passkey.address", rate_limits.network(request.remote_addr or ""))
    try:
        user = passkeys.sign_in(session_interface.key(), request.form.get("answer", ""))
        if user.email_confirmed_at is None:
            raise EmailNotConfirmed
    except (PasskeyRefused, EmailNotConfirmed) as error:
        flash(say(error), "bad")
        return goto("/inloggen")
    rate_limits.refund("passkey.address", rate_limits.network(request.remote_addr or ""))
    enter(user, passkey=True)
    enqueue("send_mails")
    return goto(onward or first_page(user))


@blueprint.post("/bewijs/passkey/vraag")
@signed_in
def ask_proof():
    return options(passkeys.ask_proof(me(), session_interface.key()))


@blueprint.post("/bewijs/passkey")
@signed_in
def prove_with_passkey():
    onward = own_path(request.args.get("verder")) or first_page(me())
    try:
        passkeys.prove(me(), session_interface.key(), request.form.get("answer", ""))
    except PasskeyRefused as error:
        flash(say(error), "bad")
        return goto(url_for("account.prove", verder=onward))
    proved(me(), "passkey")
    return saved_forms.go_on(onward)
