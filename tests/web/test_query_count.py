"""The number of queries of a payment page: none twice, and few in total."""

import logging
from collections import Counter

import pytest

from core.clock import today_amsterdam
from domain.payments import four_eyes
from models import Batch, Client, OrderLine
from tests.support.factories import Demo
from tests.support.large_batches import many
from tests.support.orders import put_at_bank
from tests.support.sandbox import Sandbox
from tests.support.signing import at_the_bank, signing_by
from tests.support.web_client import WebClient
from tests.web.test_payment_page import at, strike
from tests.web.test_team import joined

# Queries of every page of a client: session, user and membership.
OF_EVERY_PAGE = ('"login_session"', '"user_account" AS "t1" WHERE ("t1"."id" = ', '"membership" AS "t1"')


class Asked:
    """The other statements of one request."""

    def __init__(self, log: pytest.LogCaptureFixture):
        found = [record.msg for record in log.records if record.name == "peewee"]
        self.statements = [str(one) for one in found if not any(text in one[0] for text in OF_EVERY_PAGE)]
        self.twice = [one for one, times in Counter(map(str, found)).items() if times > 1]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, logger="peewee")
    return caplog


def read(who: WebClient, path: str, log: pytest.LogCaptureFixture, htmx: bool = False) -> Asked:
    """Load the page a second time: the first one created the CSRF token."""
    who.get(path, htmx)
    log.clear()
    assert who.get(path, htmx).status_code in (200, 204)
    return Asked(log)


def test_an_open_payment_of_eighty_lines(owner: WebClient, demo: Demo, log: pytest.LogCaptureFixture):
    asked = read(owner, at(demo, demo.batch(many(80))), log)
    assert asked.twice == []
    # what was executed before, and what was answered about its eighty new accounts, are two of them
    assert len(asked.statements) <= 5, asked.statements


def test_an_open_payment_to_known_accounts(owner: WebClient, demo: Demo, log: pytest.LogCaptureFixture):
    put_at_bank(demo.batch(many(80)), "executed", "paid")
    asked = read(owner, at(demo, demo.batch(many(80), 2)), log)
    assert asked.twice == []
    assert len(asked.statements) <= 4, asked.statements


def test_an_open_payment_with_dual_approval(owner: WebClient, demo: Demo, log: pytest.LogCaptureFixture):
    joined(demo, "Naomi Meijer", "approver")
    Client.update(dual_approval_from_cents=0).where(Client.id == demo.client.id).execute()
    asked = read(owner, at(demo, demo.batch(many(80))), log)
    assert asked.twice == []
    # who may sign, and which accounts belong to one person, are three statements more than for one approval
    assert len(asked.statements) <= 11, asked.statements


@pytest.mark.parametrize(
    ("state", "standing", "most"),
    [("at_bank", "possible", 3), ("executed", "paid", 3), ("signed", "possible", 3),
     # what was not paid, and why, is read too
     ("rejected", "unpaid", 6), ("pending_rejection", "possible", 4), ("partly_executed", "paid", 4),
     ("disputed", "disputed", 6), ("returned", "returned", 6)],
)  # fmt: skip
def test_a_payment_of_eighty_lines_in_each_state(
    owner: WebClient, demo: Demo, log: pytest.LogCaptureFixture, state: str, standing: str, most: int
):
    batch = demo.batch(many(80))
    put_at_bank(batch, state, standing)
    asked = read(owner, at(demo, batch), log)
    assert asked.twice == []
    assert len(asked.statements) <= most, asked.statements


@pytest.mark.parametrize("way", ["redirect", "decoupled", "embedded"])
def test_a_payment_that_is_at_the_bank(
    owner: WebClient, demo: Demo, sandbox: Sandbox, log: pytest.LogCaptureFixture, way: str
):
    signing_by(sandbox, way)
    path = at(demo, at_the_bank(demo))
    asked = read(owner, path, log)
    assert asked.twice == []
    assert len(asked.statements) <= 3, asked.statements


def test_the_page_for_sca(owner: WebClient, demo: Demo, sandbox: Sandbox, log: pytest.LogCaptureFixture):
    signing_by(sandbox, "embedded")
    asked = read(owner, at(demo, at_the_bank(demo), "/ondertekenen"), log)
    assert asked.twice == []
    # device, identification and authority among them: the page asks what signing asks, before anything is typed
    assert len(asked.statements) <= 7, asked.statements


def test_polling_every_two_seconds(owner: WebClient, demo: Demo, log: pytest.LogCaptureFixture):
    batch = at_the_bank(demo)
    seen = owner.open(at(demo, batch)).value("#payment", "hx-get")
    asked = read(owner, seen, log, htmx=True)
    assert asked.twice == []
    assert len(asked.statements) <= 3, asked.statements


def test_including_all_lines(owner: WebClient, demo: Demo, log: pytest.LogCaptureFixture):
    batch = demo.batch()
    owner.open(at(demo, batch))
    strike(owner, demo, batch, 0, htmx=True)
    log.clear()
    assert owner.post(at(demo, batch, "/alles"), htmx=True).status_code == 200
    assert len(Asked(log).statements) <= 16, Asked(log).statements
    assert Batch.get_by_id(batch.id).state == "open"
    assert four_eyes.valid_approvals(batch.id) == []


@pytest.mark.parametrize("count", [3, 200])
def test_the_page_of_unpaid_lines(owner: WebClient, demo: Demo, log: pytest.LogCaptureFixture, count: int):
    batches = [demo.batch(many(count), number) for number in (1, 2)]
    put_at_bank(batches[0], "partly_executed", "unpaid")
    put_at_bank(batches[1], "pending_rejection")
    OrderLine.update(may_execute_until=today_amsterdam()).where(OrderLine.standing == "possible").execute()
    path = f"/{demo.client.public_id}/betalingen/niet-betaald"
    assert len(owner.open(path).all("li.line")) == 2 * count
    asked = read(owner, path, log)
    assert asked.twice == []
    assert len(asked.statements) == 6, asked.statements


def test_when_everybody_is_paid_it_costs_four_statements(owner: WebClient, demo: Demo, log: pytest.LogCaptureFixture):
    put_at_bank(demo.batch(many(80)), "executed", "paid")
    asked = read(owner, f"/{demo.client.public_id}/betalingen/niet-betaald", log)
    assert len(asked.statements) == 4, asked.statements
