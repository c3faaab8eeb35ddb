"""Login methods: passkeys and password. Every change requires reauthentication."""

from flask import flash, request, url_for
from flask_babel import gettext as _

from blueprints.account.forms import ChangePasswordForm
from blueprints.account.passkeys import options
from blueprints.settings.routes import blueprint
from blueprints.web import session_interface
from blueprints.web.acts import does
from blueprints.web.error_messages import message_for
from blueprints.web.responses import redirect_to, render
from blueprints.web.step_up import mark_reauthenticated
from domain.accounts import accounts, devices, passkeys, rate_limits
from domain.common.errors import PasskeyKnown, PasskeyRefused, SignInRefused, WeakPassword
from jobs import enqueue


@blueprint.get("/<client>/instellingen/passkeys")
@does("passkeys")
def list_passkeys(membership):
    told = devices.describe_user_agent(request.user_agent.string or "")
    return render("settings/passkeys.html", passkeys=passkeys.list_passkeys(membership.user), name=told or "Passkey")


@blueprint.post("/<client>/instellingen/passkeys/vraag")
@does("passkeys")
def passkey_options(membership):
    return options(passkeys.ask_registration(membership.user, session_interface.oidc_binding()))


@blueprint.post("/<client>/instellingen/passkeys")
@does("passkeys")
def add_passkey(membership):
    try:
        passkeys.register_passkey(
            membership.user,
            session_interface.oidc_binding(),
            request.form.get("answer", ""),
            request.form.get("name", ""),
        )
    except (PasskeyRefused, PasskeyKnown) as error:
        flash(message_for(error), "bad")
        return redirect_to(url_for("settings.list_passkeys"))
    mark_reauthenticated(membership.user, "password")
    enqueue("send_mails")
    flash(_("Je passkey is toegevoegd. Je kunt er nu mee inloggen en betalingen goedkeuren."), "good")
    return redirect_to(url_for("settings.list_passkeys"))


@blueprint.post("/<client>/instellingen/passkeys/<int:passkey_id>/naam")
@does("passkeys")
def rename_passkey(membership, passkey_id):
    passkeys.rename(membership.user, passkey_id, request.form.get("name", ""))
    flash(_("Je naam is gewijzigd."), "good")
    return redirect_to(url_for("settings.list_passkeys"))


@blueprint.post("/<client>/instellingen/passkeys/<int:passkey_id>/verwijderen")
@does("passkeys")
def remove_passkey(membership, passkey_id):
    passkeys.remove_passkey(membership.user, passkey_id)
    enqueue("send_mails")
    flash(_("De passkey is verwijderd. Je kunt altijd inloggen met je wachtwoord."), "good")
    return redirect_to(url_for("settings.list_passkeys"))


@blueprint.route("/<client>/instellingen/wachtwoord", methods=["GET", "POST"])
@does("password")
def change_password(membership):
    form = ChangePasswordForm()
    if not form.validate_on_submit():
        return render("settings/password.html", 422 if form.errors else 200, form=form)
    rate_limits.consume_attempt("prove.user", membership.user_id)
    try:
        key = session_interface.secret()
        accounts.change_password(membership.user, form.old.data or "", form.password.data or "", key)
    except SignInRefused:
        form.old.errors = [_("Dit wachtwoord klopt niet. Probeer het opnieuw.")]
    except WeakPassword as error:
        form.password.errors = [message_for(error)]
    else:
        rate_limits.reset_attempts("prove.user", membership.user_id)
        enqueue("send_mails")
        flash(_("Je wachtwoord is gewijzigd. Je bent op alle andere apparaten uitgelogd."), "good")
        return redirect_to(url_for("settings.settings"))
    return render("settings/password.html", 422, form=form)
