from flask import Blueprint

from blueprints.access import ALL, for_client
from blueprints.answers import render
from domain import accounts, bank_links

blueprint = Blueprint("settings", __name__)


@blueprint.get("/<client>/instellingen")
@for_client(ALL)
def settings(membership):
    """Who you are here, what may be paid, where help is, and the way out."""
    return render(
        "settings/settings.html", membership=membership, accounts=bank_links.accounts(membership.client),
        members=accounts.members_of(membership.client), others=accounts.memberships_of(membership.user),
    )  # fmt: skip
