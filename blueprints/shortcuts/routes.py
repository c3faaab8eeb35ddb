from flask import Blueprint, request

from blueprints.web.authorization import signed_in
from blueprints.web.current_user import me
from blueprints.web.responses import goto
from domain.accounts import accounts

PATHS = ("saldo", "saldo/toevoegen", "betalingen", "apps", "apps/nmbrs", "instellingen", "welkom")

blueprint = Blueprint("shortcuts", __name__)


@signed_in
def lead_on():
    membership = accounts.first_membership(me())
    if membership is None:
        return goto("/overzicht")
    return goto(f"/{membership.client.public_id}{request.path}")


for path in PATHS:
    blueprint.add_url_rule(f"/{path}", f"to_{path.replace('/', '_')}", lead_on)
