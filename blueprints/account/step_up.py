"""Showing again who one is, and saying that a device is one's own."""

from flask import flash, request, url_for
from flask_babel import gettext as _

from blueprints.account.forms import ConfirmForm, PasswordForm
from blueprints.account.routes import blueprint, first_page, spend_on_mail
from blueprints.web import saved_forms
from blueprints.web.authorization import signed_in
from blueprints.web.current_user import me
from blueprints.web.error_messages import say
from blueprints.web.responses import goto, render
from blueprints.web.step_up import here, proved
from blueprints.web.urls import own_path
from domain.accounts import accounts, devices, passkeys
from domain.common.errors import LinkExpired, SignInRefused
from jobs import enqueue


@blueprint.route("/bewijs", methods=["GET", "POST"])
@signed_in
def prove():
    """Before something that matters: the password or a passkey once more."""
    onward = own_path(request.args.get("verder")) or first_page(me())
    form = PasswordForm()
    if form.validate_on_submit():
        try:
            accounts.prove_password(me(), form.password.data or "")
        except SignInRefused:
            form.password.errors = [_("Dit wachtwoord klopt niet. Probeer het opnieuw.")]
        else:
            proved(me(), "password")
            return saved_forms.go_on(onward)
    status = 422 if form.errors else 200
    return render("account/prove.html", status, form=form, onward=onward, passkeys=passkeys.any_of(me()))


@blueprint.route("/apparaat", methods=["GET", "POST"])
@signed_in
def device():
    """This device is not confirmed yet: by a mail, a passkey or an identification it is."""
    onward, found, form = own_path(request.args.get("verder")) or first_page(me()), here(), ConfirmForm()
    if found is not None and found.confirmed_at is not None:
        return goto(onward)
    if form.validate_on_submit():
        if found is None:  # a session from before devices were known
            flash(_("Log opnieuw in; daarna kun je dit apparaat bevestigen."), "warn")
            return goto(url_for("account.device", verder=onward))
        spend_on_mail(me().email)
        devices.ask_by_mail(me(), found.id)
        enqueue("send_mails")
        flash(_("We hebben je een mail gestuurd. Open de link op dit apparaat, in deze browser."), "good")
        return goto(url_for("account.device", verder=onward))
    membership = accounts.first_membership(me())
    return render(
        "account/device.html", form=form, onward=onward, passkeys=passkeys.any_of(me()), told=devices.view(found),
        membership=membership,
    )  # fmt: skip


@blueprint.route("/apparaat/<token>", methods=["GET", "POST"])
@signed_in
def confirm_device(token):
    """GET shows a button and changes nothing: mail scanners open links, the person presses."""
    form, found = ConfirmForm(), here()
    if not form.validate_on_submit():
        return render("account/confirm_device.html", form=form, told=devices.view(found))
    try:
        devices.confirm_by_link(me(), found.id if found else None, token)
    except LinkExpired as error:
        flash(say(error), "bad")
        return goto("/apparaat")
    flash(_("Dit apparaat is bevestigd. Je kunt nu betalingen goedkeuren."), "good")
    return goto(first_page(me()))
