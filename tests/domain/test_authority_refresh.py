"""When the register is asked again, what holds while it is away, and what a person's decision outlives."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from core.clock import utcnow
from domain.banking import linking
from domain.common.errors import (
    AuthorityPending,
    AuthorityRefused,
    NotIdentified,
    RegisterUnavailable,
    UnknownCompany,
)
from domain.identity import identification, signing_authority
from domain.payments import queries, release
from models import AuditEvent, Authority, Identification, Release
from tests.support.factories import PSU, Demo
from tests.support.sandbox import Sandbox

DEMO = "68750110"


def aged(demo: Demo, days: float, answer: str = "yes", decided_by: str | None = None) -> None:
    """The last answer, so many days ago."""
    Authority.update(
        asked_at=utcnow() - timedelta(days=days), answer=answer, decided_by=decided_by, reason="x"
    ).execute()


def registered(sandbox: Sandbox, code: str = "azb", person: dict[str, Any] | None = None) -> None:
    """Demo BV with Wouter as its director, of whom the register says this."""
    extract = sandbox.control("GET", f"register/{DEMO}")
    owner = extract["product"]["maatschappelijkeActiviteit"]["heeftAlsEigenaar"]["rechtspersoon"]
    function = owner["heeft"][0]["bestuursfunctie"]
    function["bevoegdheid"]["soort"]["code"] = code
    function["door"]["natuurlijkPersoon"] |= person or {}
    sandbox.control("PUT", f"register/{DEMO}", extract)


def pay(demo: Demo) -> Release:
    batch = demo.batch()
    made = release.release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    assert isinstance(made, Release)
    return made


def answers(demo: Demo) -> list[str]:
    return [row.answer for row in Authority.select().where(Authority.client == demo.client.id).order_by(Authority.id)]


def test_an_answer_of_today_is_not_asked_again(demo: Demo, sandbox: Sandbox):
    registered(sandbox, "nb")
    aged(demo, 0.9)
    assert pay(demo).digest
    assert answers(demo) == ["yes"]


def test_an_older_answer_is_asked_again_before_a_payment(demo: Demo):
    aged(demo, 1.1)
    assert pay(demo).digest
    assert answers(demo) == ["yes", "yes"]


def test_who_may_no_longer_sign_releases_nothing(demo: Demo, sandbox: Sandbox):
    registered(sandbox, "nb")
    aged(demo, 1.1)
    with pytest.raises(AuthorityRefused) as caught:
        pay(demo)
    assert caught.value.reason == "not_authorised"
    assert Release.select().count() == 0
    assert answers(demo) == ["yes", "no"]
    (event,) = AuditEvent.select().where(AuditEvent.kind == "authority.asked")
    assert (event.details["answer"], event.details["reason"]) == ("no", "not_authorised")


def test_a_no_counts_at_once_and_is_not_asked_again_that_day(demo: Demo):
    aged(demo, 0, "no")
    with pytest.raises(AuthorityRefused):
        pay(demo)
    assert answers(demo) == ["no"]


@pytest.mark.parametrize("call", ["link", "release"])
def test_a_yes_of_this_week_holds_while_the_register_is_away(demo: Demo, sandbox: Sandbox, call: str):
    sandbox.fault(kvk_down=True)
    aged(demo, 6.9)
    doing(call, demo)()
    assert answers(demo) == ["yes"]


@pytest.mark.parametrize(("days", "answer"), [(7.1, "yes"), (1.1, "no"), (1.1, "not_established")])
@pytest.mark.parametrize("call", ["link", "release"])
@pytest.mark.parametrize("fault", ["kvk_down", "kvk_temporary"])
def test_nothing_else_holds(demo: Demo, sandbox: Sandbox, fault: str, call: str, days: float, answer: str):
    sandbox.fault(**{fault: True})
    aged(demo, days, answer)
    with pytest.raises(RegisterUnavailable):
        doing(call, demo)()
    assert Release.select().count() == 0


def doing(call: str, demo: Demo) -> Callable[[], Any]:
    if call == "link":
        return lambda: linking.start_consent(demo.client, demo.user, "redirect", PSU, None)
    return lambda: pay(demo)


def test_a_bank_link_asks_whatever_the_age(demo: Demo, sandbox: Sandbox):
    registered(sandbox, "gb")
    with pytest.raises(AuthorityPending) as caught:
        linking.start_consent(demo.client, demo.user, "redirect", PSU, None)
    assert caught.value.reason == "together"
    assert answers(demo) == ["yes", "not_established"]


def test_a_company_that_the_register_no_longer_has_is_not_a_register_that_is_away(demo: Demo):
    aged(demo, 1.1)
    demo.client.kvk_number = "99999999"
    demo.client.save()
    demo.membership.client = demo.client
    with pytest.raises(UnknownCompany):
        identification.require_authority(demo.client, demo.user)


def test_without_an_identification_nobody_is_asked(demo: Demo):
    Identification.delete().execute()
    with pytest.raises(NotIdentified):
        identification.require_authority(demo.client, demo.user)


# --- a person's decision ---
def decide(demo: Demo, answer: str) -> None:
    signing_authority.decide_authority(demo.client, demo.user, answer, "seen the articles", "ops")


def test_a_decided_yes_stays_while_the_register_leaves_it_open(demo: Demo, sandbox: Sandbox):
    registered(sandbox, "gb")
    decide(demo, "yes")
    identification.require_fresh_authority(demo.client, demo.user)
    newest = signing_authority.latest_decision(demo.client, demo.user)
    assert newest is not None
    assert (newest.answer, newest.decided_by) == ("yes", "ops")
    identification.require_fresh_authority(demo.client, demo.user)  # and so on


def test_a_no_of_the_register_ends_a_decided_yes(demo: Demo, sandbox: Sandbox):
    decide(demo, "yes")
    registered(sandbox, "nb")
    with pytest.raises(AuthorityRefused):
        identification.require_fresh_authority(demo.client, demo.user)
    registered(sandbox, "gb")
    with pytest.raises(AuthorityPending):
        identification.require_fresh_authority(demo.client, demo.user)


def test_a_decided_no_stays_until_a_person_takes_it_back(demo: Demo):
    decide(demo, "no")
    for _ in range(2):
        with pytest.raises(AuthorityRefused):
            identification.require_fresh_authority(demo.client, demo.user)
    decide(demo, "yes")
    identification.require_fresh_authority(demo.client, demo.user)


def test_a_director_without_birth_date_waits_for_a_person(demo: Demo, sandbox: Sandbox):
    sandbox.fault(kvk_no_birth_dates=True)
    with pytest.raises(AuthorityPending) as caught:
        identification.require_fresh_authority(demo.client, demo.user)
    assert caught.value.reason == "name_differs"
    assert [row.user_id for row in signing_authority.pending_authority_reviews()] == [demo.user.id]


def test_the_payments_page_is_not_asked_of_the_register(demo: Demo, sandbox: Sandbox):
    """Looking is not paying: a register that is away keeps nobody from reading."""
    sandbox.fault(kvk_down=True)
    aged(demo, 30)
    batch = demo.batch()
    assert queries.get_payment(demo.client, batch.reference).reference == batch.reference
