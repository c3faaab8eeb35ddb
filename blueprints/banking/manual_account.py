"""An account without a bank link: its number and whose it is, and payments from it go as a file."""

from urllib.parse import quote

from flask import flash, request
from flask_babel import gettext as _

from blueprints.banking.forms import HandForm
from blueprints.banking.routes import blueprint
from blueprints.web.authorization import ALL, for_client, fresh_keeping
from blueprints.web.error_messages import say
from blueprints.web.responses import goto, render
from blueprints.web.urls import own_path
from domain.common.errors import AccountExists, AuthorityRefused, IbanInvalid, NameMissing, NotIdentified
from domain.identity import identification
from domain.orders import manual_submission


@blueprint.route("/<client>/saldo/toevoegen/zonder-koppeling", methods=["GET", "POST"])
@for_client(ALL)
@fresh_keeping("iban", "holder")
def add_by_hand(membership):
    """Who has not identified goes that way first, and comes back here, as for a link."""
    client, form = membership.client, HandForm()
    try:
        identification.may_link_bank(client, membership.user)
    except NotIdentified as error:
        flash(say(error), "info")
        here = quote(request.full_path.rstrip("?"))
        return goto(f"/{client.public_id}/identificatie?verder={here}")
    except AuthorityRefused:
        return goto(f"/{client.public_id}/identificatie")
    if request.method == "GET":
        form.holder.data = form.holder.data or client.name
    elif form.validate_on_submit():
        try:
            manual_submission.add_account(client, membership.user, form.iban.data or "", form.holder.data or "")
        except (IbanInvalid, AccountExists) as error:
            form.iban.errors = [say(error)]
        except NameMissing as error:
            form.holder.errors = [say(error)]
        else:
            flash(_("De rekening is toegevoegd. Betalingen gaan als bestand dat je zelf naar je bank brengt."), "good")
            return goto(own_path(request.args.get("verder")) or f"/{client.public_id}/saldo")
    return render("banking/manual_account.html", 422 if form.errors else 200, form=form)
