from flask import Blueprint

from blueprints.access import ALL, for_client, signed_in
from blueprints.answers import goto, render
from blueprints.bank import words as bank_words
from blueprints.batches import words
from blueprints.members.words import ROLES
from blueprints.proving import here
from blueprints.who import me
from core.clock import amsterdam, utcnow
from domain import consents, devices, onboarding, payments, waiting

blueprint = Blueprint("overview", __name__)

LATEST, MOST = 5, 20


@blueprint.get("/overzicht")
@signed_in
def all_clients():
    """What waits where; with one client, straight to it; who takes part nowhere (any more) is told what to do."""
    rows = waiting.across(me())
    if not rows:
        return render("overview/none.html")
    if len(rows) == 1:
        return goto(f"/{rows[0].public_id}/overzicht")
    todo, rest = [row for row in rows if row.anything], [row for row in rows if not row.anything]
    count = sum(row.payments for row in rows)
    return render(
        "overview/all.html", waiting_count=count, todo=todo, rest=rest, roles=ROLES,
        first_name=me().name.split()[0],
    )  # fmt: skip


@blueprint.get("/<client>/overzicht")
@for_client(ALL)
def overview(membership):
    """One question: is there something I must do?"""
    client, user = membership.client, membership.user
    steps = onboarding.steps(client, user)
    todo = next((step for step in steps if step.current and step.key != "webhook"), None)
    if todo and todo.key in ("email", "pin"):
        return goto(f"/{client.public_id}/welkom")
    rows, approved = payments.batches(client, MOST, words.TO_DO), payments.approved_by_me(client, user)
    return render(
        "overview/overview.html", waiting_rows=[row for row in rows if row.reference not in approved],
        for_another=[row for row in rows if row.reference in approved],
        under_way=payments.batches(client, MOST, words.UNDER_WAY),
        done=payments.batches(client, LATEST, words.DONE), todo=todo, words=words,
        hour=amsterdam(utcnow()).hour, first_name=user.name.split()[0],
        to_renew=consents.to_renew(client), bank_words=bank_words,
        offer_install=not todo and devices.to_offer(here()), waiting_count=waiting.payments_of(user),
    )  # fmt: skip


@blueprint.post("/<client>/overzicht/beginscherm")
@for_client(ALL)
def home_screen_offered(membership):
    """The home screen was offered on this device; not again."""
    device = here()
    if device is not None:
        devices.offered(device)
    return goto(f"/{membership.client.public_id}/overzicht")
