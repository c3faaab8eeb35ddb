"""What a member changes of the own details, and an owner of those of the company."""

from flask import flash, url_for
from flask_babel import gettext as _

from blueprints.settings.forms import CompanyNameForm, NameForm
from blueprints.settings.routes import blueprint
from blueprints.web.acts import does
from blueprints.web.error_messages import message_for
from blueprints.web.responses import redirect_to, render
from domain.common.errors import NameRefused
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


def _saved(changed: bool):
    if changed:
        enqueue("send_mails")
    flash(_("Opgeslagen.") if changed else _("Er is niets veranderd."), "good")
    return redirect_to(url_for("settings.settings"))
