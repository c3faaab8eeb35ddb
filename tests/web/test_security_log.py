"""The security log: each attempt to sign in or to prove who one is, each refusal, and nothing that is secret in it."""

import json
import logging
import re
from datetime import UTC, datetime

import pytest

from core.clock import utcnow
from core.log_records import UtcFormatter
from domain.accounts import passwords
from domain.common import security_log
from domain.common.errors import OperatorRefused
from domain.operations import operator_access
from models import Pin, User
from tests.support.factories import PIN, Demo, make_client
from tests.support.orders import put_at_bank
from tests.support.web_client import Site, WebClient

PASSWORD = "een zin die niemand raadt"
ADDRESS = "w@demobv.example"


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, security_log.__name__)
    return caplog


def told(log: pytest.LogCaptureFixture, event: str) -> list[dict]:
    lines = [record.getMessage() for record in log.records if record.name == security_log.__name__]
    return [found for found in map(json.loads, lines) if found["event"] == event]


@pytest.fixture
def wouter(site: Site) -> User:
    user = User.create(
        email=ADDRESS, name="Wouter", password_hash=passwords.hash_password(PASSWORD), email_confirmed_at=utcnow()
    )
    make_client(user)
    return user


def test_each_attempt_to_sign_in_is_logged_with_its_origin_and_without_its_secrets(
    site: Site, wouter: User, log: pytest.LogCaptureFixture
):
    who = site.person()
    who.post("/inloggen", {"email": ADDRESS, "password": "verkeerd-Aa1"})
    who.post("/inloggen", {"email": "niemand@demobv.example", "password": "verkeerd-Aa1"})
    who.post("/inloggen", {"email": ADDRESS.upper(), "password": PASSWORD})
    wrong, unknown, right = told(log, "sign_in")
    assert [one["outcome"] for one in (wrong, unknown, right)] == ["refused", "refused", "done"]
    assert (wrong["why"], right["user"], right["how"]) == ("SignInRefused", wouter.id, "password")
    assert wrong["account"] == right["account"] != unknown["account"], "the attempts on one account can be counted"
    assert wrong.keys() == unknown.keys(), "an unknown address looks like a known one"
    assert (right["address"], right["endpoint"], right["method"]) == ("127.0.0.1", "account.sign_in", "POST")
    assert not re.search("demobv|verkeerd|niemand|Wouter", log.text)


def test_a_wrong_and_a_right_password_again_are_logged(site: Site, wouter: User, log: pytest.LogCaptureFixture):
    who = site.person(wouter)
    who.post("/bewijs", {"password": "verkeerd"})
    who.post("/bewijs", {"password": PASSWORD})
    who.post("/uitloggen")
    assert [(one["outcome"], one["user"]) for one in told(log, "reauthentication")] == [
        ("refused", wouter.id), ("done", wouter.id),
    ]  # fmt: skip
    assert [one["user"] for one in told(log, "sign_out")] == [wouter.id]


def test_each_pin_is_logged_and_none_of_its_digits(owner: WebClient, demo: Demo, log: pytest.LogCaptureFixture):
    Pin.update(pin_hash=passwords.hash_pin(demo.user.id, PIN)).where(Pin.user == demo.user.id).execute()
    for pin in ("111222", PIN):
        owner.post(f"/{demo.client.public_id}/instellingen/sluiten", {"pin": pin})
    assert [(one["outcome"], one.get("why")) for one in told(log, "pin")] == [("refused", "PinWrong"), ("done", None)]
    assert "111222" not in log.text and PIN not in log.text


def test_refused_requests_are_logged(
    owner: WebClient, charlie: WebClient, demo: Demo, log: pytest.LogCaptureFixture
):
    page = f"/{demo.client.public_id}/instellingen"
    charlie.get(page)
    owner.bare_post(f"{page}/taal")
    owner.post(f"{page}/taal", headers={"Origin": "https://thief.example"})
    refused = told(log, "request")
    assert [one["status"] for one in refused] == [404, 400, 403]
    assert refused[0]["user"] != demo.user.id and refused[1]["user"] == demo.user.id
    assert {one["outcome"] for one in refused} == {"refused"}
    assert all(record.levelno == logging.WARNING for record in log.records if '"refused"' in record.getMessage())


def test_a_rule_that_refuses_a_payment_is_logged(owner: WebClient, demo: Demo, log: pytest.LogCaptureFixture):
    batch = demo.batch()
    put_at_bank(batch, "at_bank", "possible")
    owner.post(f"/{demo.client.public_id}/betalingen/{batch.reference}/opnieuw")
    (refused,) = told(log, "rule")
    assert (refused["user"], refused["client"], refused["outcome"]) == (demo.user.id, demo.client.id, "refused")


def test_pages_that_nobody_has_are_not_logged(site: Site, log: pytest.LogCaptureFixture):
    site.person().get("/wp-login.php")
    assert told(log, "request") == []


def test_an_operator_who_is_refused_is_logged(demo: Demo, log: pytest.LogCaptureFixture):
    operator_access.add_operator("ada", "", None, "root")
    with pytest.raises(OperatorRefused):
        operator_access.sign_in("ada\nforged line", "token-that-is-wrong")
    (refused,) = told(log, "operator_sign_in")
    assert (refused["outcome"], refused["why"]) == ("refused", "OperatorRefused")
    assert "\n" not in log.records[-1].getMessage() and "token-that-is-wrong" not in log.text


def test_a_line_begins_with_its_moment_in_utc():
    facts = {"name": "app", "levelname": "INFO", "msg": "x", "created": 1793348100.25, "msecs": 250}
    record = logging.makeLogRecord(facts)
    line = UtcFormatter("%(asctime)s %(levelname)s %(name)s %(message)s").format(record)
    moment = datetime.fromtimestamp(1793348100, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    assert line == f"{moment}.250Z INFO app x"
