"""Signing in with a passkey, and showing with one who is there."""

from flask import Response, flash, request, url_for

from blueprints import sessions, typed
from blueprints.access import signed_in
from blueprints.account.routes import blueprint, first_page
from blueprints.answers import goto
from blueprints.paths import own_path
from blueprints.proving import enter, proved
from blueprints.wake import wake
from blueprints.who import me
from blueprints.words import say
from domain import attempts, passkeys
from domain.errors import EmailNotConfirmed, PasskeyRefused


def options(text: str) -> Response:
    """What a browser asks its passkeys."""
    return Response(text, mimetype="application/json")


@blueprint.post("/inloggen/passkey/vraag")
def ask_sign_in():
    attempts.spend("passkey.ask", attempts.network(request.remote_addr or ""))
    return options(passkeys.ask_sign_in(sessions.key()))


@blueprint.post("/inloggen/passkey")
def sign_in_with_passkey():
    onward = own_path(request.args.get("verder"))
    attempts.spend("passkey.address", attempts.network(request.remote_addr or ""))
    try:
        user = passkeys.sign_in(sessions.key(), request.form.get("answer", ""))
        if user.email_confirmed_at is None:
            raise EmailNotConfirmed
    except (PasskeyRefused, EmailNotConfirmed) as error:
        flash(say(error), "bad")
        return goto("/inloggen")
    attempts.refund("passkey.address", attempts.network(request.remote_addr or ""))
    enter(user, passkey=True)
    wake("send_mails")
    return goto(onward or first_page(user))


@blueprint.post("/bewijs/passkey/vraag")
@signed_in
def ask_proof():
    return options(passkeys.ask_proof(me(), sessions.key()))


@blueprint.post("/bewijs/passkey")
@signed_in
def prove_with_passkey():
    onward = own_path(request.args.get("verder")) or first_page(me())
    try:
        passkeys.prove(me(), sessions.key(), request.form.get("answer", ""))
    except PasskeyRefused as error:
        flash(say(error), "bad")
        return goto(url_for("account.prove", verder=onward))
    proved(me(), "passkey")
    return typed.go_on(onward)
