"""The pages of Nmbrs that users of the app need: token, webhook settings, running payroll."""

from dataclasses import replace

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from sandbox import clock, demo, jinja_filters
from sandbox.nmbrs import ledger_data, payroll, staff, webhooks
from sandbox.nmbrs.errors import NmbrsFault
from sandbox.nmbrs.people import display_name
from sandbox.store import Document

pages = Blueprint("nmbrs", __name__, url_prefix="/nmbrs")

NEW_SETTING = webhooks.Setting("", "", active=False, events=[])
# The events in the form; others can be set through the API only.
FORM_EVENTS = webhooks.RUN_EVENTS
# A page shows the first debtors or runs only; a payroll bureau has hundreds.
MOST_SHOWN = 50
PROBLEMS = {
    2044: "Het endpoint moet een adres zijn dat met https:// begint.",
    2045: "Vul een naam in.",
}


@pages.context_processor
def signed_in():
    return {"nmbrs_user": demo.NMBRS_USER}


def debtor_or_404(debtor_id: int) -> Document:
    return ledger_data.debtor(debtor_id) or abort(404)


def company_or_404(company_id: int) -> Document:
    return ledger_data.company(company_id) or abort(404)


def setting_or_404(debtor_id: int, number: int) -> Document:
    try:
        return webhooks.find(debtor_id, number)
    except NmbrsFault:
        abort(404)


@pages.get("/")
def environment():
    asked = request.args.get("zoek", "").strip().lower()
    found = [doc for doc in ledger_data.debtors() if asked in f"{doc['number']} {doc['name']}".lower()]
    rows = [(debtor, ledger_data.companies(debtor["id"])) for debtor in found[:MOST_SHOWN]]
    return render_template("nmbrs/environment.html", rows=rows, asked=asked, hidden=len(found) - len(rows))


@pages.get("/profiel")
def profile():
    return render_template("nmbrs/profile.html", user=ledger_data.user(demo.NMBRS_USER))


@pages.post("/profiel/token")
def renew_own_token():
    ledger_data.renew_token(demo.NMBRS_USER)
    flash("Er is een nieuw token gemaakt; het oude werkt niet meer.")
    return redirect(url_for("nmbrs.profile"))


@pages.get("/debiteur/<int:debtor_id>")
def debtor_page(debtor_id: int):
    debtor = debtor_or_404(debtor_id)
    return render_template("nmbrs/debtor.html", debtor=debtor, companies=ledger_data.companies(debtor_id))


@pages.get("/debiteur/<int:debtor_id>/klant-login")
def client_logins(debtor_id: int):
    debtor = debtor_or_404(debtor_id)
    users = [user for user in ledger_data.users() if debtor_id in (user["debtors"] or [])]
    return render_template("nmbrs/client_logins.html", debtor=debtor, users=users)


@pages.post("/debiteur/<int:debtor_id>/klant-login/token")
def add_client_token(debtor_id: int):
    debtor_or_404(debtor_id)
    user = ledger_data.user(request.form.get("gebruiker", ""))
    if user is None or debtor_id not in (user["debtors"] or []):
        abort(404)
    ledger_data.renew_token(user["email"])
    flash("Het token is toegevoegd.")
    return redirect(url_for("nmbrs.client_logins", debtor_id=debtor_id))


@pages.get("/debiteur/<int:debtor_id>/webhooks")
def webhook_settings(debtor_id: int):
    debtor = debtor_or_404(debtor_id)
    return render_template(
        "nmbrs/webhooks.html",
        debtor=debtor,
        settings=webhooks.settings(debtor_id),
        sent=webhooks.sent(debtor_id)[:50],
        events={event.id: event.label for event in webhooks.EVENTS},
    )


@pages.get("/debiteur/<int:debtor_id>/webhooks/nieuw")
def new_webhook(debtor_id: int):
    return webhook_form(debtor_or_404(debtor_id), None, NEW_SETTING)


@pages.post("/debiteur/<int:debtor_id>/webhooks/nieuw")
def insert_webhook(debtor_id: int):
    debtor = debtor_or_404(debtor_id)
    setting = read_form(NEW_SETTING)
    try:
        webhooks.insert(debtor_id, setting)
    except NmbrsFault as error:
        return webhook_form(debtor, None, setting, error), 400
    return saved(debtor_id)


@pages.get("/debiteur/<int:debtor_id>/webhooks/<int:number>")
def show_webhook(debtor_id: int, number: int):
    return webhook_form(debtor_or_404(debtor_id), number, stored_setting(setting_or_404(debtor_id, number)))


@pages.post("/debiteur/<int:debtor_id>/webhooks/<int:number>")
def change_webhook(debtor_id: int, number: int):
    debtor = debtor_or_404(debtor_id)
    setting = read_form(stored_setting(setting_or_404(debtor_id, number)))
    try:
        webhooks.change(debtor_id, number, setting)
    except NmbrsFault as error:
        return webhook_form(debtor, number, setting, error), 400
    return saved(debtor_id)


@pages.post("/debiteur/<int:debtor_id>/webhooks/<int:number>/verwijderen")
def delete_webhook(debtor_id: int, number: int):
    setting_or_404(debtor_id, number)
    webhooks.delete(debtor_id, number)
    flash("De webhook is verwijderd.")
    return redirect(url_for("nmbrs.webhook_settings", debtor_id=debtor_id))


def stored_setting(doc: Document) -> webhooks.Setting:
    return webhooks.Setting(doc["name"], doc["endpoint"], doc["active"], doc["events"])


def read_form(before: webhooks.Setting) -> webhooks.Setting:
    """Return the setting from the form; events that it does not show keep their state."""
    shown = {event.id for event in FORM_EVENTS}
    chosen = [event.id for event in FORM_EVENTS if request.form.get(f"event_{event.id}") == "actief"]
    return replace(
        before,
        name=request.form.get("naam", "").strip(),
        endpoint=request.form.get("endpoint", "").strip(),
        active="actief" in request.form,
        events=[number for number in before.events if number not in shown] + chosen,
    )


def webhook_form(debtor: Document, number: int | None, setting: webhooks.Setting, error: NmbrsFault | None = None):
    problem = PROBLEMS[error.code] if error else None
    wrong = {2044: "endpoint", 2045: "naam"}[error.code] if error else None
    return render_template(
        "nmbrs/webhook_form.html",
        debtor=debtor,
        number=number,
        setting=setting,
        events=FORM_EVENTS,
        problem=problem,
        wrong=wrong,
    )


def saved(debtor_id: int):
    flash("De webhook-instellingen zijn opgeslagen.")
    return redirect(url_for("nmbrs.webhook_settings", debtor_id=debtor_id))


@pages.get("/bedrijf/<int:company_id>")
def company_page(company_id: int):
    company = company_or_404(company_id)
    return render_template(
        "nmbrs/company.html",
        company=company,
        debtor=debtor_or_404(company["debtor"]),
        runs=[run for year in payroll.years(company_id) for run in payroll.runs(company_id, year)[::-1]][:MOST_SHOWN],
        staff=[(display_name(person), person) for person in staff.staff(company_id)],
    )


@pages.get("/bedrijf/<int:company_id>/loonopdracht")
def payroll_order(company_id: int):
    company = company_or_404(company_id)
    today = clock.now()
    return render_template(
        "nmbrs/payroll_order.html",
        company=company,
        staff=[(display_name(person), person) for person in staff.staff(company_id)],
        period=f"{today.year}-{today.month}-M",
    )


@pages.post("/bedrijf/<int:company_id>/loonopdracht")
def run_now(company_id: int):
    company_or_404(company_id)
    run = payroll.run_payroll(company_id)
    webhooks.announce(run)
    net = jinja_filters.euro(run["cents"])
    flash(f"Loonopdracht {run['number']} is gedraaid: {run['people']} medewerkers, {net} netto.")
    return redirect(url_for("nmbrs.company_page", company_id=company_id))
