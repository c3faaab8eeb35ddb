from urllib.parse import quote

from flask import Blueprint, flash, request
from flask_babel import gettext as _

from blueprints.access import ALL, for_client, psu, signed_in
from blueprints.answers import goto, render
from blueprints.bank.forms import BankForm, GoForm
from blueprints.paths import own_path
from blueprints.who import me
from blueprints.words import say
from domain import bank_links, identification
from domain.errors import (
    AuthorityRefused,
    BankUnavailable,
    ConsentPending,
    ConsentRefused,
    DomainError,
    NotFound,
    NotIdentified,
    RegisterUnavailable,
    UnknownCompany,
)

blueprint = Blueprint("bank", __name__)


@blueprint.get("/<client>/saldo")
@for_client(ALL)
def balances(membership):
    found = bank_links.accounts(membership.client)
    known = [account.balance_cents for account in found if account.balance_cents is not None]
    return render("bank/balances.html", accounts=found, total=sum(known) if known else None, form=GoForm())


@blueprint.post("/<client>/saldo/vernieuwen")
@for_client(ALL)
def refresh(membership):
    try:
        bank_links.refresh_balances(membership.client, psu())
    except BankUnavailable:
        flash(_("Niet elke bank was bereikbaar. Je ziet daar het laatst bekende saldo."), "warn")
    return goto(f"/{membership.client.public_id}/saldo")


@blueprint.route("/<client>/saldo/toevoegen", methods=["GET", "POST"])
@for_client(ALL)
def add(membership):
    """Choose a bank and go there. Who has not identified goes that way first, and comes back here."""
    client, user = membership.client, membership.user
    onward = own_path(request.args.get("verder"))
    try:
        identification.require_authority(client, user)
    except NotIdentified as error:
        flash(say(error), "info")
        return goto(f"/{client.public_id}/identificatie?verder={quote(_here())}")
    except AuthorityRefused:
        return goto(f"/{client.public_id}/identificatie")
    except (RegisterUnavailable, UnknownCompany) as error:
        flash(say(error), "bad")
        return goto(f"/{client.public_id}/saldo")
    form = BankForm()
    if form.validate_on_submit():
        try:
            return goto(bank_links.begin_link(client, user, form.bank.data or "", psu(), onward))
        except DomainError as error:
            flash(say(error), "bad")
            return goto(_here())
    return render("bank/add.html", 422 if form.errors else 200, form=form, banks=bank_links.banks())


@blueprint.get("/bank/terug/<state>")
@signed_in
def back(state):
    """The way back from the bank proves nothing but its state: the bank is asked whether it agreed."""
    try:
        link = bank_links.finish_link(state, me(), psu())
    except ConsentPending:
        if "geweigerd" not in request.args:
            return render("bank/pending.html", again=request.path)
        flash(say(ConsentRefused()), "warn")
        return goto("/saldo")
    except NotFound:
        raise
    except BankUnavailable as error:
        flash(say(error), "warn")
        return render("bank/pending.html", again=request.path)
    except DomainError as error:
        flash(say(error), "bad")
        return goto("/saldo")
    return goto(f"/{link.client.public_id}/saldo/bevestigen/{link.id}")


@blueprint.route("/<client>/saldo/bevestigen/<int:link_id>", methods=["GET", "POST"])
@for_client(ALL)
def confirm_holder(membership, link_id):
    """The name as the bank has it, to be confirmed; from then on these accounts can pay."""
    client, form = membership.client, GoForm()
    link = bank_links.link_of(client, link_id)
    if form.validate_on_submit():
        try:
            link = bank_links.confirm_holder(client, membership.user, link_id)
        except ConsentPending as error:
            flash(say(error), "warn")
            return goto(f"/{client.public_id}/saldo")
        flash(_("Je bankrekening is gekoppeld."), "good")
        return goto(own_path(link.next_page) or f"/{client.public_id}/saldo")
    return render("bank/confirm.html", form=form, link=link, accounts=bank_links.accounts_of_link(link))


def _here() -> str:
    return request.full_path.rstrip("?")
