from hashlib import sha256
from typing import Any

from flask import Blueprint, request, url_for
from flask_login import login_required

from blueprints.banking.presenters.consents import present_consent
from blueprints.overview import like_before, presenter
from blueprints.overview.balance import balance_rows
from blueprints.overview.payday import payday_rows
from blueprints.overview.plot import Plot, present_plot
from blueprints.payments.presenters.excess import excess_task
from blueprints.payments.presenters.payment_list import present_paid, present_rows
from blueprints.payments.presenters.status import DONE, UNDER_WAY
from blueprints.payments.presenters.unpaid import needs_attention, unpaid_task
from blueprints.payroll.presenters.status import connection_health, run_outcome
from blueprints.pwa import splash
from blueprints.web.authorization import ALL, MAY_PAY, for_client
from blueprints.web.current_user import current_user_row
from blueprints.web.responses import not_modified, redirect_to, render, render_fragment
from blueprints.web.step_up import current_device
from domain.accounts import devices
from domain.banking import consents
from domain.overview import blockers, onboarding, worklist
from domain.overview.monthly_totals import monthly_totals
from domain.payments import excess_views, queries
from domain.payments.excess_views import WaitingAllowance
from domain.payments.payment_views import BatchRow
from domain.payroll import unpaid
from domain.payroll.unpaid import UnpaidLine
from domain.team import salary_visibility
from models import Client, Membership

blueprint = Blueprint("overview", __name__)

LATEST, MOST = 5, 20


@blueprint.get("/overzicht")
@login_required
def all_clients():
    """List the clients with what waits in each; redirect if there is one; explain what to do if there is none."""
    rows = worklist.worklist_for(current_user_row())
    if not rows:
        return render("overview/none.html")
    if len(rows) == 1:
        return redirect_to(url_for("overview.overview", client=rows[0].public_id))
    return render(
        "overview/all.html", waiting_count=sum(row.payments for row in rows),
        to_do=[presenter.client_task(row) for row in rows if row.anything],
        rest=[presenter.client_task(row) for row in rows if not row.anything],
        first_name=current_user_row().name.split()[0],
    )  # fmt: skip


@blueprint.get("/<client>/overzicht")
@for_client(ALL)
def overview(membership):
    """Show what needs attention for one client."""
    client, user = membership.client, membership.user
    steps = onboarding.steps(client, user)
    step = next((step for step in steps if step.current and step.key != "webhook"), None)
    if step and step.key in ("email", "pin"):
        return redirect_to(url_for("onboarding.welcome"))
    rows, approved = queries.list_waiting(client, MOST), queries.approved_by_me(client, user)
    owed = unpaid.unpaid_lines(client)
    asked = excess_views.waiting_for(client, user) if membership.role in MAY_PAY else []
    to_do = _to_do(client, step, [row for row in rows if row.reference not in approved], owed, asked)
    if not_modified(to_do["seen"]):
        return "", 204
    return render_fragment(
        "overview/overview.html", "overview/_to_do_update.html", client=client, **to_do,
        for_another=present_rows([row for row in rows if row.reference in approved]),
        under_way=present_rows(queries.list_batches(client, MOST, UNDER_WAY)),
        done=present_paid(queries.list_batches(client, LATEST, DONE), owed),
        unpaid=None if needs_attention(owed) else unpaid_task(owed),
        like_before=like_before.present(membership, [row for row in rows if row.reference not in approved]),
        plot=_plot(membership), first_name=user.name.split()[0],
        offer_install=not step and devices.should_offer_install(current_device()),
        paydays=payday_rows(membership), shortfalls=balance_rows(client),
        splashes=splash.wanted(request.user_agent.string),
        waiting_count=worklist.pending_count(user),
    )  # fmt: skip


def _plot(membership: Membership) -> Plot | None:
    """Return what was paid per month, to members who may see salaries."""
    if not salary_visibility.can_see_lines(membership.role, membership.client):
        return None
    return present_plot(monthly_totals(membership.client))


def _to_do(
    client: Client, step: onboarding.OnboardingStep | None, waiting: list[BatchRow], owed: list[UnpaidLine],
    asked: list[WaitingAllowance],
) -> dict[str, Any]:  # fmt: skip
    """Return what needs attention and what is in progress, with a hash by which polling detects changes.

    `step`: the next step of onboarding, if any. `waiting`: payments that wait for this user.
    `owed`: what was not paid. `asked`: what waits for a second person to allow it.
    """
    held = blockers.find_blockers(client)
    failing = [(one, connection_health(one)) for one in held.connections]
    refused, coming = ([(row, run_outcome(row)) for row in rows] for rows in (held.refused, held.coming))
    to_renew = consents.consents_needing_renewal(client)
    mendable = sum(1 for _one, health in failing if health.remedy)
    missed = unpaid_task(owed) if needs_attention(owed) else None
    allowances = [excess_task(one) for one in asked]
    mine = sum(not one.mine for one in asked)
    other = mine + len(to_renew) + mendable + len(refused) + len(held.held) + bool(held.unmapped) + bool(missed)
    shown = repr((waiting, step, failing, refused, held.held, coming, held.unmapped, to_renew, missed, asked))
    return {
        "waiting_rows": present_rows(waiting),
        "tasks": [
            *allowances,
            *([missed] if missed else []),
            *(presenter.connection_task(health) for _one, health in failing),
            *(presenter.refused_run_task(run, outcome) for run, outcome in refused),
            *(presenter.held_lines_task(run) for run in held.held),
            *([presenter.unmapped_task(held.unmapped)] if held.unmapped else []),
            *([presenter.setup_task()] if step else []),
        ],
        "coming": [presenter.coming_run_task(run, outcome) for run, outcome in coming],
        "consents": [present_consent(one) for one in to_renew],
        "summary": presenter.summary(len(waiting), step is not None, other),
        "seen": sha256(shown.encode()).hexdigest()[:16],
    }


@blueprint.post("/<client>/overzicht/beginscherm")
@for_client(ALL)
def dismiss_install_offer(membership):
    """Record that installing the app was offered on this device, so that it is not offered again."""
    device = current_device()
    if device is not None:
        devices.mark_install_offered(device)
    return redirect_to(url_for("overview.overview"))
