from flask import Blueprint

from blueprints.access import ALL, for_client
from blueprints.answers import goto, render
from blueprints.bank import words as bank_words
from blueprints.batches import words
from core.clock import amsterdam, utcnow
from domain import consents, onboarding, payments

blueprint = Blueprint("overview", __name__)

LATEST, MOST = 5, 20


@blueprint.get("/<client>/overzicht")
@for_client(ALL)
def overview(membership):
    """One question: is there something I must do?"""
    client, user = membership.client, membership.user
    steps = onboarding.steps(client, user)
    todo = next((step for step in steps if step.current and step.key != "webhook"), None)
    if todo and todo.key in ("email", "pin"):
        return goto(f"/{client.public_id}/welkom")
    waiting = payments.batches(client, MOST, words.TO_DO)
    return render(
        "overview/overview.html", waiting_rows=waiting, under_way=payments.batches(client, MOST, words.UNDER_WAY),
        done=payments.batches(client, LATEST, words.DONE), todo=todo, words=words,
        hour=amsterdam(utcnow()).hour, first_name=user.name.split()[0],
        to_renew=consents.to_renew(client), bank_words=bank_words,
    )  # fmt: skip
