"""When the register is asked again, what is accepted while it is down, and how long an operator's decision stands."""

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


def aged(demo: Demo, days: float, answer: str = "authorised", decided_by: str | None = None) -> None:
    """Set the age of the last answer, in days."""
    Authority.update(
        checked_at=utcnow() - timedelta(days=days), answer=answer, decided_by=decided_by, reason="x"
    ).execute()


def registered(sandbox: Sandbox, code: str = "azb", person: dict[str, Any] | None = None) -> None:
    """Register Demo BV with Wouter as its director, with this authority code."""
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


def test_a_recent_answer_is_not_refreshed(demo: Demo, sandbox: Sandbox):
    registered(sandbox, "nb")
    aged(demo, 0.9)
    assert pay(demo).digest
    assert answers(demo) == ["authorised"]


def test_an_old_answer_is_refreshed_before_a_payment(demo: Demo):
    aged(demo, 1.1)
    assert pay(demo).digest
    assert answers(demo) == ["authorised", "authorised"]


def test_a_lost_authority_blocks_the_release(demo: Demo, sandbox: Sandbox):
    registered(sandbox, "nb")
    aged(demo, 1.1)
    with pytest.raises(AuthorityRefused) as caught:
        pay(demo)
    assert caught.value.reason == "not_authorised"
    assert Release.select().count() == 0
    assert answers(demo) == ["authorised", "not_authorised"]
    (event,) = AuditEvent.select().where(AuditEvent.kind == "authority.asked")
    assert (event.details["answer"], event.details["reason"]) == ("not_authorised", "not_authorised")


def test_a_recent_no_is_not_refreshed(demo: Demo):
    aged(demo, 0, "not_authorised")
    with pytest.raises(AuthorityRefused):
        pay(demo)
    assert answers(demo) == ["not_authorised"]


@pytest.mark.parametrize("call", ["link", "release"])
def test_a_yes_of_this_week_is_accepted_while_the_register_is_down(demo: Demo, sandbox: Sandbox, call: str):
    sandbox.fault(kvk_down=True)
    aged(demo, 6.9)
    doing(call, demo)()
    assert answers(demo) == ["authorised"]


@pytest.mark.parametrize(("days", "answer"), [(7.1, "authorised"), (1.1, "not_authorised"), (1.1, "undetermined")])
@pytest.mark.parametrize("call", ["link", "release"])
@pytest.mark.parametrize("fault", ["kvk_down", "kvk_temporary"])
def test_other_answers_fail_in_an_outage(demo: Demo, sandbox: Sandbox, fault: str, call: str, days: float, answer: str):
    sandbox.fault(**{fault: True})
    aged(demo, days, answer)
    with pytest.raises(RegisterUnavailable):
        doing(call, demo)()
    assert Release.select().count() == 0


def doing(call: str, demo: Demo) -> Callable[[], Any]:
    if call == "link":
        return lambda: linking.start_consent(demo.client, demo.user, "redirect", PSU, None)
    return lambda: pay(demo)


def test_a_bank_link_always_asks_the_register(demo: Demo, sandbox: Sandbox):
    registered(sandbox, "gb")
    with pytest.raises(AuthorityPending) as caught:
        linking.start_consent(demo.client, demo.user, "redirect", PSU, None)
    assert caught.value.reason == "together"
    assert answers(demo) == ["authorised", "undetermined"]


def test_an_unknown_company_does_not_count_as_an_outage(demo: Demo):
    aged(demo, 1.1)
    demo.client.kvk_number = "99999999"
    demo.client.save()
    demo.membership.client = demo.client
    with pytest.raises(UnknownCompany):
        identification.require_authority(demo.client, demo.user)


def test_an_identification_is_required(demo: Demo):
    Identification.delete().execute()
    with pytest.raises(NotIdentified):
        identification.require_authority(demo.client, demo.user)


# --- an operator's decision ---
def decide(demo: Demo, answer: str) -> None:
    signing_authority.decide_authority(demo.client, demo.user, answer, "seen the articles", "ops")


def test_a_decided_yes_stays_while_the_register_is_undetermined(demo: Demo, sandbox: Sandbox):
    registered(sandbox, "gb")
    decide(demo, "authorised")
    identification.require_fresh_authority(demo.client, demo.user)
    newest = signing_authority.latest_decision(demo.client, demo.user)
    assert newest is not None
    assert (newest.answer, newest.decided_by) == ("authorised", "ops")
    identification.require_fresh_authority(demo.client, demo.user)  # stays so


def test_the_registers_no_ends_a_decided_yes(demo: Demo, sandbox: Sandbox):
    decide(demo, "authorised")
    registered(sandbox, "nb")
    with pytest.raises(AuthorityRefused):
        identification.require_fresh_authority(demo.client, demo.user)
    registered(sandbox, "gb")
    with pytest.raises(AuthorityPending):
        identification.require_fresh_authority(demo.client, demo.user)


def test_a_decided_no_stays_until_an_operator_changes_it(demo: Demo):
    decide(demo, "not_authorised")
    for _ in range(2):
        with pytest.raises(AuthorityRefused):
            identification.require_fresh_authority(demo.client, demo.user)
    decide(demo, "authorised")
    identification.require_fresh_authority(demo.client, demo.user)


def test_a_director_without_birth_date_waits_for_an_operator(demo: Demo, sandbox: Sandbox):
    sandbox.fault(kvk_no_birth_dates=True)
    with pytest.raises(AuthorityPending) as caught:
        identification.require_fresh_authority(demo.client, demo.user)
    assert caught.value.reason == "name_differs"
    assert [row.user_id for row in signing_authority.pending_authority_reviews()] == [demo.user.id]


def test_a_payment_can_be_viewed_while_the_register_is_down(demo: Demo, sandbox: Sandbox):
    """Reading needs no authority: it works while the register is down."""
    sandbox.fault(kvk_down=True)
    aged(demo, 30)
    batch = demo.batch()
    assert queries.get_payment(demo.client, batch.reference).reference == batch.reference
