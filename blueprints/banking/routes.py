from flask import Blueprint, flash, url_for
from flask_babel import gettext as _
from flask_login import login_required
from htmx_flask import request

from blueprints.banking.forms import BankForm
from blueprints.banking.presenters.accounts import (
    group_accounts,
    new_account_task,
    unconfirmed_task,
)
from blueprints.web.acts import does
from blueprints.web.authorization import ALL, for_client, psu
from blueprints.web.current_user import current_user_row
from blueprints.web.error_messages import message_for
from blueprints.web.forms import ActionForm
from blueprints.web.responses import redirect_to, render
from blueprints.web.urls import safe_local_path
from domain.banking import account_sync, bank_accounts, bank_configs, consents, linking, oauth_grants
from domain.common.errors import (
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
from domain.identity import identification

blueprint = Blueprint("banking", __name__)


@blueprint.get("/<client>/saldo")
@for_client(ALL)
def balances(membership):
    """Show the stored balances at once; htmx then refreshes them at the banks, with the customer present."""
    client = membership.client
    return render(
        "banking/balances.html",
        unconfirmed=[unconfirmed_task(consent) for consent in linking.awaiting_holder_confirmation(client)],
        **_known(client, stale=account_sync.needs_refresh(client)),
    )


def _known(client, stale=False, late=""):
    found = bank_accounts.payable_accounts(client)
    known = [account.balance_cents for account in found if account.balance_cents is not None]
    return {
        "count": len(found), "known": len(known), "total": sum(known) if known else None,
        "groups": group_accounts(found, consents.consents_of_client(client)), "stale": stale, "late": late,
    }


@blueprint.post("/<client>/saldo/vernieuwen")
@for_client(ALL)
def refresh_balances(membership):
    client, late = membership.client, ""
    try:
        account_sync.refresh_balances(client, psu())
    except BankUnavailable:
        late = _("Een of meer banken zijn nu niet bereikbaar. Je ziet het laatst bekende saldo.")
    if request.htmx:
        return render("banking/_accounts.html", **_known(client, late=late))
    if late:
        flash(late, "warn")
    return redirect_to(url_for("banking.balances"))


@blueprint.post("/<client>/saldo/verlengen/<int:consent_id>")
@does("link_bank")
def renew_consent(membership, consent_id):
    """Start a new consent at the same bank; the accounts stay."""
    client, user = membership.client, membership.user
    consent, here = linking.get_consent(client, consent_id), url_for("banking.balances")
    try:
        identification.require_fresh_authority(client, user)
        return redirect_to(linking.start_consent(client, user, consent.bank, psu(), here))
    except (NotIdentified, AuthorityRefused) as error:
        flash(message_for(error), "info")
        return redirect_to(url_for("onboarding.identify", verder=here))
    except DomainError as error:
        flash(message_for(error), "bad")
        return redirect_to(here)


@blueprint.route("/<client>/saldo/toevoegen", methods=["GET", "POST"])
@does("link_bank", read_by=ALL)
def choose_bank(membership):
    """Choose a bank and redirect to its consent page. Requires identification, which returns to this page."""
    client, user = membership.client, membership.user
    onward = safe_local_path(request.args.get("verder"))
    try:
        identification.require_authority(client, user)
    except NotIdentified as error:
        flash(message_for(error), "info")
        return redirect_to(url_for("onboarding.identify", verder=_here()))
    except AuthorityRefused:
        return redirect_to(url_for("onboarding.identify"))
    except (RegisterUnavailable, UnknownCompany) as error:
        flash(message_for(error), "bad")
        return redirect_to(url_for("banking.balances"))
    form = BankForm()
    if form.validate_on_submit():
        try:
            return redirect_to(linking.start_consent(client, user, form.bank.data or "", psu(), onward))
        except DomainError as error:
            flash(message_for(error), "bad")
            return redirect_to(_here())
    return render("banking/add.html", 422 if form.errors else 200, form=form, banks=_banks(), onward=onward)


def _banks():
    try:
        return bank_configs.banks()
    except BankUnavailable:
        return []  # the page says that no bank is reachable


@blueprint.get("/bank/terug")
@login_required
def oauth_return():
    """Receive the OAuth redirect of an intermediary (Ponto) and continue as for any bank. One redirect URI serves all
    customers.
    """
    state = request.args.get("state", "")
    try:
        oauth_grants.complete_authorization(current_user_row(), state, request.args.get("code"))
    except NotFound:
        raise
    except DomainError as error:
        flash(message_for(error), "bad")
        return redirect_to(url_for("shortcuts.to_saldo"))
    return redirect_to(url_for("banking.consent_return", state=state))


@blueprint.get("/bank/terug/<state>")
@login_required
def consent_return(state):
    """Receive the redirect from the bank. Only its state is trusted: the consent's status is read from the bank."""
    try:
        consent = linking.complete_consent(state, current_user_row(), psu())
    except ConsentPending:
        if "geweigerd" not in request.args:
            return render("banking/pending.html", again=request.path)
        flash(message_for(ConsentRefused()), "warn")
        return redirect_to(url_for("shortcuts.to_saldo"))
    except NotFound:
        raise
    except BankUnavailable as error:
        flash(message_for(error), "warn")
        return render("banking/pending.html", again=request.path)
    except DomainError as error:
        flash(message_for(error), "bad")
        return redirect_to(url_for("shortcuts.to_saldo"))
    client_id = consent.client.public_id
    if consent.holder_confirmed_at:
        flash(_("Je bankrekening is gekoppeld."), "good")
        return redirect_to(safe_local_path(consent.return_path) or url_for("banking.balances", client=client_id))
    return redirect_to(url_for("banking.confirm_holder", client=client_id, consent_id=consent.id))


@blueprint.route("/<client>/saldo/bevestigen/<int:consent_id>", methods=["GET", "POST"])
@does("confirm_holder", read_by=ALL)
def confirm_holder(membership, consent_id):
    """Confirm the account holder's name that the bank reports; only then can these accounts pay."""
    client, form = membership.client, ActionForm()
    consent = linking.get_consent(client, consent_id)
    if form.validate_on_submit():
        try:
            consent = linking.confirm_holder(client, membership.user, consent_id)
        except ConsentPending as error:
            flash(message_for(error), "warn")
            return redirect_to(url_for("banking.balances"))
        flash(_("Je bankrekening is gekoppeld."), "good")
        return redirect_to(safe_local_path(consent.return_path) or url_for("banking.balances"))
    accounts = [new_account_task(account) for account in bank_accounts.accounts_of_consent(consent)]
    return render("banking/confirm.html", form=form, consent=consent, accounts=accounts)


def _here() -> str:
    return request.full_path.rstrip("?")
