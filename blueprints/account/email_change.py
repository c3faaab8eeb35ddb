"""The links of a change of e-mail address: one confirms it from the new mailbox, one stops it from the old.

Each page shows a button; only a POST changes anything, because mail scanners open links.
"""

from flask import flash, request, url_for
from flask_babel import gettext as _
from flask_login import login_required

from blueprints.account.routes import blueprint, first_page
from blueprints.web.current_user import current_user_row
from blueprints.web.forms import ActionForm
from blueprints.web.responses import redirect_to, render
from blueprints.web.session_interface import secret
from domain.accounts import accounts, email_change, rate_limits
from domain.common.errors import LinkExpired
from jobs import enqueue


@blueprint.route("/e-mailadres/<token>", methods=["GET", "POST"])
@login_required
def confirm_new_email(token):
    """Confirm the new address, signed in as who asked for it."""
    form, user = ActionForm(), current_user_row()
    if not form.validate_on_submit():
        works = email_change.is_confirmable(user, token)
        return render("account/confirm_new_email.html", form=form, fresh=works, onward=first_page(user))
    try:
        email_change.confirm_change(user, token, secret())
    except LinkExpired:
        return render("account/confirm_new_email.html", 410, form=form, fresh=False, onward=first_page(user))
    enqueue("send_mails")
    flash(_("Je e-mailadres is gewijzigd. Je bent op alle andere apparaten uitgelogd."), "good")
    return redirect_to(first_page(user))


@blueprint.route("/e-mailadres/stoppen/<token>", methods=["GET", "POST"])
def stop_email_change(token):
    """Stop the change, sign out everywhere, and lead to a new password."""
    form = ActionForm()
    if not form.validate_on_submit():
        return render("account/stop_email_change.html", form=form, fresh=email_change.is_stoppable(token))
    rate_limits.consume_attempt("mail.address", rate_limits.client_subnet(request.remote_addr or ""))
    try:
        user = email_change.stop_change(token)
    except LinkExpired:
        return render("account/stop_email_change.html", 410, form=form, fresh=False)
    accounts.request_password_reset(user.email)
    enqueue("send_mails")
    flash(_("De wijziging is gestopt en je bent overal uitgelogd. Je krijgt een mail om een nieuw wachtwoord te "
            "kiezen."), "good")
    return redirect_to(url_for("account.sign_in"))
