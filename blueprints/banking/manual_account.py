"""Add an account without a bank link, by IBAN and holder. Its payments are submitted manually, as a file."""

from flask import flash, request, url_for
from flask_babel import gettext as _

from blueprints.banking.forms import ManualAccountForm
from blueprints.banking.routes import blueprint
from blueprints.web.acts import does
from blueprints.web.authorization import ALL
from blueprints.web.error_messages import message_for
from blueprints.web.responses import redirect_to, render
from blueprints.web.urls import safe_local_path
from domain.common.errors import AccountExists, AuthorityRefused, HolderNameMissing, IbanInvalid, NotIdentified
from domain.identity import identification
from domain.orders import manual_submission


@blueprint.route("/<client>/saldo/toevoegen/zonder-koppeling", methods=["GET", "POST"])
@does("link_bank", "iban", "holder", read_by=ALL)
def add_manual_account(membership):
    """Add the account. Requires identification, which returns to this page."""
    client, form = membership.client, ManualAccountForm()
    try:
        identification.require_fresh_authority(client, membership.user)
    except NotIdentified as error:
        flash(message_for(error), "info")
        return redirect_to(url_for("onboarding.identify", verder=request.full_path.rstrip("?")))
    except AuthorityRefused:
        return redirect_to(url_for("onboarding.identify"))
    if request.method == "GET":
        form.holder.data = form.holder.data or client.name
    elif form.validate_on_submit():
        try:
            manual_submission.add_account(client, membership.user, form.iban.data or "", form.holder.data or "")
        except (IbanInvalid, AccountExists) as error:
            form.iban.errors = [message_for(error)]
        except HolderNameMissing as error:
            form.holder.errors = [message_for(error)]
        else:
            flash(_("De rekening is toegevoegd. Betaalbestanden upload je zelf bij je bank."), "good")
            return redirect_to(safe_local_path(request.args.get("verder")) or url_for("banking.balances"))
    return render("banking/manual_account.html", 422 if form.errors else 200, form=form)
