"""A set-up client with one open payment and signed-in users, restored after each change.

It is created once per module. On SQLite the database file is copied back; on PostgreSQL everything is created again.
"""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask, url_for

import app as application
import config
import jobs
import models
from core.clock import utcnow
from domain.payments import four_eyes
from domain.team import invitations, members
from models import (
    ApprovalThresholdChange,
    AuditEvent,
    Batch,
    Client,
    Invitation,
    LoginSession,
    Membership,
    PayrollCompany,
    User,
)
from models.base import Table
from tests.conftest import POSTGRES
from tests.support.factories import authorise, make_client, make_demo, make_user
from tests.support.prepared_house import forget_marks
from tests.support.register import register_directors
from tests.support.sandbox import Sandbox
from tests.support.web_client import Page, Site, WebClient

# Paths for machines, which return no pages.
NO_PAGES = (
    "/static/", "/manifest", "/sw.js", "/offline", "/healthz", "/readyz", "/metrics", "/client/", "/bank/seintje/",
)  # fmt: skip


def _rows_of(table: type[Table]) -> list[tuple]:
    return models.database.execute_sql(f'select * from "{table._meta.table_name}"').fetchall()


class PreparedSite:
    """The application on a database in which all users have signed in; `back` restores it."""

    def __init__(self, app: Flask, settings: config.Config, url: str, sandbox: Sandbox):
        self.app, self.settings, self.url, self.sandbox = app, settings, url, sandbox
        self.people: dict[str, WebClient] = {}
        self.tokens: dict[str, str] = {}
        self.cookies: dict[str, str | None] = {}
        self._connect()
        self._make()

    def _connect(self) -> None:
        models.database.close()
        application.configure_services(replace(self.settings, database_url=self.url), self.app)
        jobs.connect(self.settings.redis_url)
        models.database.connect(reuse_if_open=True)

    def _make(self) -> None:
        self.site = Site(self.app, self.sandbox)
        self.demo = make_demo(self.sandbox, pin=False)
        self.batch = self.demo.batch()
        users = self._users()
        for name, user in users.items():
            self.site.person(user)  # a second session, which can be revoked
            self.people[name] = self.site.person(user)
            self.tokens[name] = self.people[name].token
            self.cookies[name] = self.people[name].cookie
        self.things = self._things()
        self.own = str(Membership.get(Membership.user == users["stranger"]).client.public_id)
        self._exclude_the_last_line()
        self._long_lasting()
        self.before, self.sessions = self.facts(), self._sessions()
        self.rows = self._rows()
        if not POSTGRES:
            models.database.execute_sql("pragma wal_checkpoint(truncate)")
            models.database.close()
            shutil.copyfile(self._file, f"{self._file}.kept")
            self._connect()
            self.changes = self._count()

    def _users(self) -> dict[str, User | None]:
        """Create the users. Their pin hashes match nothing, which saves hashing."""
        demo = self.demo
        sam = {"voornamen": "Sam", "geslachtsnaam": "approver", "geboortedatum": "19850203"}
        register_directors(self.sandbox.control, sam)
        found: dict[str, User | None] = {"nobody": None, "owner": demo.user}
        for name, role in (("approver", "approver"), ("preparer", "preparer"), ("unidentified", "owner")):
            found[name] = make_user(name=f"Sam {name}")
            Membership.create(user=found[name], client=demo.client, role=role)
        approver, removed, stranger = found["approver"], make_user(name="Weg"), make_user(name="Charlie")
        gone = Membership.create(user=removed, client=demo.client, role="owner")
        authorise(demo.client, removed)
        members.remove_member(demo.client, demo.user, gone.id)
        authorise(make_client(stranger).client, stranger)  # may sign, elsewhere
        assert approver is not None
        authorise(demo.client, approver)
        found |= {"removed": removed, "stranger": stranger}
        for user in found.values():
            if user is not None:
                models.Pin.create(user=user, pin_hash="-")
        return found

    def _things(self) -> dict[str, Any]:
        """Create what URLs refer to: a member, an invitation, a threshold change."""
        demo = self.demo
        invitations.invite_member(demo.client, demo.user, "alek@demobv.example", "preparer")
        Client.update(dual_approval_from_cents=900_000_00).where(Client.id == demo.client.id).execute()
        four_eyes.set_threshold(Membership.get_by_id(demo.membership.id), None)
        spare = Membership.create(user=make_user(name="Reserve"), client=demo.client, role="approver")
        authorise(demo.client, spare.user)
        return {
            "client": demo.client.public_id, "reference": self.batch.reference,
            "line_id": demo.view(self.batch).lines[0].id, "consent_id": demo.consent.id,
            "connection_id": demo.connection.id, "run_id": self.batch.run_id, "account_id": demo.account.id,
            "company_id": demo.company.id, "passkey_id": 1, "allowance_id": 1, "verdict": "betaald",
            "document": "0" * 64, "member_id": spare.id, "invitation_id": Invitation.get().id,
            "key": ApprovalThresholdChange.get().key,
            "token": "of-nothing", "state": "of-nothing", "filename": "css/base.css",
        }  # fmt: skip

    def _exclude_the_last_line(self) -> None:
        """Exclude the last line, so that it can be included again."""
        line = self.demo.view(self.batch).lines[-1].id
        path = self.address("payments.decide_line", "POST", line_id=line)
        self.people["owner"].post(path)

    def _long_lasting(self) -> None:
        """Set activity times in the future, so that the passing of time causes no writes."""
        later = utcnow() + timedelta(hours=1)
        LoginSession.update(last_seen_at=later, elevated_until=later, expires_at=later + timedelta(days=1)).execute()
        models.Device.update(last_seen_at=later).execute()
        Membership.update(last_used_at=later).execute()

    @property
    def _file(self) -> str:
        return self.url.removeprefix("sqlite:///")

    def _count(self) -> int:
        return models.database.connection().total_changes

    def _rows(self) -> dict[str, Any]:
        """Return every row of every table; for sessions, which also store messages, only their number."""
        found = {table.__name__: sorted(_rows_of(table), key=repr) for table in models.TABLES}
        return found | {"LoginSession": len(found["LoginSession"])}

    def written(self) -> set[str]:
        """Return the tables that changed since the site was created."""
        if not POSTGRES and not self.changed:
            return set()
        now = self._rows()
        return {table for table, rows in now.items() if rows != self.rows[table]}

    def _sessions(self) -> dict[str, str]:
        """Return the sessions with their data: what keeps each user's cookie, token and authentication valid."""
        return {row.token_hash: repr((row.data, row.elevated_until)) for row in LoginSession.select()}

    def facts(self) -> tuple:
        lines = [(line.id, line.state) for line in self.demo.view(Batch.get()).lines]
        mapped = [(row.id, row.bank_account_id) for row in PayrollCompany.select()]
        return AuditEvent.select().count(), Batch.get().state, lines, mapped, Membership.select().count()

    @property
    def changed(self) -> bool:
        """Whether anything was written since; on PostgreSQL, whether a row differs or a session ended."""
        if POSTGRES:
            return self._rows() != self.rows or not self.sessions.items() <= self._sessions().items()
        return self._count() != self.changes

    def back(self) -> None:
        if not self.changed:
            return
        forget_marks(self.settings.home)
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
        """Return the URL of the route for this client and its objects."""
        rules = [rule for rule in self.app.url_map.iter_rules(endpoint) if method in (rule.methods or ())]
        known = {**self.things, **other}
        with self.app.test_request_context():
            path = url_for(endpoint, **{name: known[name] for name in rules[0].arguments})
        return f"{path}?verdict=refuse" if endpoint == "payments.decide_line" else path

    def ask(self, who: str, method: str, path: str, form: Mapping[str, Any] | None = None) -> Page:
        """Return the response to this user; every page is checked against the page rules."""
        person, cookie = self.people[who], self.cookies[who]
        assert cookie is not None
        person.client.set_cookie("bz", cookie)  # signing out or in changes the cookie
        if path.startswith(NO_PAGES):
            return person.client.open(path, method=method)  # type: ignore[return-value]
        if method == "GET":
            return person.get(path)
        return person.bare_post(path, {"csrf_token": self.tokens[who], **(form or {})})
