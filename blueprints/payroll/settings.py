"""The settings of one connection: which account pays which company, the webhook, its keys, and ending it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from flask import flash, request
from flask_babel import gettext as _

from blueprints.payroll.blueprint import blueprint, home_of, number, place_of
from blueprints.payroll.forms import KEPT, AddressForm, ConfirmForm, MappingForm, PlainForm, TokenForm
from blueprints.payroll.presenters.status import connection_words, webhook_words
from blueprints.payroll.routes import lead_to_nmbrs
from blueprints.web.authorization import ALL, OWNER, for_client, recently_authenticated, recently_authenticated_keeping
from blueprints.web.error_messages import message_for
from blueprints.web.responses import redirect_to, render
from domain.banking import linking
from domain.common.errors import AccountInvalid, DifferentKvkNumber, DomainError, NotFound
from domain.common.services import services
from domain.payroll import companies, connections, run_discovery, wage_tax, webhook_keys, webhook_registration
from domain.payroll.companies import CompanyView
from domain.payroll.poll_schedule import REST_BUSY_SECONDS
from jobs import enqueue

# A bureau's token may see this many; the list itself shows a page of them.
_ALL_OF_THEM = 5000
_FIELD, _TAX, _TAX_SHOWN = "company-", "loonheffing-", "loonheffing-getoond-"


# --- what was chosen ---
@dataclass(frozen=True)
class Choices:
    """The fields of the mapping form: account (or none) by company, and the companies with wage tax on or off."""

    accounts: dict[int, int | None]
    wage_tax: dict[int, bool]
    sane: bool = True


def _choices(fields) -> Choices:
    accounts, sane = {}, True
    for name, value in fields.items(multi=True):
        company_id = number(name.removeprefix(_FIELD)) if name.startswith(_FIELD) else None
        if company_id is not None:
            accounts[company_id] = number(value)
            sane = sane and (not value or accounts[company_id] is not None)
    shown = [number(name.removeprefix(_TAX_SHOWN)) for name in fields if name.startswith(_TAX_SHOWN)]
    return Choices(accounts, {key: f"{_TAX}{key}" in fields for key in shown if key is not None}, sane)


def _text(fields) -> str:
    """What is searched for; a database knows no control characters."""
    return "".join(c for c in fields.get("zoek", "")[:100] if c.isprintable())


@dataclass(frozen=True)
class Row:
    """A company on the form: the account chosen (perhaps not saved yet), and whether its wage tax is paid too."""

    company: CompanyView
    chosen: int | None
    wage_tax: bool


@dataclass(frozen=True)
class Found:
    """What the form lists: `kept` are those chosen but not saved yet that the search would have hidden."""

    kept: list[Row]
    rows: list[Row]
    total: int
    text: str
    many: bool
    debtors: bool


def _found(connection, text: str, chosen: Choices, accounts) -> Found:
    views, total = companies.search_payroll_companies(connection, text)
    proposed = _proposed(connection, accounts)
    rows = [_row(view, chosen, proposed) for view in views]
    kept = _kept(connection, chosen, {view.id for view in views})
    many = total > len(views) or bool(text)
    debtors = {row.company.debtor_number for row in (*kept, *rows)} - {""}
    return Found(kept, rows, total, text, many, len(debtors) > 1)


def _kept(connection, chosen: Choices, listed: set[int]) -> list[Row]:
    hidden = (chosen.accounts.keys() | chosen.wage_tax.keys()) - listed
    if not hidden:
        return []
    views, _total = companies.search_payroll_companies(connection, "", _ALL_OF_THEM)
    rows = [_row(view, chosen, None) for view in views if view.id in hidden]
    return [row for row in rows if row.chosen != _saved(row.company) or row.wage_tax != row.company.wage_tax]


def _row(view: CompanyView, chosen: Choices, proposed: int | None) -> Row:
    first = _saved(view) or (proposed if view.same_kvk else None)
    return Row(view, chosen.accounts.get(view.id, first), chosen.wage_tax.get(view.id, view.wage_tax))


def _saved(view: CompanyView) -> int | None:
    return view.account.id if view.account else None


def _proposed(connection, accounts) -> int | None:
    """Before anything is chosen: the only account, for the company with our KvK number."""
    fresh = connections.connection_view(connection).mapped == 0
    return accounts[0].id if fresh and len(accounts) == 1 else None


# --- the page ---
@blueprint.get("/<client>/apps/nmbrs/<int:connection_id>/instellingen")
@for_client(ALL)
def settings(membership, connection_id):
    """The page; of it htmx asks the list of companies while one types, and how the webhook stands."""
    connection = connections.connection_of(membership.client, connection_id)
    part = request.headers.get("HX-Target", "")
    if part == "administraties":
        accounts = linking.payable_accounts(membership.client)
        found = _found(connection, _text(request.args), _choices(request.args), accounts)
        return render("payroll/_companies.html", found=found, accounts=accounts, **_place(membership, connection))
    if part == "seintje":
        return render("payroll/_signal.html", **_signal(membership, connection))
    _wake_webhooks(webhook_registration.schedule_webhook_check(connection))
    return _page(membership, connection, Choices({}, {}), _text(request.args))


def _page(membership, connection, chosen: Choices, text: str, status: int = 200):
    accounts = linking.payable_accounts(membership.client)
    view = connections.connection_view(connection)
    return render(
        "payroll/settings.html",
        status,
        form=MappingForm(),
        found=_found(connection, text, chosen, accounts),
        accounts=accounts,
        stands=connection_words(view),
        membership=membership,
        old_until=webhook_keys.previous_key_expires_at(membership.client),
        rest_offered=services().rest_offered,
        **_signal(membership, connection),
    )


def _place(membership, connection) -> dict:
    return {"client": membership.client, "connection": connections.connection_view(connection)}


def _signal(membership, connection) -> dict:
    """The webhook at each debtor, the test of it, and when Nmbrs was last asked."""
    client = membership.client
    hooks = [] if connection.interface == "rest" else webhook_registration.webhooks_of_connection(connection)
    delivered_at = webhook_registration.last_delivery_at(client)
    return _place(membership, connection) | {
        "hooks": [(one, webhook_words(one)) for one in hooks],
        "wanted": connection.webhooks_wanted_at is not None,
        "installed": bool(hooks) and all(one.state == "installed" for one in hooks),
        "checking": any(one.checking for one in hooks),
        "by_hand": _by_hand(connection, hooks, delivered_at),
        "delivered_at": delivered_at,
        "looked_at": run_discovery.last_polled_at(client.id),
        "minutes": REST_BUSY_SECONDS // 60,
        "address": connections.webhook_address(client),
    }


def _by_hand(connection, hooks, delivered_at) -> bool:
    """Whether the steps to set it up oneself stand open: until it works, unless we are at it."""
    if connection.webhooks_wanted_at is None:
        return delivered_at is None
    return not hooks or any(one.state in ("not_allowed", "failed") for one in hooks)


def _wake_webhooks(debtor_ids: Iterable[int]) -> None:
    for debtor_id in debtor_ids:
        enqueue("reconcile_webhook", debtor_id)


# --- saving what was chosen ---
@blueprint.post("/<client>/apps/nmbrs/<int:connection_id>/instellingen")
@for_client(ALL)
def save(membership, connection_id):
    """Search (without scripts), or save; a company of another KvK number is asked about first."""
    connection = connections.connection_of(membership.client, connection_id)
    form, chosen = MappingForm(), _choices(request.form)
    then = request.form.get("daarna", "")
    if not form.validate_on_submit() or then == "zoek":
        return _page(membership, connection, chosen, _text(request.form))
    chosen = _without_strangers(connection, chosen)
    try:
        if not chosen.sane:
            raise AccountInvalid
        _save(membership, connection, chosen, confirmed="confirmed" in request.form)
    except DifferentKvkNumber:
        return _ask(membership, connection, chosen, then)
    except AccountInvalid as error:
        flash(message_for(error), "bad")
        return redirect_to(place_of(membership.client, connection, "instellingen"))
    return _saved_then(membership, connection, then)


def _without_strangers(connection, chosen: Choices) -> Choices:
    """Only companies of this connection: a list of before may name others."""
    if not (chosen.accounts or chosen.wage_tax):
        return chosen
    known = {view.id for view in companies.search_payroll_companies(connection, "", _ALL_OF_THEM)[0]}
    return replace(
        chosen,
        accounts={key: value for key, value in chosen.accounts.items() if key in known},
        wage_tax={key: value for key, value in chosen.wage_tax.items() if key in known},
    )


def _save(membership, connection, chosen: Choices, confirmed: bool) -> None:
    client, user = membership.client, membership.user
    mapped = companies.save_mapping(client, user, connection, chosen.accounts, confirmed)
    for company_id, on in chosen.wage_tax.items():
        wage_tax.set_wage_tax_enabled(client, user, company_id, on and chosen.accounts.get(company_id, 1) is not None)
    for company in mapped:
        enqueue("discover_runs", company.id)


def _saved_then(membership, connection, then: str):
    if then == "seintje":
        _wake_webhooks(webhook_registration.request_webhooks(membership.client, membership.user, connection))
        return redirect_to(place_of(membership.client, connection, "instellingen") + "#seintje")
    _wake_webhooks(webhook_registration.schedule_webhook_check(connection))
    flash(_("Opgeslagen."), "good")
    return redirect_to(home_of(membership.client))


def _ask(membership, connection, chosen: Choices, then: str):
    """Companies of another KvK number: shown with both numbers, and a box to tick."""
    form = ConfirmForm()
    if "asked" in request.form:
        form.confirmed.errors = [_("Zet het vinkje om door te gaan, of ga terug.")]
    views, _total = companies.search_payroll_companies(connection, "", _ALL_OF_THEM)
    accounts = {account.id: account for account in linking.payable_accounts(membership.client)}
    others = [
        (view, accounts[account_id]) for view in views
        if not view.same_kvk and view.account is None and (account_id := chosen.accounts.get(view.id))
    ]  # fmt: skip
    return render(
        "payroll/confirm_company.html", 422 if form.confirmed.errors else 200, form=form, others=others, chosen=chosen,
        then=then, **_place(membership, connection),
    )  # fmt: skip


# --- keys: the address that Nmbrs calls, the token ---
@blueprint.route("/<client>/apps/nmbrs/<int:connection_id>/adres", methods=["GET", "POST"])
@for_client(ALL)
@recently_authenticated_keeping("keep")
def new_address(membership, connection_id):
    """A new webhook address; the old one works for as long as one chooses."""
    client, connection = membership.client, connections.connection_of(membership.client, connection_id)
    form = AddressForm()
    if not form.validate_on_submit():
        return render(
            "payroll/address.html", 422 if form.errors else 200, form=form, choices=KEPT,
            old_until=webhook_keys.previous_key_expires_at(client), **_place(membership, connection),
        )  # fmt: skip
    webhook_keys.rotate_key(client, membership.user, timedelta(hours=int(form.keep.data or 0)))
    _wake_webhooks(webhook_registration.reschedule_all_webhooks(client))
    flash(_("Het adres is vernieuwd."), "good")
    return redirect_to(place_of(client, connection, "instellingen") + "#seintje")


@blueprint.route("/<client>/apps/nmbrs/<int:connection_id>/token", methods=["GET", "POST"])
@for_client(ALL)
@recently_authenticated_keeping(secret_too=True)
def renew_token(membership, connection_id):
    """A new token of the same Nmbrs user: tried before it is kept."""
    connection = connections.connection_of(membership.client, connection_id)
    form = TokenForm()
    if form.validate_on_submit():
        try:
            connections.renew_token(connection, membership.user, form.token.data or "")
        except DomainError as error:
            form.token.errors = [message_for(error)]
        else:
            enqueue("check_rights", connection.id)
            flash(_("Verbinding maken gelukt!"), "done")
            return redirect_to(place_of(membership.client, connection, "rechten"))
    return render("payroll/token.html", 422 if form.errors else 200, form=form, **_place(membership, connection))


@blueprint.post("/<client>/apps/nmbrs/<int:connection_id>/toestemming")
@for_client(ALL)
@recently_authenticated
def consent_again(membership, connection_id):
    """A connection that speaks the later interface: to Nmbrs, to allow it anew."""
    connection = connections.connection_of(membership.client, connection_id)
    here = place_of(membership.client, connection, "instellingen")
    if connection.interface != "rest":
        return redirect_to(here)
    return lead_to_nmbrs(membership, connection, here)


# --- moving, ending ---
@blueprint.route("/<client>/apps/nmbrs/<int:connection_id>/overstappen", methods=["GET", "POST"])
@for_client(OWNER)
@recently_authenticated
def move(membership, connection_id):
    """What moving to the later interface means; POST: to Nmbrs, to allow it."""
    connection = connections.connection_of(membership.client, connection_id)
    if not services().rest_offered or connection.interface != "soap":
        raise NotFound
    form = PlainForm()
    if form.validate_on_submit():
        return lead_to_nmbrs(membership, connection, place_of(membership.client, connection, "instellingen"))
    return render("payroll/move.html", form=form, **_place(membership, connection))


@blueprint.route("/<client>/apps/nmbrs/<int:connection_id>/verwijderen", methods=["GET", "POST"])
@for_client(OWNER)
@recently_authenticated
def remove(membership, connection_id):
    """What goes and what stays; POST: it goes."""
    connection = connections.connection_of(membership.client, connection_id)
    form = PlainForm()
    if form.validate_on_submit():
        connections.remove_connection(connection, membership.user)
        enqueue("revoke_nmbrs_tokens", connection.id)
        flash(_("De verbinding is verwijderd. Er is niets betaald; je betalingen staan er nog."), "good")
        return redirect_to(home_of(membership.client))
    return render("payroll/remove.html", form=form, **_place(membership, connection))
