"""Authorization: every route and every kind of user. A new route without a row fails.

Each row is one request for a client that has finished setup, with one open payment; forms contain only their token and
the values in FORMS. A row that redirects names the target, and the table that the action writes, because a redirect
alone does not show whether anything was done. One site is created for the whole module and restored after every change.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import pytest
from flask import Flask

from domain.team import members
from models import Membership, User
from tests.support.prepared_site import PreparedSite
from tests.support.push import Receiver
from tests.support.web_client import Page


@dataclass(frozen=True)
class Outcome:
    """The target of a 303, below the client's path or the start of an external URL; and the table that is written.
    Without a table nothing may be written.
    """

    leads: str
    writes: str = ""


@dataclass(frozen=True)
class Right:
    """The status for each role. An owner who is not identified gets the owner's, unless given.

    Anonymous users are redirected to the login page and non-members get 404; the tests check that for every row.
    """

    owner: int
    approver: int
    preparer: int
    unidentified: int | None = None
    done: Outcome | None = None  # of every 303
    instead: dict[str, Outcome] = field(default_factory=dict)  # of the 303 of these roles

    def of(self, who: str) -> int:
        if who == "unidentified" and self.unidentified is None:
            return self.owner
        found: int = getattr(self, who)
        return found

    def outcome(self, who: str) -> Outcome:
        found = self.instead.get(who, self.done)
        assert found is not None, f"a 303 of {who} says where it leads"
        return found


def everyone(leads: str, writes: str = "", **instead: Outcome) -> Right:
    return Right(303, 303, 303, None, Outcome(leads, writes), instead)


def unless_unknown(leads: str, writes: str, instead: Outcome) -> Right:
    """An unidentified or unauthorised person is redirected to identification instead."""
    return everyone(leads, writes, preparer=instead, unidentified=instead)


def who_pays(leads: str, writes: str = "", **instead: Outcome) -> Right:
    return Right(303, 303, 403, None, Outcome(leads, writes), instead)


def owner_only(leads: str, writes: str = "", **instead: Outcome) -> Right:
    return Right(303, 403, 403, None, Outcome(leads, writes), instead)


def identified(status: int, path: str) -> Right:
    """A person who may not sign for the client must identify first, and returns afterwards."""
    return Right(status, status, 303, 303, Outcome(f"/identificatie?verder=/{{client}}{path}"))


PAGE, SAID = Right(200, 200, 200), Right(422, 422, 422)
OWNER_PAGE, OWNER_SAID = Right(200, 403, 403), Right(422, 403, 403)
PAYMENT = "/betalingen/{reference}"
# The action is impossible in this state of the payment: a redirect to its page, and nothing is written. The tests of
# each page check the action in the right state.
NOT_NOW = who_pays(PAYMENT)
# The same, of an act for which the register must allow the person to sign: others are led to the identification.
SIGNERS = who_pays(PAYMENT, unidentified=Outcome("/identificatie?verder=/"))
SIGNERS_PAGE = "/identificatie?verder=/{client}" + PAYMENT
IDENTIFY, RENEW = Outcome("/identificatie"), Outcome("/identificatie?verder=/{client}/saldo")

RIGHTS: dict[tuple[str, str], Right] = {
    ("payroll.apps", "GET"): PAGE,
    ("payroll.overview", "GET"): PAGE,
    ("payroll.settings", "GET"): PAGE,
    ("payroll.payday", "GET"): PAGE,
    ("payroll.payday", "POST"): who_pays("/apps/nmbrs/{connection_id}/instellingen", "PayrollCompany"),
    ("payroll.save_mapping", "POST"): everyone("/apps/nmbrs", "PayrollCompany"),
    ("payroll.connect", "GET"): PAGE,
    ("payroll.connect", "POST"): SAID,
    ("payroll.start_oauth", "POST"): everyone("/apps/nmbrs/toevoegen"),
    ("payroll.permissions", "GET"): PAGE,
    ("payroll.permissions", "POST"): everyone("/apps/nmbrs/{connection_id}/rechten", "NmbrsPermissionCheck"),
    ("payroll.rotate_webhook_address", "GET"): PAGE,
    ("payroll.rotate_webhook_address", "POST"): SAID,
    ("payroll.renew_token", "GET"): PAGE,
    ("payroll.renew_token", "POST"): SAID,
    ("payroll.renew_oauth", "POST"): everyone("/apps/nmbrs/{connection_id}/instellingen"),
    ("payroll.migrate_to_rest", "GET"): OWNER_PAGE,
    ("payroll.migrate_to_rest", "POST"): owner_only("{sandbox}/nmbrs-identity/connect/authorize?", "NmbrsOauthRequest"),
    ("payroll.remove_connection", "GET"): OWNER_PAGE,
    ("payroll.remove_connection", "POST"): owner_only("/apps/nmbrs", "NmbrsConnection"),
    ("payroll.history_entry", "GET"): PAGE,
    ("payroll.reimport", "POST"): everyone("/apps/nmbrs/historie/{run_id}?na=0", "PayrollRun"),
    ("payroll.older_runs", "GET"): PAGE,
    ("payroll.import_older_run", "POST"): everyone("/apps/nmbrs/eerder"),
    ("payments.list_payments", "GET"): PAGE,
    ("payments.list_unpaid", "GET"): PAGE,
    ("payments.pay_unpaid", "POST"): SIGNERS,  # nothing is left to pay: redirect to the payment that waits
    ("payments.detail", "GET"): PAGE,
    ("payments.include_all", "POST"): everyone(PAYMENT, "BatchLine"),
    ("payments.pay", "POST"): who_pays(PAYMENT, "Release", unidentified=Outcome(PAYMENT)),
    ("payments.start_signing", "POST"): SIGNERS,
    ("payments.signing_page", "GET"): who_pays(PAYMENT, unidentified=Outcome(f"{SIGNERS_PAGE}/ondertekenen")),
    ("payments.challenge_image", "GET"): Right(404, 404, 403),
    ("payments.submit_credentials", "POST"): SIGNERS,
    ("payments.choose_method", "POST"): SIGNERS,
    ("payments.submit_otp", "POST"): SIGNERS,
    ("payments.abandon_signing", "POST"): NOT_NOW,
    ("payments.reopen", "POST"): SIGNERS,
    ("payments.pin", "GET"): NOT_NOW,
    ("payments.pin", "POST"): NOT_NOW,
    ("payments.passkey_options", "POST"): Right(409, 409, 403),  # without the shown digest
    ("payments.sign_with_passkey", "POST"): NOT_NOW,
    ("settings.revoke_session", "POST"): everyone("/instellingen"),
    ("settings.list_passkeys", "GET"): PAGE,
    ("settings.passkey_options", "POST"): PAGE,
    ("settings.add_passkey", "POST"): everyone("/instellingen/passkeys"),
    ("settings.rename_passkey", "POST"): Right(404, 404, 404),
    ("settings.remove_passkey", "POST"): Right(404, 404, 404),
    ("settings.change_email", "GET"): PAGE,
    ("settings.change_email", "POST"): SAID,
    ("settings.withdraw_email_change", "POST"): everyone("/instellingen/e-mailadres"),  # nothing was asked
    ("settings.change_name", "GET"): PAGE,
    ("settings.change_name", "POST"): everyone("/instellingen", "User"),
    ("settings.change_company_name", "GET"): OWNER_PAGE,
    ("settings.change_company_name", "POST"): owner_only("/instellingen", "Client"),
    ("settings.change_password", "GET"): PAGE,
    ("settings.change_password", "POST"): SAID,
    ("payments.decide_line", "POST"): everyone("/betalingen/{reference}#regel-{line_id}", "BatchLine"),
    ("payments.status", "GET"): everyone(PAYMENT),
    ("payments.leave_unpaid", "POST"): who_pays("/betalingen/niet-betaald"),  # nothing is left out
    ("payments.ask_doubt", "GET"): PAGE,
    ("payments.ask_doubt", "POST"): SAID,
    ("payments.answer_doubt", "POST"): everyone(PAYMENT),  # nothing is asked: redirect to the payment
    ("payments.go_on", "POST"): SIGNERS,
    ("payments.answer_payees", "POST"): everyone(PAYMENT),  # nothing is asked: redirect to the payment
    ("payments.acknowledge_warnings", "GET"): everyone(PAYMENT),  # no warnings: redirect to the payment
    ("payments.acknowledge_warnings", "POST"): NOT_NOW,
    ("payments.upload_report", "GET"): NOT_NOW,  # of an unsubmitted payment: redirect to it
    ("payments.upload_report", "POST"): NOT_NOW,
    ("payments.choose_excess_line", "GET"): NOT_NOW,
    ("payments.ask_excess", "GET"): NOT_NOW,  # nothing was paid yet: redirect to the payment
    ("payments.ask_excess", "POST"): NOT_NOW,
    ("payments.excess_allowance", "GET"): Right(404, 404, 403),  # nothing was asked
    ("payments.excess_allowance", "POST"): Right(404, 404, 403),
    ("payments.withdraw_excess", "POST"): Right(404, 404, 403),
    ("payments.confirm_report", "GET"): NOT_NOW,
    ("payments.confirm_report", "POST"): NOT_NOW,
    ("payments.download_file", "GET"): NOT_NOW,  # a GET downloads nothing: redirect to the payment
    ("payments.download_file", "POST"): who_pays(PAYMENT, unidentified=Outcome(f"{SIGNERS_PAGE}/bestand.xml")),
    ("payments.report_outcome", "GET"): NOT_NOW,  # no file was downloaded: redirect to the payment
    ("payments.report_outcome", "POST"): NOT_NOW,
    ("payments.put_payment_away", "GET"): Right(200, 200, 403),
    ("payments.put_payment_away", "POST"): who_pays(PAYMENT + "/niet-betalen"),  # without a reason
    ("payments.cancel", "GET"): NOT_NOW,  # nothing is at the bank: redirect to the payment
    ("payments.cancel", "POST"): NOT_NOW,
    ("payments.withdraw_cancellation", "POST"): SIGNERS,
    ("payments.decide_name", "POST"): NOT_NOW,
    ("payments.take_over_early_name", "POST"): Right(404, 404, 403),  # no name was given
    ("payments.confirm_names", "POST"): NOT_NOW,
    ("payments.confirm_names_with_pin", "GET"): NOT_NOW,
    ("payments.confirm_names_with_pin", "POST"): NOT_NOW,
    ("payments.names_passkey_options", "POST"): Right(409, 409, 403),  # no name differs
    ("payments.confirm_names_with_passkey", "POST"): NOT_NOW,
    ("payments.change", "GET"): PAGE,
    ("payments.change", "POST"): SAID,
    ("team.list_members", "GET"): PAGE,
    ("team.invite", "GET"): OWNER_PAGE,
    ("team.invite", "POST"): OWNER_SAID,
    ("team.resend_invitation", "POST"): owner_only("/mensen", "OutgoingMail"),
    ("team.revoke_invitation", "POST"): owner_only("/mensen", "Invitation"),
    ("team.detail", "GET"): OWNER_PAGE,
    ("team.detail", "POST"): owner_only("/mensen", "Membership"),
    ("team.remove_member", "GET"): OWNER_PAGE,
    ("team.remove_member", "POST"): owner_only("/mensen", "Membership"),
    ("team.hide_lines", "POST"): owner_only("/mensen", "Client"),
    ("team.four_eyes_page", "GET"): OWNER_PAGE,
    ("team.four_eyes_page", "POST"): OWNER_SAID,
    ("team.confirm_four_eyes_change", "POST"): who_pays(
        # the owner asked for it; the register is asked first whether the owner may sign
        "/mensen", "Client", owner=Outcome("/mensen", "Authority"), unidentified=Outcome("/mensen")
    ),
    ("team.decline_four_eyes_change", "POST"): who_pays("/mensen", "ApprovalThresholdChange"),
    ("onboarding.identify", "GET"): PAGE,
    ("onboarding.identify", "POST"): everyone("{sandbox}/broker/authorize?", "IdentificationAttempt"),
    ("onboarding.recheck_authority", "POST"): unless_unknown("/welkom", "Authority", IDENTIFY),
    ("onboarding.confirm_code", "POST"): SAID,
    ("onboarding.invite_co_signer", "POST"): Right(422, 403, 403),
    ("onboarding.withdraw_identification", "GET"): PAGE,
    ("onboarding.withdraw_identification", "POST"): everyone("/identificatie/dit-ben-ik-niet"),  # without a password
    ("onboarding.set_pin", "GET"): PAGE,
    ("onboarding.set_pin", "POST"): SAID,
    ("onboarding.welcome", "GET"): PAGE,
    ("settings.settings", "GET"): PAGE,
    ("settings.show_personal_data", "GET"): PAGE,
    ("settings.download_own_data", "POST"): PAGE,
    ("settings.download_employee_data", "POST"): OWNER_SAID,
    ("settings.download_company_data", "POST"): OWNER_PAGE,
    ("settings.close_client", "GET"): OWNER_PAGE,
    ("settings.close_client", "POST"): OWNER_SAID,
    ("settings.reopen_client", "POST"): owner_only("/instellingen", unidentified=Outcome("/identificatie?verder=/")),
    ("settings.remove_account", "GET"): PAGE,
    ("settings.remove_account", "POST"): SAID,
    ("settings.revoke_other_sessions", "POST"): everyone("/instellingen", "LoginSession"),
    ("settings.save_payment_preferences", "POST"): owner_only(
        "/instellingen", "Client", unidentified=Outcome("/identificatie?verder=/")
    ),
    ("settings.choose_language", "POST"): everyone("/instellingen", "User"),
    ("settings.show_notifications", "GET"): PAGE,
    ("settings.save_notifications", "POST"): everyone("/instellingen/meldingen", "User"),
    ("settings.enable_push", "POST"): everyone("/instellingen/meldingen", "PushSubscription"),
    ("settings.disable_push", "POST"): everyone("/instellingen/meldingen"),
    ("overview.overview", "GET"): PAGE,
    ("overview.dismiss_install_offer", "POST"): everyone("/overzicht", "Device"),
    ("banking.balances", "GET"): PAGE,
    ("banking.refresh_balances", "POST"): everyone("/saldo", "BankConsent"),
    ("banking.renew_consent", "POST"): unless_unknown("{sandbox}/bank/redirect/toestemming/", "BankConsent", RENEW),
    ("banking.list_transactions", "GET"): PAGE,
    # an unidentified person is redirected there first
    ("banking.choose_bank", "GET"): identified(200, "/saldo/toevoegen"),
    ("banking.choose_bank", "POST"): identified(422, "/saldo/toevoegen"),
    ("banking.add_manual_account", "GET"): identified(200, "/saldo/toevoegen/zonder-koppeling"),
    ("banking.add_manual_account", "POST"): identified(422, "/saldo/toevoegen/zonder-koppeling"),
    ("banking.confirm_holder", "GET"): PAGE,
    ("banking.confirm_holder", "POST"): unless_unknown(
        "/saldo", "BankConsent", Outcome("/identificatie?verder=/{client}/saldo/bevestigen/{consent_id}")
    ),
}

# Routes without a client in their URL. The keys and tokens in them are unknown.
@dataclass(frozen=True)
class Open:
    """Anonymous; logged in, in any role; logged in without any client."""

    nobody: int
    signed_in: int
    without: int | None = None

    def of(self, who: str) -> int:
        if who == "removed":
            return self.signed_in if self.without is None else self.without
        return self.nobody if who == "nobody" else self.signed_in


ALL_SEE, LEADS_ON = Open(200, 200), Open(303, 303)
OPEN: dict[tuple[str, str], Open] = {
    ("static", "GET"): ALL_SEE,
    ("stylesheet", "GET"): ALL_SEE,
    ("script", "GET"): ALL_SEE,
    ("shortcuts.to_saldo", "GET"): LEADS_ON,
    ("shortcuts.to_saldo_toevoegen", "GET"): LEADS_ON,
    ("shortcuts.to_betalingen", "GET"): LEADS_ON,
    ("shortcuts.to_apps", "GET"): LEADS_ON,
    ("shortcuts.to_apps_nmbrs", "GET"): LEADS_ON,
    ("shortcuts.to_instellingen", "GET"): LEADS_ON,
    ("shortcuts.to_welkom", "GET"): LEADS_ON,
    ("overview.all_clients", "GET"): Open(303, 303, 200),
    ("account.start", "GET"): Open(303, 303),
    ("settings.remove_account_alone", "GET"): Open(303, 303, 200),
    ("settings.remove_account_alone", "POST"): Open(303, 303, 422),
    ("account.privacy", "GET"): ALL_SEE,
    ("account.terms", "GET"): ALL_SEE,
    ("account.processors", "GET"): ALL_SEE,
    ("account.sign_in", "GET"): Open(200, 303),
    ("account.sign_in", "POST"): Open(422, 422),
    ("account.sign_out", "POST"): Open(303, 303),
    ("account.register", "GET"): ALL_SEE,
    ("account.register", "POST"): Open(422, 422),
    ("account.confirmation_sent", "GET"): ALL_SEE,
    ("account.confirmation_sent", "POST"): Open(422, 422),
    ("account.confirm_email", "GET"): ALL_SEE,
    ("account.confirm_email", "POST"): Open(410, 410),
    ("account.sign_in_options", "POST"): ALL_SEE,
    ("account.sign_in_with_passkey", "POST"): Open(303, 303),
    ("account.reauthentication_options", "POST"): Open(303, 200),
    ("account.reauthenticate_with_passkey", "POST"): Open(303, 303),
    ("account.request_password_reset", "GET"): ALL_SEE,
    ("account.request_password_reset", "POST"): Open(422, 422),
    ("account.reset_password", "GET"): ALL_SEE,
    ("account.reset_password", "POST"): Open(422, 422),
    ("account.confirm_new_email", "GET"): Open(303, 200),
    ("account.confirm_new_email", "POST"): Open(303, 410),
    ("account.stop_email_change", "GET"): ALL_SEE,
    ("account.stop_email_change", "POST"): Open(410, 410),
    ("account.reauthenticate", "GET"): Open(303, 200),
    ("account.reauthenticate", "POST"): Open(303, 422),
    ("account.unconfirmed_device", "GET"): Open(303, 303),
    ("account.unconfirmed_device", "POST"): Open(303, 303),
    ("account.confirm_device", "GET"): Open(303, 200),
    ("account.confirm_device", "POST"): Open(303, 303),
    ("onboarding.find_company", "GET"): ALL_SEE,
    ("onboarding.identification_return", "GET"): Open(400, 303, 400),
    ("banking.consent_return", "GET"): Open(303, 404),
    ("banking.oauth_return", "GET"): Open(303, 404),
    ("payroll.oauth_return", "GET"): Open(303, 303),
    ("payments.from_mail", "GET"): Open(303, 303, 404),
    ("payments.signing_return", "GET"): Open(303, 404),
    ("team.join", "GET"): Open(410, 410),
    ("team.join", "POST"): Open(410, 410),
    ("webhooks.nmbrs_webhook", "GET"): Open(404, 404),
    ("webhooks.nmbrs_webhook", "POST"): Open(404, 404),
    ("webhooks.bank_callback", "POST"): Open(404, 404),
    ("pwa.manifest", "GET"): ALL_SEE,
    ("pwa.service_worker", "GET"): ALL_SEE,
    ("pwa.offline", "GET"): ALL_SEE,
    ("pwa.subscription_renewed", "POST"): Open(204, 204),  # of a browser without notifications: nothing
    ("ops.liveness", "GET"): ALL_SEE,
    ("ops.readiness", "GET"): Open(503, 503),  # no queue is reachable
    ("ops.metrics", "GET"): Open(404, 404),  # not public
}

# Form values, where an empty form would do nothing.
FORMS: dict[str, Callable[[PreparedSite], dict[str, Any]]] = {
    "payments.pay": lambda site: {"shown": site.demo.view(site.batch).digest},
    "payroll.payday": lambda site: {"payday": "day:25"},
    "payroll.save_mapping": lambda site: {f"company-{site.demo.company.id}": str(site.demo.other.id)},
    "settings.change_name": lambda _site: {"name": "Kim approver de Jong Sam preparer"},
    "settings.change_company_name": lambda _site: {"name": "Demo Duinrand BV"},
    "settings.choose_language": lambda _site: {"language": "en"},
    "settings.enable_push": lambda site: {"subscription": Receiver(site.sandbox).written},
    "team.detail": lambda _site: {"role": "preparer"},
    "team.hide_lines": lambda _site: {"hidden": "y"},
}

MEMBERS = ("owner", "approver", "preparer", "unidentified")
OUTSIDE = ("stranger", "removed")
ELSEWHERE = {("payments.from_mail", "stranger"): 404}


def every(rows: dict) -> Any:
    return pytest.mark.parametrize(("endpoint", "method"), sorted(rows), ids=map("-".join, sorted(rows)))


def test_every_route_has_an_expectation(app: Flask):
    found = {
        (rule.endpoint, method): "client" in rule.arguments
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {key for key, of_client in found.items() if of_client} == set(RIGHTS)
    assert {key for key, of_client in found.items() if not of_client} == set(OPEN)


def asked(site: PreparedSite, who: str, endpoint: str, method: str) -> Page:
    form = FORMS[endpoint](site) if method == "POST" and endpoint in FORMS else {}
    return site.ask(who, method, site.address(endpoint, method), form)


def breaches(site: PreparedSite, who: str, endpoint: str, method: str) -> Iterator[str]:
    """Yield how the response for a member differs from its row."""
    right = RIGHTS[(endpoint, method)]
    answer, wanted = asked(site, who, endpoint, method), right.of(who)
    if answer.status_code != wanted:
        yield f"{who}: {answer.status_code} instead of {wanted}"
    elif wanted == 403 and site.changed:
        yield f"{who}: refused, and {site.written()} is written"
    elif wanted == 303:
        outcome = right.outcome(who)
        leads = outcome.leads.format(**site.things, sandbox=site.sandbox.url)
        whole = leads if leads.startswith("http") else f"/{site.things['client']}{leads}"
        found = unquote(answer.location)
        if not (found == whole or (leads.startswith("http") and found.startswith(whole))):
            yield f"{who}: to {found} instead of {whole}"
        if outcome.writes not in (written := site.written() or {""}):
            yield f"{who}: {written} written instead of {outcome.writes or 'nothing'}"


@every(RIGHTS)
def test_what_a_member_may_do(prepared: PreparedSite, endpoint: str, method: str):
    found = []
    for who in MEMBERS:
        found += list(breaches(prepared, who, endpoint, method))
        prepared.back()
    assert found == []


@every(RIGHTS)
def test_outsiders_are_refused(prepared: PreparedSite, endpoint: str, method: str):
    """Anonymous users must log in; the owner of another client and a removed member get 404."""
    answer = asked(prepared, "nobody", endpoint, method)
    assert (answer.status_code, answer.headers["Location"].partition("=")[0]) == (303, "/inloggen?verder")
    assert {who: asked(prepared, who, endpoint, method).status_code for who in OUTSIDE} == dict.fromkeys(OUTSIDE, 404)
    assert not prepared.changed


THINGS = re.compile("<[^>]*(reference|consent_id|connection_id|company_id|run_id|account_id|member_id|invitation_id)>")


def test_data_of_another_client_is_404(prepared: PreparedSite):
    """For every URL with an id of a client's data."""
    named = {rule.endpoint for rule in prepared.app.url_map.iter_rules() if THINGS.search(rule.rule)}
    keys = [(endpoint, method) for endpoint, method in RIGHTS if endpoint in named]
    assert len(keys) >= 61
    found = {}
    for endpoint, method in keys:
        path = prepared.address(endpoint, method, client=prepared.own)
        answer = prepared.ask("stranger", method, path)
        if answer.status_code != 404 or prepared.written():
            found[(endpoint, method)] = (answer.status_code, prepared.written())
        prepared.back()
    assert found == {}


@every(OPEN)
def test_routes_without_a_client(prepared: PreparedSite, endpoint: str, method: str):
    """None of them changes data of a client."""
    found = {}
    for who in ("nobody", *MEMBERS, *OUTSIDE):
        wanted = ELSEWHERE.get((endpoint, who), OPEN[(endpoint, method)].of(who))
        status = prepared.ask(who, method, prepared.address(endpoint, method)).status_code
        if status != wanted or prepared.facts() != prepared.before:
            found[who] = f"{status} instead of {wanted}; {prepared.written()} is written"
        prepared.back()
    assert found == {}


def test_the_short_url_of_another_clients_payment_is_404(prepared: PreparedSite):
    path = f"/betalingen/{prepared.batch.reference}"
    assert prepared.ask("preparer", "GET", path).status_code == 303
    assert prepared.ask("stranger", "GET", path).status_code == 404
    assert prepared.ask("removed", "GET", path).status_code == 404
    assert prepared.ask("stranger", "GET", "/betalingen/20260101000000-00000").status_code == 404


def test_fragments_are_protected_too(prepared: PreparedSite):
    path = prepared.address("payments.status", "GET")
    answer = prepared.people["nobody"].get(path, htmx=True)
    assert (answer.status_code, answer.data) == (401, b"")
    assert answer.headers["HX-Redirect"].startswith("/inloggen?")


def test_a_removed_member_loses_access_at_once(prepared: PreparedSite):
    path = prepared.address("settings.settings", "GET")
    assert prepared.ask("approver", "GET", path).status_code == 200
    mine = Membership.get(Membership.user == User.get(User.name == "Sam approver").id)
    members.remove_member(prepared.demo.client, prepared.demo.user, mine.id)
    assert prepared.ask("approver", "GET", path).status_code == 404


def test_a_changed_role_applies_at_once(prepared: PreparedSite):
    path = prepared.address("team.invite", "GET")
    mine = Membership.get(Membership.user == User.get(User.name == "Sam unidentified").id)
    assert prepared.ask("unidentified", "GET", path).status_code == 200
    members.change_role(prepared.demo.client, prepared.demo.user, mine.id, "approver")
    assert prepared.ask("unidentified", "GET", path).status_code == 403
