from hashlib import sha256
from typing import Any

from flask import Blueprint, request

from blueprints.banking.presenters import consents as bank_words
from blueprints.payments.presenters.payment_list import present_rows
from blueprints.payments.presenters.status import DONE, TO_DO, UNDER_WAY
from blueprints.payroll.presenters.status import connection_words, result_words
from blueprints.pwa import splash
from blueprints.team.presenter import ROLES
from blueprints.web.authorization import ALL, for_client, signed_in
from blueprints.web.current_user import current_user_row
from blueprints.web.responses import not_modified, redirect_to, render, render_fragment
from blueprints.web.step_up import current_device
from core.clock import amsterdam, utcnow
from domain.accounts import devices
from domain.banking import consents
from domain.overview import blockers, onboarding, worklist
from domain.payments import queries
from domain.payments.queries import BatchRow
from models import Client

blueprint = Blueprint("overview", __name__)

LATEST, MOST = 5, 20


@blueprint.get("/overzicht")
@signed_in
def all_clients():
    """List the clients with what waits in each; with one client, redirect to it; without any, explain what to do."""
    rows = worklist.worklist_for(current_user_row())
    if not rows:
        return render("overview/none.html")
    if len(rows) == 1:
        return redirect_to(f"/{rows[0].public_id}/overzicht")
    todo, rest = [row for row in rows if row.anything], [row for row in rows if not row.anything]
    count = sum(row.payments for row in rows)
    return render(
        "overview/all.html", waiting_count=count, todo=todo, rest=rest, roles=ROLES,
        first_name=current_user_row().name.split()[0],
    )  # fmt: skip


@blueprint.get("/<client>/overzicht")
@for_client(ALL)
def overview(membership):
    """Show what needs attention for one client."""
    client, user = membership.client, membership.user
    steps = onboarding.steps(client, user)
    todo = next((step for step in steps if step.current and step.key != "webhook"), None)
    if todo and todo.key in ("email", "pin"):
        return redirect_to(f"/{client.public_id}/welkom")
    rows, approved = queries.list_batches(client, MOST, TO_DO), queries.approved_by_me(client, user)
    now = _now(client, todo, [row for row in rows if row.reference not in approved])
    if not_modified(now["seen"]):
        return "", 204
    return render_fragment(
        "overview/overview.html", "overview/_looked.html", client=client, **now,
        for_another=present_rows([row for row in rows if row.reference in approved], client.public_id),
        under_way=present_rows(queries.list_batches(client, MOST, UNDER_WAY), client.public_id),
        done=present_rows(queries.list_batches(client, LATEST, DONE), client.public_id),
        hour=amsterdam(utcnow()).hour, first_name=user.name.split()[0], bank_words=bank_words,
        offer_install=not todo and devices.should_offer_install(current_device()),
        splashes=splash.wanted(request.user_agent.string),
        waiting_count=worklist.pending_count(user),
    )  # fmt: skip


def _now(client: Client, todo: onboarding.OnboardingStep | None, waiting_rows: list[BatchRow]) -> dict[str, Any]:
    """Return what needs attention and what is in progress, with a hash by which polling detects changes."""
    held = blockers.find_blockers(client)
    links = [(one, connection_words(one)) for one in held.links]
    refused, coming = ([(row, result_words(row)) for row in rows] for rows in (held.refused, held.coming))
    to_renew = consents.consents_needing_renewal(client)
    mendable = sum(1 for _one, stands in links if stands["way"])
    told = repr((waiting_rows, todo, links, refused, coming, held.unmapped, to_renew))
    return {
        "waiting_rows": present_rows(waiting_rows, client.public_id), "todo": todo, "links": links,
        "refused": refused, "coming": coming, "unmapped": held.unmapped, "to_renew": to_renew,
        "seen": sha256(told.encode()).hexdigest()[:16],
        "things": len(to_renew) + mendable + len(refused) + bool(held.unmapped),
    }  # fmt: skip


@blueprint.post("/<client>/overzicht/beginscherm")
@for_client(ALL)
def dismiss_install_offer(membership):
    """Record that installing the app was offered on this device, so that it is not offered again."""
    device = current_device()
    if device is not None:
        devices.mark_install_offered(device)
    return redirect_to(f"/{membership.client.public_id}/overzicht")
