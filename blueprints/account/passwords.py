"""Reset a forgotten password by mail. After a reset, paying requires a new identification."""

from flask import flash, request, session, url_for
from flask_babel import gettext as _

from blueprints.account.forms import EmailForm, NewPasswordForm
from blueprints.account.routes import blueprint, spend_on_mail
from blueprints.web.error_messages import message_for
from blueprints.web.responses import redirect_to, render
from domain.accounts import accounts, rate_limits
from domain.common.errors import LinkExpired, WeakPassword
from jobs import enqueue


@blueprint.route("/wachtwoord-vergeten", methods=["GET", "POST"])
def request_password_reset():
    form = EmailForm()
    if not form.validate_on_submit():
        return render("account/request_password_reset.html", 422 if form.errors else 200, form=form)
    spend_on_mail(form.email.data or "")
    accounts.request_password_reset(form.email.data or "")
    enqueue("send_mails")
    flash(_("Als dit adres bij ons bekend is, krijg je een mail met een knop. De knop werkt 30 minuten."), "good")
    return redirect_to(url_for("account.sign_in"))


@blueprint.route("/wachtwoord/<token>", methods=["GET", "POST"])
def reset_password(token):
    """Show the form; only a POST changes anything, because mail scanners open links."""
    form = NewPasswordForm()
    if not form.validate_on_submit():
        works = accounts.is_link_valid(token, "reset")
        return render("account/reset_password.html", 422 if form.errors else 200, form=form, fresh=works)
    rate_limits.consume_attempt("mail.address", rate_limits.client_subnet(request.remote_addr or ""))
    try:
        user = accounts.reset_password(token, form.password.data or "")
    except WeakPassword as error:
        form.password.errors = [message_for(error)]
        return render("account/reset_password.html", 422, form=form, fresh=True)
    except LinkExpired:
        return render("account/reset_password.html", 410, form=form, fresh=False)
    session["reset_here"] = user.id
    enqueue("send_mails")
    flash(_("Je nieuwe wachtwoord is ingesteld. Je bent op alle andere apparaten uitgelogd. Log nu in."), "good")
    return redirect_to(url_for("account.sign_in"))
