"""The run history: filters, one run, reimport, and runs from before the connection."""

from flask import flash, request, url_for
from flask_babel import gettext as _

from blueprints.payments.presenters.status import STATES
from blueprints.payroll.blueprint import blueprint, parse_id
from blueprints.payroll.presenters.held_lines import present_held_lines
from blueprints.payroll.presenters.status import exchange_row, result_names, run_outcome
from blueprints.web.authorization import ALL, for_client
from blueprints.web.responses import redirect_to, render, render_fragment
from domain.payroll import companies, run_history
from domain.team import salary_visibility
from jobs import enqueue
from models import Client
from models.states import RunState

MAX_ROWS = 1000
# After this many calls to Nmbrs, the page of a run stops polling for more.
_MAX_FOLLOWED_CALLS = 40


# --- the list ---
# The words of the filter in the address, which bookmarks keep.
_RESULTS = {
    "taken": RunState.IMPORTED, "empty": RunState.EMPTY, "refused": RunState.INVALID, "retrying": RunState.RETRYING,
    "found": RunState.PENDING, "vanished": RunState.DELETED,
}  # fmt: skip
_WORD_OF: dict[str, str] = {state: word for word, state in _RESULTS.items()}


def history_of(client: Client) -> dict:
    """Return the list and its filters, as selected in the query string."""
    only, show = _parse_filter(), _page_size()
    rows = run_history.history(client, show + 1, 0, only)
    filtered = only != run_history.Filter()
    return {
        "history": [(row, run_outcome(row)) for row in rows[:show]],
        "more": _history_url(only, show + run_history.PAGE_SIZE) if len(rows) > show and show < MAX_ROWS else "",
        "again": _history_url(only, show),
        "moving": any(row.result in (RunState.PENDING, RunState.RETRYING) for row in rows[:show])
        or not (rows or filtered),
        "filtered": filtered,
        "only": only,
        "chosen_result": _WORD_OF.get(only.result or ""),
        "companies": run_history.companies_with_runs(client),
        "periods": run_history.periods(client),
        "results": result_names(),
    }


def _parse_filter() -> run_history.Filter:
    """Return the filters in the query string; invalid ones are ignored."""
    year, _dash, period = request.args.get("periode", "").partition("-")
    result = request.args.get("resultaat", "")
    return run_history.Filter(
        parse_id(request.args.get("administratie", "")),
        (int(year), int(period)) if parse_id(year) and parse_id(period) else None,
        _RESULTS.get(result),
    )


def _page_size() -> int:
    return min(max(parse_id(request.args.get("toon", "")) or 0, run_history.PAGE_SIZE), MAX_ROWS)


def _history_url(only: run_history.Filter, show: int) -> str:
    """Return the URL of the list with these filters."""
    return url_for(
        "payroll.overview", administratie=only.company_id,
        periode="-".join(map(str, only.period)) if only.period else None, resultaat=_WORD_OF.get(only.result or ""),
        toon=show if show != run_history.PAGE_SIZE else None,
    )  # fmt: skip


# --- one run ---
@blueprint.get("/<client>/apps/nmbrs/historie/<int:run_id>")
@for_client(ALL)
def history_entry(membership, run_id):
    """Show a run: the webhook calls, the calls to Nmbrs with their answers, and the result. Polls during the import."""
    detail = salary_visibility.redact_history(membership, run_history.run_detail(membership.client, run_id))
    asked = len(detail.exchanges)
    follow = request.args.get("na", type=int)
    awaited = follow is not None and asked <= follow and asked < _MAX_FOLLOWED_CALLS
    return render_fragment(
        "payroll/history_entry.html",
        "payroll/_history_entry.html",
        client=membership.client,
        run=detail,
        outcome=run_outcome(detail.row),
        held=present_held_lines(detail.beside.held),
        states={batch.state: STATES[str(batch.state)][0] for batch in detail.batches},
        exchanges=[(one, exchange_row(one)) for one in detail.exchanges],
        moving=awaited or detail.row.result in (RunState.PENDING, RunState.RETRYING),
        again=request.full_path.rstrip("?"),
    )


@blueprint.post("/<client>/apps/nmbrs/historie/<int:run_id>")
@for_client(ALL)
def reimport(membership, run_id):
    client = membership.client
    before = len(run_history.run_detail(client, run_id).exchanges)
    run_history.reimport_run(client, membership.user, run_id)
    enqueue("import_run", run_id)
    flash(_("De run wordt opnieuw opgehaald uit Nmbrs."), "good")
    return redirect_to(url_for("payroll.history_entry", run_id=run_id, na=before))


# --- runs from before the connection ---
@blueprint.get("/<client>/apps/nmbrs/eerder")
@for_client(ALL)
def older_runs(membership):
    return render(
        "payroll/older_runs.html", client=membership.client, runs=companies.runs_before_connection(membership.client)
    )


@blueprint.post("/<client>/apps/nmbrs/eerder")
@for_client(ALL)
def import_older_run(membership):
    """Import one run from before the connection."""
    run_id = parse_id(request.form.get("run", ""))
    if run_id is None:
        flash(_("Kies eerst een run."), "bad")
        return redirect_to(url_for("payroll.older_runs"))
    run = companies.import_older_run(membership.client, membership.user, run_id)
    enqueue("import_run", run.id)
    flash(_(
        "De run wordt opgehaald. Controleer of de run niet al is betaald voordat je de betaling goedkeurt."
    ), "good")
    return redirect_to(url_for("payroll.overview"))
