from flask import Blueprint, request, url_for
from flask_login import login_required

from blueprints.web.current_user import current_user_row
from blueprints.web.responses import redirect_to
from domain.accounts import accounts

# Path without a client, and the view in a client that it leads to.
SHORTCUTS = {
    "saldo": "banking.balances",
    "saldo/toevoegen": "banking.choose_bank",
    "betalingen": "payments.list_payments",
    "apps": "payroll.apps",
    "apps/nmbrs": "payroll.overview",
    "instellingen": "settings.settings",
    "welkom": "onboarding.welcome",
}

blueprint = Blueprint("shortcuts", __name__)


@login_required
def redirect_to_client():
    membership = accounts.first_membership(current_user_row())
    if membership is None:
        return redirect_to(url_for("overview.all_clients"))
    view = SHORTCUTS[request.path.removeprefix("/")]
    return redirect_to(url_for(view, client=membership.client.public_id))


for path in SHORTCUTS:
    blueprint.add_url_rule(f"/{path}", f"to_{path.replace('/', '_')}", redirect_to_client)
