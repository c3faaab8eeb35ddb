"""Reauthentication, and confirmation of a device."""

from flask import flash, request, session, url_for
from flask_babel import gettext as _
from flask_login import login_required

from blueprints.account.forms import PasswordForm
from blueprints.account.routes import blueprint, first_page, spend_on_mail
from blueprints.web import saved_forms
from blueprints.web.current_user import current_user_row
from blueprints.web.error_messages import message_for
from blueprints.web.forms import ActionForm
from blueprints.web.responses import redirect_to, render
from blueprints.web.step_up import current_device, mark_reauthenticated
from blueprints.web.urls import safe_local_path
from domain.accounts import accounts, devices, passkeys
from domain.common.errors import LinkExpired, SignInRefused
from jobs import enqueue

# Where to go on once the mailed link confirms the device: the session holds it, and ends long after the link.
_ONWARD = "device_onward"


@blueprint.route("/bewijs", methods=["GET", "POST"])
@login_required
def reauthenticate():
    """Ask for the password or a passkey again, before a sensitive action."""
    onward = safe_local_path(request.args.get("verder")) or first_page(current_user_row())
    form = PasswordForm()
    if form.validate_on_submit():
        try:
            accounts.reauthenticate_with_password(current_user_row(), form.password.data or "")
        except SignInRefused:
            form.password.errors = [_("Dit wachtwoord klopt niet. Probeer het opnieuw.")]
        else:
            mark_reauthenticated(current_user_row(), "password")
            return saved_forms.go_on(onward)
    return render(
        "account/reauthenticate.html", 422 if form.errors else 200, form=form, onward=onward,
        passkeys=passkeys.has_passkey(current_user_row()),
    )


@blueprint.route("/apparaat", methods=["GET", "POST"])
@login_required
def unconfirmed_device():
    """Explain how to confirm this device: by mail, passkey or identification."""
    onward, found, form = (
        safe_local_path(request.args.get("verder")) or first_page(current_user_row()),
        current_device(),
        ActionForm(),
    )
    if found is not None and found.confirmed_at is not None:
        return redirect_to(onward)
    if form.validate_on_submit():
        if found is None:  # a session that started before devices were recorded
            flash(_("Log opnieuw in. Daarna kun je dit apparaat bevestigen."), "warn")
            return redirect_to(url_for("account.unconfirmed_device", verder=onward))
        spend_on_mail(current_user_row().email)
        devices.send_confirmation_mail(current_user_row(), found.id)
        enqueue("send_mails")
        session[_ONWARD] = safe_local_path(request.args.get("verder"))
        flash(_("We hebben je een mail gestuurd. Open de link op dit apparaat, in deze browser."), "good")
        return redirect_to(url_for("account.unconfirmed_device", verder=onward))
    membership = accounts.first_membership(current_user_row())
    return render(
        "account/unconfirmed_device.html", form=form, onward=onward, passkeys=passkeys.has_passkey(current_user_row()),
        told=devices.device_view(found), membership=membership,
    )  # fmt: skip


@blueprint.route("/apparaat/<token>", methods=["GET", "POST"])
@login_required
def confirm_device(token):
    """Show a button; only a POST changes anything, because mail scanners open links. Then go on with what asked it."""
    form, found = ActionForm(), current_device()
    onward = safe_local_path(session.get(_ONWARD)) or first_page(current_user_row())
    if not form.validate_on_submit():
        return render("account/confirm_device.html", form=form, told=devices.device_view(found))
    try:
        devices.confirm_by_link(current_user_row(), found.id if found else None, token)
    except LinkExpired as error:
        flash(message_for(error), "bad")
        return redirect_to(url_for("account.unconfirmed_device", verder=session.get(_ONWARD)))
    session.pop(_ONWARD, None)
    flash(_("Dit apparaat is bevestigd. Je kunt nu betalingen goedkeuren."), "good")
    return redirect_to(onward)
