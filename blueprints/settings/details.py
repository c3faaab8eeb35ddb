"""What a member changes of the own details, and an owner of those of the company."""

from flask import flash, url_for
from flask_babel import gettext as _

from blueprints.account.routes import spend_on_mail
from blueprints.settings.forms import CompanyNameForm, EmailChangeForm, NameForm
from blueprints.settings.routes import blueprint
from blueprints.web.acts import does
from blueprints.web.error_messages import message_for
from blueprints.web.responses import redirect_to, render
from domain.accounts import email_change
from domain.common.errors import NameRefused, SignInRefused
from domain.identity import identification
from domain.team import renaming
from jobs import enqueue


@blueprint.route("/<client>/instellingen/naam", methods=["GET", "POST"])
@does("own_name", "name")
def change_name(membership):
    form, user = NameForm(obj=membership.user), membership.user
    if form.validate_on_submit():
        try:
            return _saved(renaming.rename_user(user, form.name.data or ""))
        except NameRefused as error:
            form.name.errors = [message_for(error)]
    status = 422 if form.errors else 200
    return render("settings/name.html", status, form=form, identified=identification.is_identified(user))


@blueprint.route("/<client>/instellingen/bedrijf", methods=["GET", "POST"])
@does("company_name", "name")
def change_company_name(membership):
    form = CompanyNameForm(obj=membership.client)
    if form.validate_on_submit():
        return _saved(renaming.rename_client(membership, form.name.data or ""))
    return render("settings/company_name.html", 422 if form.errors else 200, form=form)


@blueprint.route("/<client>/instellingen/e-mailadres", methods=["GET", "POST"])
@does("email", "email", secret_too=True)
def change_email(membership):
    """Ask for the new address and the password; say what waits for its confirmation."""
    form, user = EmailChangeForm(), membership.user
    if form.validate_on_submit():
        spend_on_mail(form.email.data or "")
        try:
            asked = email_change.request_change(user, form.email.data or "", form.password.data or "")
        except SignInRefused:
            form.password.errors = [_("Dit wachtwoord klopt niet. Probeer het opnieuw.")]
        else:
            return _asked(asked)
    status = 422 if form.errors else 200
    return render("settings/email.html", status, form=form, user=user, waiting=email_change.pending_change(user))


def _asked(asked: bool):
    if not asked:
        flash(_("Dit is al je e-mailadres. Er is niets veranderd."), "info")
        return redirect_to(url_for("settings.change_email"))
    enqueue("send_mails")
    sent = _("We hebben een mail gestuurd naar je nieuwe adres. Tik op de knop in die mail om het te bevestigen.")
    flash(sent, "good")
    return redirect_to(url_for("settings.change_email"))


@blueprint.post("/<client>/instellingen/e-mailadres/annuleren")
@does("email")
def withdraw_email_change(membership):
    ended = email_change.withdraw_change(membership.user)
    done = _("De wijziging is geannuleerd. Je e-mailadres blijft hetzelfde.")
    flash(done if ended else _("Er is niets veranderd."), "good")
    return redirect_to(url_for("settings.change_email"))


def _saved(changed: bool):
    if changed:
        enqueue("send_mails")
    flash(_("Opgeslagen.") if changed else _("Er is niets veranderd."), "good")
    return redirect_to(url_for("settings.settings"))
