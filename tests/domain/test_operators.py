"""Operators end sessions."""

import pytest
from flask import Flask

import commands
from domain.accounts import sessions
from domain.operations import integrity
from models import AuditEvent, LoginSession
from tests.support.factories import Demo, make_user


@pytest.fixture
def app(demo: Demo) -> Flask:
    made = Flask("test")
    commands.register(made)
    return made


def end(app: Flask, *arguments: str):
    return app.test_cli_runner().invoke(args=["sessions", "end", "--reason", "phone stolen", *arguments])


def test_sessions_of_one_user_and_of_all_users(demo: Demo, app: Flask):
    other = make_user(name="Naomi")
    mine = [sessions.start_session({}, demo.user.id) for _ in range(2)]
    theirs, nobodys = sessions.start_session({}, other.id), sessions.start_session({"begun": 1}, None)
    assert "2 sessions ended" in end(app, "--email", demo.user.email.upper()).output
    assert [sessions.load_session(one) for one in mine] == [None, None]
    assert sessions.load_session(theirs) is not None
    event = AuditEvent.select().where(AuditEvent.kind == "sessions.ended").get()
    assert (event.client_id, event.subject) == (demo.client.id, f"user:{demo.user.id}")
    assert "1 sessions ended" in end(app, "--all").output
    assert [row.user_id for row in LoginSession.select()] == [None], "anonymous sessions remain"
    assert sessions.load_session(nobodys) is not None
    assert list(integrity.find_inconsistencies()) == []


def test_exactly_one_target_is_required(demo: Demo, app: Flask):
    sessions.start_session({}, demo.user.id)
    for wrong in ((), ("--email", demo.user.email, "--all"), ("--email", "nobody@demobv.example")):
        assert end(app, *wrong).exit_code != 0
    assert LoginSession.select().count() == 1
