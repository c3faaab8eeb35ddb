"""*Dit ben ik niet*: withdraw an identification with somebody else's card, while nothing rests on it."""

from flask import flash, url_for
from flask_babel import gettext as _

from blueprints.onboarding.forms import WithdrawalForm
from blueprints.onboarding.routes import blueprint
from blueprints.web.acts import does
from blueprints.web.error_messages import message_for
from blueprints.web.field_errors import redirect_with_errors
from blueprints.web.responses import redirect_to, render
from domain.common.errors import IdentificationInUse, SignInRefused
from domain.team import wrong_identification
from jobs import enqueue


@blueprint.route("/<client>/identificatie/dit-ben-ik-niet", methods=["GET", "POST"])
@does("withdraw_identification", secret_too=True)
def withdraw_identification(membership):
    """Say what it means; withdraw with the password."""
    form, user, here = WithdrawalForm(), membership.user, url_for("onboarding.withdraw_identification")
    if not form.validate_on_submit():
        if form.errors and form.is_submitted():
            return redirect_with_errors(form, here)
        possible = wrong_identification.can_withdraw(user)
        return render("onboarding/withdraw_identification.html", form=form, can_withdraw=possible)
    try:
        wrong_identification.withdraw_identification(user, form.password.data or "")
    except SignInRefused:
        form.password.errors = [_("Dit wachtwoord klopt niet. Probeer het opnieuw.")]
        return redirect_with_errors(form, here)
    except IdentificationInUse as error:
        flash(message_for(error), "bad")
    else:
        enqueue("send_mails")
        flash(_("De identificatie is verwijderd. Identificeer je nu met je eigen bankpas."), "good")
    return redirect_to(url_for("onboarding.identify"))
