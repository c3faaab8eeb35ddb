"""Who may do what: every route × everybody there is. A new route without a row fails.

Each row is one request on a client that is all set up, with one open payment; forms are sent empty but for their
token. One world is made for the whole module and put back after whatever changed it.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import html5lib
import pytest
from flask import Flask, url_for

import app as application
import config
import jobs
import models
from core.clock import utcnow
from domain.payments import four_eyes
from domain.team import invitations, members
from models import (
    AuditEvent,
    Batch,
    BatchLine,
    Client,
    FourEyesChange,
    Invitation,
    LoginSession,
    Membership,
    PayrollCompany,
    User,
)
from tests.conftest import POSTGRES
from tests.support.factories import authorise, make_client, make_demo, make_user
from tests.support.sandbox import Sandbox
from tests.support.web_client import Site, WebClient


@dataclass(frozen=True)
class Right:
    """The status of the answer for who takes part. An owner whom nobody identified gets an owner's, unless told.

    Nobody at all is led to sign-in; who takes no part (any more) gets 404: those stand in the tests, for every row.
    """

    owner: int
    approver: int
    preparer: int
    unidentified: int | None = None

    def of(self, who: str) -> int:
        if who == "unidentified" and self.unidentified is None:
            return self.owner
        found: int = getattr(self, who)
        return found


PAGE, ON, SAID = Right(200, 200, 200), Right(303, 303, 303), Right(422, 422, 422)
WHO_PAYS = Right(303, 303, 403)
OWNER_ONLY, OWNER_PAGE, OWNER_SAID = Right(303, 403, 403), Right(200, 403, 403), Right(422, 403, 403)

RIGHTS: dict[tuple[str, str], Right] = {
    ("payroll.apps", "GET"): PAGE,
    ("payroll.overview", "GET"): PAGE,
    ("payroll.settings", "GET"): PAGE,
    ("payroll.save", "POST"): ON,
    ("payroll.connect", "GET"): PAGE,
    ("payroll.connect", "POST"): SAID,
    ("payroll.consent", "POST"): ON,
    ("payroll.rights", "GET"): PAGE,
    ("payroll.rights", "POST"): ON,
    ("payroll.new_address", "GET"): PAGE,
    ("payroll.new_address", "POST"): SAID,
    ("payroll.renew_token", "GET"): PAGE,
    ("payroll.renew_token", "POST"): SAID,
    ("payroll.consent_again", "POST"): ON,
    ("payroll.move", "GET"): Right(200, 403, 403),
    ("payroll.move", "POST"): OWNER_ONLY,
    ("payroll.remove", "GET"): Right(200, 403, 403),
    ("payroll.remove", "POST"): OWNER_ONLY,
    ("payroll.entry", "GET"): PAGE,
    ("payroll.take_in_again", "POST"): ON,
    ("payroll.older", "GET"): PAGE,
    ("payroll.pick", "POST"): ON,
    ("payments.list_payments", "GET"): PAGE,
    ("payments.detail", "GET"): PAGE,
    ("payments.include_all", "POST"): ON,
    ("payments.pay", "POST"): WHO_PAYS,
    ("payments.start_signing", "POST"): WHO_PAYS,
    ("payments.signing_page", "GET"): WHO_PAYS,  # nothing to be signed: on to the payment
    ("payments.challenge_image", "GET"): Right(404, 404, 403),
    ("payments.submit_credentials", "POST"): WHO_PAYS,
    ("payments.choose_method", "POST"): WHO_PAYS,
    ("payments.submit_otp", "POST"): WHO_PAYS,
    ("payments.abandon_signing", "POST"): WHO_PAYS,
    ("payments.reopen", "POST"): WHO_PAYS,
    ("payments.pin", "GET"): WHO_PAYS,
    ("payments.pin", "POST"): WHO_PAYS,
    ("payments.passkey_options", "POST"): Right(409, 409, 403),  # without what was shown
    ("payments.sign_with_passkey", "POST"): WHO_PAYS,
    ("settings.sign_out_there", "POST"): ON,
    ("settings.show_passkeys", "GET"): PAGE,
    ("settings.ask_passkey", "POST"): PAGE,
    ("settings.add_passkey", "POST"): ON,
    ("settings.rename_passkey", "POST"): Right(404, 404, 404),
    ("settings.remove_passkey", "POST"): Right(404, 404, 404),
    ("settings.change_password", "GET"): PAGE,
    ("settings.change_password", "POST"): SAID,
    ("payments.decide_line", "POST"): ON,
    ("payments.status", "GET"): ON,
    ("payments.acknowledge_warnings", "GET"): ON,  # nothing to be read: on to the payment
    ("payments.acknowledge_warnings", "POST"): WHO_PAYS,
    ("payments.upload_report", "GET"): WHO_PAYS,  # of a payment that was not sent: on to it
    ("payments.upload_report", "POST"): WHO_PAYS,
    ("payments.download_file", "GET"): WHO_PAYS,  # a look takes nothing: on to the payment
    ("payments.download_file", "POST"): WHO_PAYS,
    ("payments.report_outcome", "GET"): WHO_PAYS,  # nobody took a file: on to the payment
    ("payments.report_outcome", "POST"): WHO_PAYS,
    ("payments.cancel", "GET"): WHO_PAYS,  # nothing is at the bank: on to the payment
    ("payments.cancel", "POST"): WHO_PAYS,
    ("payments.withdraw_cancellation", "POST"): WHO_PAYS,
    ("payments.decide_name", "POST"): WHO_PAYS,
    ("payments.confirm_names", "POST"): WHO_PAYS,
    ("payments.change", "GET"): PAGE,
    ("payments.change", "POST"): SAID,
    ("team.everyone", "GET"): PAGE,
    ("team.invite", "GET"): OWNER_PAGE,
    ("team.invite", "POST"): OWNER_SAID,
    ("team.resend", "POST"): OWNER_ONLY,
    ("team.withdraw", "POST"): OWNER_ONLY,
    ("team.one", "GET"): OWNER_PAGE,
    ("team.one", "POST"): OWNER_ONLY,
    ("team.remove", "GET"): OWNER_PAGE,
    ("team.remove", "POST"): OWNER_ONLY,
    ("team.hide_lines", "POST"): OWNER_ONLY,
    ("team.four_eyes_page", "GET"): OWNER_PAGE,
    ("team.four_eyes_page", "POST"): OWNER_SAID,
    ("team.agree", "POST"): WHO_PAYS,
    ("team.decline", "POST"): WHO_PAYS,
    ("onboarding.identify", "GET"): PAGE,
    ("onboarding.identify", "POST"): ON,
    ("onboarding.ask_register_again", "POST"): ON,
    ("onboarding.confirm_code", "POST"): SAID,
    ("onboarding.invite_second_signer", "POST"): Right(422, 403, 403),
    ("onboarding.pin", "GET"): PAGE,
    ("onboarding.pin", "POST"): SAID,
    ("onboarding.welcome", "GET"): PAGE,
    ("settings.settings", "GET"): PAGE,
    ("settings.sign_out_elsewhere", "POST"): ON,
    ("settings.wish", "POST"): OWNER_ONLY,
    ("settings.choose_language", "POST"): ON,
    ("settings.show_notifications", "GET"): PAGE,
    ("settings.choose_notifications", "POST"): ON,
    ("settings.switch_on", "POST"): ON,
    ("settings.switch_off", "POST"): ON,
    ("overview.overview", "GET"): PAGE,
    ("overview.home_screen_offered", "POST"): ON,
    ("banking.balances", "GET"): PAGE,
    ("banking.refresh", "POST"): ON,
    ("banking.renew", "POST"): ON,
    ("banking.bookings", "GET"): PAGE,
    ("banking.add", "GET"): Right(200, 200, 303, unidentified=303),  # who has not identified goes there first
    ("banking.add", "POST"): Right(422, 422, 303, unidentified=303),
    ("banking.add_by_hand", "GET"): Right(200, 200, 303, unidentified=303),
    ("banking.add_by_hand", "POST"): Right(422, 422, 303, unidentified=303),
    ("banking.confirm_holder", "GET"): PAGE,
    ("banking.confirm_holder", "POST"): ON,
}

# Routes without a client in their address. Keys and tokens in them are of nothing.
@dataclass(frozen=True)
class Open:
    """Nobody in particular; somebody signed in, whatever their role; signed in without any client (any more)."""

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
    ("account.sign_in", "GET"): Open(200, 303),
    ("account.sign_in", "POST"): Open(422, 422),
    ("account.sign_out", "POST"): Open(303, 303),
    ("account.register", "GET"): ALL_SEE,
    ("account.register", "POST"): Open(422, 422),
    ("account.registered", "GET"): ALL_SEE,
    ("account.registered", "POST"): Open(422, 422),
    ("account.confirm", "GET"): ALL_SEE,
    ("account.confirm", "POST"): Open(410, 410),
    ("account.ask_sign_in", "POST"): ALL_SEE,
    ("account.sign_in_with_passkey", "POST"): Open(303, 303),
    ("account.ask_proof", "POST"): Open(303, 200),
    ("account.prove_with_passkey", "POST"): Open(303, 303),
    ("account.forgot", "GET"): ALL_SEE,
    ("account.forgot", "POST"): Open(422, 422),
    ("account.reset", "GET"): ALL_SEE,
    ("account.reset", "POST"): Open(422, 422),
    ("account.prove", "GET"): Open(303, 200),
    ("account.prove", "POST"): Open(303, 422),
    ("account.device", "GET"): Open(303, 303),
    ("account.device", "POST"): Open(303, 303),
    ("account.confirm_device", "GET"): Open(303, 200),
    ("account.confirm_device", "POST"): Open(303, 303),
    ("onboarding.find_company", "GET"): ALL_SEE,
    ("onboarding.identified", "GET"): Open(400, 303, 400),
    ("banking.back", "GET"): Open(303, 404),
    ("banking.back_with_key", "GET"): Open(303, 404),
    ("payroll.came_back", "GET"): Open(303, 303),
    ("payments.from_mail", "GET"): Open(303, 303, 404),
    ("payments.signing_return", "GET"): Open(303, 404),
    ("team.join", "GET"): Open(410, 410),
    ("team.join", "POST"): Open(410, 410),
    ("webhooks.receive", "GET"): Open(404, 404),
    ("webhooks.receive", "POST"): Open(404, 404),
    ("webhooks.bank_signal", "POST"): Open(404, 404),
    ("pwa.manifest", "GET"): ALL_SEE,
    ("pwa.service_worker", "GET"): ALL_SEE,
    ("pwa.offline", "GET"): ALL_SEE,
    ("pwa.subscription_renewed", "POST"): Open(204, 204),  # of a browser in which nobody has notifications: nothing
    ("ops.alive", "GET"): ALL_SEE,
    ("ops.ready", "GET"): Open(503, 503),  # nobody answers where the queue should be
    ("ops.metrics", "GET"): Open(404, 404),  # not public
}

# What is asked once more who one is before it is done (ASVS 7.5.1): who they are, who takes part, whence and how money
# goes. Beside it stand those that release money, which also want a device of one's own.
PROOF = frozenset(
    {
        "onboarding.pin", "settings.wish", "settings.show_passkeys", "settings.ask_passkey", "settings.add_passkey",
        "settings.rename_passkey", "settings.remove_passkey", "team.invite", "team.resend", "team.withdraw",
        "team.one", "team.remove", "team.hide_lines", "team.four_eyes_page", "team.agree",
        "team.decline", "payroll.connect", "payroll.consent", "payroll.renew_token", "payroll.consent_again",
        "payroll.new_address", "payroll.move", "payroll.remove", "banking.add_by_hand",
        "onboarding.invite_second_signer",
    }
)  # fmt: skip
RELEASES = frozenset(
    {
        "payments.pay", "payments.pin", "payments.passkey_options", "payments.sign_with_passkey", "payments.cancel",
        "payments.report_outcome",
    }
)  # fmt: skip
# No proof: setting up, reading, what only makes a payment smaller or stops it, and what asks for the pin or the
# password itself, or is the bank's to allow.
AT_ONCE = frozenset(
    {
        "payroll.save", "payroll.rights", "payroll.take_in_again", "payroll.pick", "payments.include_all",
        "payments.start_signing", "payments.submit_credentials", "payments.choose_method", "payments.submit_otp",
        "payments.abandon_signing", "payments.reopen", "settings.sign_out_there", "settings.change_password",
        "settings.choose_language", "settings.choose_notifications", "settings.switch_on", "settings.switch_off",
        "payments.decide_line", "payments.acknowledge_warnings", "payments.upload_report", "payments.download_file",
        "payments.withdraw_cancellation", "payments.decide_name", "payments.confirm_names", "payments.change",
        "onboarding.identify", "onboarding.ask_register_again", "onboarding.confirm_code",
        "settings.sign_out_elsewhere",
        "overview.home_screen_offered", "banking.refresh", "banking.renew", "banking.add", "banking.confirm_holder",
    }
)  # fmt: skip

MEMBERS = ("owner", "approver", "preparer", "unidentified")
OUTSIDE = ("stranger", "removed")
ELSEWHERE = {("payments.from_mail", "stranger"): 404}


# Answers of machines and for machines, which are no pages of the house.
NO_PAGES = (
    "/static/", "/manifest", "/sw.js", "/offline", "/healthz", "/readyz", "/metrics", "/client/", "/bank/seintje/",
)  # fmt: skip


class Prepared:
    """The application on a world in which everybody has signed in; `back` puts it as it was."""

    def __init__(self, app: Flask, settings: config.Config, url: str, sandbox: Sandbox):
        self.app, self.settings, self.url, self.sandbox = app, settings, url, sandbox
        self.people: dict[str, WebClient] = {}
        self.tokens: dict[str, str] = {}
        self.cookies: dict[str, str | None] = {}
        self._connect()
        self._make()

    def _connect(self) -> None:
        models.database.close()
        application.furnish(replace(self.settings, database_url=self.url), self.app)
        jobs.connect(self.settings.redis_url)
        models.database.connect(reuse_if_open=True)

    def _make(self) -> None:
        self.site = Site(self.app, self.sandbox)
        self.demo = make_demo(self.sandbox, pin=False)
        self.batch = self.demo.batch()
        users = self._users()
        for name, user in users.items():
            self.people[name] = self.site.person(user)
            self.tokens[name] = self.people[name].token
            self.cookies[name] = self.people[name].cookie
        self.things = self._things()
        self.own = str(Membership.get(Membership.user == users["stranger"]).client.public_id)
        self._long_lasting()
        self.before, self.sessions = self._facts(), self._sessions()
        if not POSTGRES:
            models.database.execute_sql("pragma wal_checkpoint(truncate)")
            models.database.close()
            shutil.copyfile(self._file, f"{self._file}.kept")
            self._connect()
            self.changes = self._count()

    def _users(self) -> dict[str, User | None]:
        """Everybody; their pins fit nothing, which is quick."""
        demo = self.demo
        found: dict[str, User | None] = {"nobody": None, "owner": demo.user}
        for name, role in (("approver", "approver"), ("preparer", "preparer"), ("unidentified", "owner")):
            found[name] = make_user(name=f"Sam {name}")
            Membership.create(user=found[name], client=demo.client, role=role)
        approver, removed, stranger = found["approver"], make_user(name="Weg"), make_user(name="Charlie")
        gone = Membership.create(user=removed, client=demo.client, role="owner")
        authorise(demo.client, removed)
        members.remove(demo.client, demo.user, gone.id)
        make_client(stranger)
        assert approver is not None
        authorise(demo.client, approver)
        found |= {"removed": removed, "stranger": stranger}
        for user in found.values():
            if user is not None:
                models.Pin.create(user=user, pin_hash="-")
        return found

    def _things(self) -> dict[str, Any]:
        """What addresses name: a colleague, an invitation, a question about four eyes."""
        demo = self.demo
        invitations.invite(demo.client, demo.user, "alek@demobv.example", "preparer")
        Client.update(four_eyes_cents=900_000_00).where(Client.id == demo.client.id).execute()
        four_eyes.change(Membership.get_by_id(demo.membership.id), None)
        spare = Membership.create(user=make_user(name="Reserve"), client=demo.client, role="approver")
        return {
            "client": demo.client.public_id, "reference": self.batch.reference,
            "line_id": demo.view(self.batch).lines[0].id, "link_id": demo.link.id, "connection_id": demo.connection.id,
            "run_id": self.batch.run_id, "account_id": demo.account.id, "passkey_id": 1, "verdict": "betaald",
            "member_id": spare.id, "invitation_id": Invitation.get().id, "key": FourEyesChange.get().key,
            "token": "of-nothing", "state": "of-nothing", "filename": "css/base.css",
        }  # fmt: skip

    def _long_lasting(self) -> None:
        """Nothing is written because time goes by: seen, proved and used were all a moment from now."""
        later = utcnow() + timedelta(hours=1)
        LoginSession.update(seen_at=later, proved_until=later, expires_at=later + timedelta(days=1)).execute()
        models.Device.update(seen_at=later).execute()
        Membership.update(used_at=later).execute()

    @property
    def _file(self) -> str:
        return self.url.removeprefix("sqlite:///")

    def _count(self) -> int:
        return models.database.connection().total_changes

    def _sessions(self) -> dict[str, str]:
        """What makes a person's cookie and token good: their sessions, and what is kept in them."""
        return {row.token_hash: repr(row.data) for row in LoginSession.select()}

    def _facts(self) -> tuple:
        lines = [(line.id, line.state) for line in self.demo.view(Batch.get()).lines]
        mapped = [(row.id, row.bank_account_id) for row in PayrollCompany.select()]
        return AuditEvent.select().count(), Batch.get().state, lines, mapped, Membership.select().count()

    @property
    def changed(self) -> bool:
        """Whether anything at all was written since; on PostgreSQL, whether any fact was or a session ended."""
        if POSTGRES:
            return self._facts() != self.before or not self.sessions.items() <= self._sessions().items()
        return self._count() != self.changes

    def back(self) -> None:
        if not self.changed:
            return
        if POSTGRES:
            tables = ", ".join(f'"{table._meta.table_name}"' for table in models.TABLES)
            models.database.execute_sql(f"truncate {tables} restart identity cascade")
            self._make()
            return
        models.database.close()
        for end in ("-wal", "-shm"):
            Path(f"{self._file}{end}").unlink(missing_ok=True)
        shutil.copyfile(f"{self._file}.kept", self._file)
        models.database.connect()
        self.changes = self._count()

    def address(self, endpoint: str, method: str, **other: Any) -> str:
        """The route's address for this client and its things."""
        rules = [rule for rule in self.app.url_map.iter_rules(endpoint) if method in (rule.methods or ())]
        known = {**self.things, **other}
        with self.app.test_request_context():
            path = url_for(endpoint, **{name: known[name] for name in rules[0].arguments})
        return f"{path}?verdict=refuse" if endpoint == "payments.decide_line" else path

    def ask(self, who: str, method: str, path: str) -> Any:
        """As this person: the answer, every page of which is held to the rules of the house."""
        person, cookie = self.people[who], self.cookies[who]
        assert cookie is not None
        person.client.set_cookie("bz", cookie)  # signing out, and in, gave another
        if path.startswith(NO_PAGES):
            return person.client.open(path, method=method)
        if method == "GET":
            return person.get(path)
        return person.bare_post(path, {"csrf_token": self.tokens[who]})


@pytest.fixture(scope="module")
def once(app: Flask, settings: config.Config, migrated: str, running_sandbox: Sandbox,
         tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:  # fmt: skip
    running_sandbox.reset()
    url = migrated
    if not POSTGRES:
        url = f"sqlite:///{tmp_path_factory.mktemp('prepared') / 'test.db'}"
        shutil.copyfile(migrated.removeprefix("sqlite:///"), url.removeprefix("sqlite:///"))
    models.connect(url)
    models.database.connect()
    if POSTGRES:
        tables = ", ".join(f'"{table._meta.table_name}"' for table in models.TABLES)
        models.database.execute_sql(f"truncate {tables} restart identity cascade")
    yield Prepared(app, settings, url, running_sandbox)
    models.database.close()


@pytest.fixture
def prepared(once: Prepared) -> Iterator[Prepared]:
    yield once
    once.back()


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


@every(RIGHTS)
@pytest.mark.parametrize("who", MEMBERS)
def test_who_takes_part(prepared: Prepared, who: str, endpoint: str, method: str):
    wanted = RIGHTS[(endpoint, method)].of(who)
    answer = prepared.ask(who, method, prepared.address(endpoint, method))
    assert answer.status_code == wanted
    assert wanted != 403 or not prepared.changed


@every(RIGHTS)
def test_nobody_is_led_to_sign_in(prepared: Prepared, endpoint: str, method: str):
    answer = prepared.ask("nobody", method, prepared.address(endpoint, method))
    assert (answer.status_code, answer.headers["Location"].partition("=")[0]) == (303, "/inloggen?verder")
    assert not prepared.changed


@every(RIGHTS)
@pytest.mark.parametrize("who", OUTSIDE)
def test_who_takes_no_part_finds_nothing(prepared: Prepared, who: str, endpoint: str, method: str):
    """The owner of another client, and who was taken out of this one."""
    assert prepared.ask(who, method, prepared.address(endpoint, method)).status_code == 404
    assert not prepared.changed


THINGS = ("reference", "link_id", "connection_id", "run_id", "account_id", "member_id", "invitation_id")


@every(RIGHTS)
def test_things_of_another_client_are_not_there_by_way_of_the_own_one(prepared: Prepared, endpoint: str, method: str):
    (rule, *_) = prepared.app.url_map.iter_rules(endpoint)
    path = prepared.address(endpoint, method, client=prepared.own)
    answer = prepared.ask("stranger", method, path)
    if rule.arguments & set(THINGS):
        assert answer.status_code == 404
    assert prepared._facts() == prepared.before or not rule.arguments & set(THINGS)


@every(OPEN)
@pytest.mark.parametrize("who", ("nobody", *MEMBERS, *OUTSIDE))
def test_routes_without_a_client(prepared: Prepared, who: str, endpoint: str, method: str):
    """Nothing of a client is changed by any of them."""
    wanted = OPEN[(endpoint, method)].of(who)
    if (endpoint, who) in ELSEWHERE:
        wanted = ELSEWHERE[(endpoint, who)]
    assert prepared.ask(who, method, prepared.address(endpoint, method)).status_code == wanted
    assert prepared._facts() == prepared.before


def test_of_every_act_it_is_said_whether_one_shows_who_one_is():
    acts = {endpoint for endpoint, method in RIGHTS if method == "POST"} | PROOF
    assert sorted([*PROOF, *RELEASES, *AT_ONCE]) == sorted(acts)


def everything() -> dict[str, list[Any]]:
    """Every row there is, but for the sessions."""
    tables = [table for table in models.TABLES if table is not LoginSession]
    return {table.__name__: sorted(table.select().tuples(), key=repr) for table in tables}


@pytest.mark.parametrize("endpoint", sorted(PROOF | RELEASES))
def test_who_has_just_signed_in_is_not_asked(prepared: Prepared, endpoint: str):
    """Choosing the pin while one registers, above all."""
    for method in [method for name, method in RIGHTS if name == endpoint]:
        answer = prepared.ask("owner", method, prepared.address(endpoint, method))
        assert not answer.headers.get("Location", "").startswith("/bewijs"), method


@pytest.mark.parametrize("endpoint", sorted(PROOF | RELEASES))
def test_after_five_minutes_away_one_shows_who_one_is_first(prepared: Prepared, endpoint: str):
    """And until then nothing is done: no row of any table is another, but that of the session itself."""
    methods = [method for name, method in RIGHTS if name == endpoint]
    before = everything()
    paths = {method: prepared.address(endpoint, method) for method in methods}
    try:
        LoginSession.update(proved_until=utcnow() - timedelta(seconds=1)).execute()
        for method, path in paths.items():
            answer = prepared.ask("owner", method, path)
            assert (answer.status_code, answer.headers["Location"].startswith("/bewijs?verder=")) == (303, True), method
        assert everything() == before
    finally:
        LoginSession.update(proved_until=utcnow() + timedelta(hours=1)).execute()


def test_a_payment_of_another_is_not_there_by_its_short_address_either(prepared: Prepared):
    path = f"/betalingen/{prepared.batch.reference}"
    assert prepared.ask("preparer", "GET", path).status_code == 303
    assert prepared.ask("stranger", "GET", path).status_code == 404
    assert prepared.ask("removed", "GET", path).status_code == 404
    assert prepared.ask("stranger", "GET", "/betalingen/20260101000000-00000").status_code == 404


def test_a_fragment_tells_nobody_anything(prepared: Prepared):
    path = prepared.address("payments.status", "GET")
    answer = prepared.people["nobody"].get(path, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.data) == (401, b"")
    assert answer.headers["HX-Redirect"].startswith("/inloggen?")


def test_a_member_that_is_taken_out_is_out_at_once(prepared: Prepared):
    path = prepared.address("settings.settings", "GET")
    assert prepared.ask("approver", "GET", path).status_code == 200
    mine = Membership.get(Membership.user == User.get(User.name == "Sam approver").id)
    members.remove(prepared.demo.client, prepared.demo.user, mine.id)
    assert prepared.ask("approver", "GET", path).status_code == 404


def test_a_role_that_is_taken_away_is_gone_at_once(prepared: Prepared):
    path = prepared.address("team.invite", "GET")
    mine = Membership.get(Membership.user == User.get(User.name == "Sam unidentified").id)
    assert prepared.ask("unidentified", "GET", path).status_code == 200
    members.change_role(prepared.demo.client, prepared.demo.user, mine.id, "approver")
    assert prepared.ask("unidentified", "GET", path).status_code == 403


# --- the other language ---------------------------------------------------------------------------
DUTCH = re.compile(
    r"\b(de|het|een|niet|geen|jouw|deze|wordt|betaling|betalingen|rekening|klopt|nog|naar|ook|maar|voor|met|van|je)\b",
    re.IGNORECASE,
)


def words_of(page: str) -> str:
    """What a person reads or hears of a page, without the things of the database and what is quoted from Nmbrs."""
    root = html5lib.parse(page, treebuilder="lxml", namespaceHTMLElements=False).getroot()
    for quiet in [*root.iter("script", "style", "title"), *root.xpath("//body//*[@lang='nl']")]:
        quiet.clear(keep_tail=True)
    said = [*root.itertext(), *(value for node in root.iter() for name, value in node.items() if name in HEARD)]
    text = re.sub("‘[^’]*’", "", " ".join(said))
    for one in names():
        text = text.replace(one, "")
    return text


def names() -> set[str]:
    """What people called things and each other, whatever language they read."""
    lines = [(line.name_shown, line.description_shown) for line in BatchLine.select()]
    return {user.name for user in User.select()} | {word for line in lines for word in line}


HEARD = ("aria-label", "placeholder", "alt", "title", "data-done", "data-lost", "data-failed")


@pytest.mark.parametrize("who", ("owner", "preparer"))
def test_every_page_is_in_english_too(prepared: Prepared, who: str):
    """Of who chose English, every page that opens; the same pages hold Dutch for who did not."""
    places = {prepared.address(name, "GET") for name, method in [*RIGHTS, *OPEN] if method == "GET"}
    pages = sorted(path for path in places if not path.startswith(NO_PAGES))
    found, dutch, seen = {}, 0, 0
    for language in ("nl", "en"):
        User.update(language=language).execute()
        for path in pages:
            answer = prepared.ask(who, "GET", path)
            if answer.status_code != 200 or answer.mimetype != "text/html":
                continue
            words = DUTCH.findall(words_of(answer.html))
            if language == "nl":
                dutch += bool(words)
                continue
            seen += 1
            if words:
                found[path] = words
    assert found == {}
    assert (seen, dutch) == (seen, seen) and seen > (30 if who == "owner" else 15)
