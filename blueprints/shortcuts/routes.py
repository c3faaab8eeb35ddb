from flask import Blueprint, request

from blueprints.web.authorization import signed_in
from blueprints.web.current_user import current_user_row
from blueprints.web.responses import redirect_to
from domain.accounts import accounts

PATHS = ("saldo", "saldo/toevoegen", "betalingen", "apps", "apps/nmbrs", "instellingen", "welkom")

blueprint = Blueprint("shortcuts", __name__)


@signed_in
def redirect_to_client():
    membership = accounts.first_membership(current_user_row())
    if membership is None:
        return redirect_to("/overzicht")
    return redirect_to(f"/{membership.client.public_id}{request.path}")


for path in PATHS:
    blueprint.add_url_rule(f"/{path}", f"to_{path.replace('/', '_')}", redirect_to_client)
