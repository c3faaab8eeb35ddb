"""Paying more than is owed: two people, each with proof, over HTTP, with the sandbox's Nmbrs and banks.

It is paid once, whatever happens in between: pressed twice, withdrawn, calculated again, refused by the bank, set up
again, returned.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.common import audit
from domain.common.encryption import encrypt
from models import (
    Batch,
    BatchLine,
    Device,
    ExcessAllowance,
    Identification,
    Membership,
    OrderLine,
    OutgoingMail,
    PinAttempts,
    User,
    database,
)
from tests.support.books import require_right_books
from tests.support.factories import PIN, WOUTER, Demo
from tests.support.intake import work
from tests.support.orders import set_line
from tests.support.sandbox import Sandbox
from tests.support.web_client import Page, Site, WebClient
from tests.web.test_approval import pay
from tests.web.test_bank_file_proof import colleague, give_pin
from tests.web.test_payment_page import at
from tests.web.test_reopening import NEW, amounts, decided, reopened, run, run_again
from tests.web.test_unpaid import executed, sent, unpaid_page
from tests.web.test_unpaid import tap as tap_unpaid

__all__ = ["run"]

WOUTERS_IBAN, WAGE = "NL42INGB2268352412", 344_808
WHY = "Het geld is niet aangekomen, zegt Wouter"


@pytest.fixture(autouse=True)
def no_inconsistencies(demo: Demo, request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    require_right_books(request)


@pytest.fixture
def naomi(demo: Demo) -> User:
    give_pin(demo.user)
    return colleague(demo, "Naomi Peters")


@pytest.fixture
def second(site: Site, naomi: User) -> WebClient:
    return site.person(naomi)


@pytest.fixture
def paid(owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict, second: WebClient) -> Batch:
    """A run that was paid whole: Wouter got 3.448,08."""
    (batch,) = work(demo)
    decided(demo, sent(owner, demo, batch), "ondertekenen")
    assert executed(sandbox, batch).state == "executed"
    return batch


def line_of(batch: Batch, iban: str = WOUTERS_IBAN) -> BatchLine:
    return BatchLine.get(BatchLine.batch == batch.id, BatchLine.creditor_iban == iban)


def ask(who: WebClient, demo: Demo, batch: Batch, **fields: str) -> Page:
    told = {"amount": "3.448,08", "reason": WHY, "pin": PIN} | fields
    lines = BatchLine.select().where(BatchLine.batch == batch.id)
    line = line_of(batch) if lines.count() > 1 else lines.get()
    return who.post(at(demo, batch, f"/extra/{line.id}"), told)


def asked(who: WebClient, demo: Demo, batch: Batch, **fields: str) -> ExcessAllowance:
    answer = ask(who, demo, batch, **fields)
    assert answer.status_code == 303, answer.text
    return ExcessAllowance.select().order_by(ExcessAllowance.id.desc()).get()


def place(demo: Demo, row: ExcessAllowance, tail: str = "") -> str:
    return f"/{demo.client.public_id}/betalingen/extra/{row.id}{tail}"


def allowed(who: WebClient, demo: Demo, row: ExcessAllowance) -> Batch:
    """Allow it, and return the payment that this leads to."""
    answer = who.post(place(demo, row), pin=PIN)
    assert answer.status_code == 303, answer.text
    return Batch.get(Batch.reference == answer.location.split("/")[3])


def extra(owner: WebClient, second: WebClient, demo: Demo, batch: Batch, **fields: str) -> Batch:
    return allowed(second, demo, asked(owner, demo, batch, **fields))


def signed(owner: WebClient, demo: Demo, sandbox: Sandbox, batch: Batch) -> Batch:
    decided(demo, sent(owner, demo, batch), "ondertekenen")
    return executed(sandbox, batch)


def told(kind: str) -> list[str]:
    mails = OutgoingMail.select(OutgoingMail, User).join(User).where(OutgoingMail.kind == kind)
    return sorted(mail.user.name for mail in mails)


def orders(sandbox: Sandbox) -> list[str]:
    return sorted(order["msg_id"] for order in sandbox.control("GET", "orders"))


def went_to_wouter() -> int:
    rows = OrderLine.select().where(OrderLine.standing.in_(("possible", "paid", "disputed")))
    return sum(row.amount_cents for row in rows if row.batch_line.due_id == wouters_due())


def wouters_due() -> int:
    return BatchLine.select().where(BatchLine.creditor_iban == WOUTERS_IBAN).order_by(BatchLine.id).get().due_id or 0


# --- asked, allowed, approved, paid once ----------------------------------------------------------
def test_two_people_pay_more_than_is_owed_once(
    owner: WebClient, second: WebClient, demo: Demo, sandbox: Sandbox, paid: Batch
):
    assert "Iemand extra betalen" in owner.open(at(demo, paid)).text
    assert "Wouter" in owner.open(at(demo, paid, "/extra")).text
    page = owner.open(at(demo, paid, f"/extra/{line_of(paid).id}"))
    assert page.value("input[name=amount]") == "3.448,08"
    row = asked(owner, demo, paid)
    said = owner.open(place(demo, row)).text  # the page after asking
    assert said.count("Naomi Peters moet toestemming geven.") == 1 and "Je verzoek is verstuurd." in said
    assert Batch.select().count() == 1, "nothing is made before a second person allows it"
    assert told("excess_asked") == ["Naomi Peters"]
    mine = owner.open(place(demo, row))
    assert "Naomi Peters moet toestemming geven. Tot dan wordt er niets betaald." in mine.text
    assert mine.all("input[name=pin]") == []
    theirs = second.open(place(demo, row))
    assert WHY in theirs.text and "Wouter de Jong vraagt je toestemming." in theirs.text
    batch = allowed(second, demo, row)
    assert (batch.state, amounts(batch)) == ("open", {WOUTERS_IBAN: WAGE})
    # it waits to be read and approved, like any other
    assert pay(owner, demo, batch).status_code in (303, 422) and Batch.get_by_id(batch.id).state == "open"
    warned = owner.open(at(demo, batch, "/lezen")).text
    assert "Meer dan er betaald moet worden" in warned
    assert "Toegestaan door Wouter de Jong en Naomi Peters." in warned and WHY in warned
    assert signed(owner, demo, sandbox, batch).state == "executed"
    assert orders(sandbox) == sorted([paid.reference, batch.reference])
    assert went_to_wouter() == 2 * WAGE
    assert "Geen onbetaalde regels" in unpaid_page(owner, demo).text
    assert {"excess.asked", "excess.allowed"} <= kinds(demo)


def kinds(demo: Demo) -> set[str]:
    rows = database.execute_sql("select kind from audit_event").fetchall()
    assert audit.verify_chain(demo.client.id) == []
    return {kind for (kind,) in rows}


def test_another_amount_beyond_what_is_owed(
    owner: WebClient, second: WebClient, demo: Demo, sandbox: Sandbox, paid: Batch
):
    batch = extra(owner, second, demo, paid, amount="250,00", reason="Voorschot")
    assert amounts(batch) == {WOUTERS_IBAN: 25_000}
    assert signed(owner, demo, sandbox, batch).state == "executed"
    # again beside the second payment: it counts beside the same line
    again = extra(owner, second, demo, batch, amount="10,00", reason="Nog een keer")
    assert again.reference != batch.reference and went_to_wouter() == WAGE + 25_000
    assert signed(owner, demo, sandbox, again).state == "executed"
    assert went_to_wouter() == WAGE + 26_000


# --- who may, with what proof ---------------------------------------------------------------------
def test_one_person_alone_allows_nothing(owner: WebClient, demo: Demo, paid: Batch):
    row = asked(owner, demo, paid)
    answer = owner.post(place(demo, row), pin=PIN)
    assert "Hier is iemand anders voor nodig" in owner.open(answer.location).text
    assert (ExcessAllowance.get().allowed_at, Batch.select().count()) == (None, 1)


def test_nobody_can_ask_where_nobody_else_may_allow(owner: WebClient, demo: Demo, paid: Batch, naomi: User):
    Membership.update(role="preparer").where(Membership.user == naomi.id).execute()
    answer = ask(owner, demo, paid)
    assert "Nodig eerst iemand uit die mag betalen." in owner.open(answer.location).text
    assert ExcessAllowance.select().count() == 0


def test_two_accounts_of_one_person_are_one(
    owner: WebClient, second: WebClient, demo: Demo, paid: Batch, naomi: User
):
    row = asked(owner, demo, paid)
    Identification.update(
        provider="another broker", person_encrypted=encrypt(json.dumps(json.loads(WOUTER)), "identification", naomi.id)
    ).where(Identification.user == naomi.id).execute()
    answer = second.post(place(demo, row), pin=PIN)
    assert "volgens de identificatie zijn deze twee accounts van dezelfde persoon" in second.open(answer.location).text
    assert (ExcessAllowance.get().allowed_at, Batch.select().count()) == (None, 1)


def test_a_wrong_pin_asks_and_allows_nothing(owner: WebClient, second: WebClient, demo: Demo, paid: Batch):
    page = ask(owner, demo, paid, pin="918273")
    assert page.status_code == 422 and ExcessAllowance.select().count() == 0
    assert page.value("input[name=reason]") == WHY, "what was typed is kept"
    row = asked(owner, demo, paid)
    assert "nog 4 keer" in second.open(second.post(place(demo, row), pin="918273").location).says("#pin-error")
    assert ExcessAllowance.get().allowed_at is None
    assert PinAttempts.select().where(PinAttempts.failures == 1).count() == 1


def test_an_unconfirmed_device_is_asked_to_confirm_first(
    owner: WebClient, second: WebClient, demo: Demo, paid: Batch
):
    row = asked(owner, demo, paid)
    Device.update(confirmed_at=None, confirmed_by=None).execute()
    assert "apparaat" in second.post(place(demo, row), pin=PIN).location
    assert "apparaat" in ask(owner, demo, paid).location
    assert (ExcessAllowance.get().allowed_at, ExcessAllowance.select().count()) == (None, 1)


def test_who_prepares_can_do_none_of_it(site: Site, owner: WebClient, demo: Demo, paid: Batch):
    preparer = site.person(colleague(demo, "Sam Bakker", "preparer"))
    row = asked(owner, demo, paid)
    assert ask(preparer, demo, paid).status_code == 403
    assert preparer.post(place(demo, row), pin=PIN).status_code == 403
    assert preparer.post(place(demo, row, "/intrekken")).status_code == 403
    assert "Iemand extra betalen" not in preparer.open(at(demo, paid)).text


def test_who_may_no_longer_sign_has_asked_for_nothing(
    owner: WebClient, second: WebClient, demo: Demo, paid: Batch
):
    row = asked(owner, demo, paid)
    Membership.update(role="preparer").where(Membership.user == demo.user.id).execute()
    second.post(place(demo, row), pin=PIN)
    assert (ExcessAllowance.get().allowed_at, Batch.select().count()) == (None, 1)


@pytest.mark.parametrize(
    "fields", [{"amount": "0"}, {"amount": "veel"}, {"amount": ""}, {"reason": " "}, {"reason": "x" * 201},
               {"reason": "links\u202erechts"}],
)  # fmt: skip
def test_amount_and_reason_are_required(owner: WebClient, demo: Demo, paid: Batch, fields: dict[str, str]):
    assert ask(owner, demo, paid, **fields).status_code == 422
    assert ExcessAllowance.select().count() == 0


# --- once, whatever comes between -----------------------------------------------------------------
def test_two_people_who_allow_it_at_once_make_one_payment(
    site: Site, owner: WebClient, second: WebClient, demo: Demo, paid: Batch
):
    third = site.person(colleague(demo, "Sam Bakker"))
    row = asked(owner, demo, paid)
    for one in (second, third):
        one.open(place(demo, row))
    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda one: one.post(place(demo, row), pin=PIN).location, (second, third)))
    assert Batch.select().where(Batch.version.contains(":extra:")).count() == 1
    assert len(set(answers)) == 2 and ExcessAllowance.get().allowed_by_id is not None


def test_asked_twice_is_asked_once(owner: WebClient, demo: Demo, paid: Batch):
    asked(owner, demo, paid)
    answer = ask(owner, demo, paid)
    assert "is al een extra betaling aangevraagd" in owner.open(answer.location).text
    assert ExcessAllowance.select().count() == 1


def test_withdrawn_before_it_is_allowed(owner: WebClient, second: WebClient, demo: Demo, paid: Batch):
    row = asked(owner, demo, paid)
    owner.post(place(demo, row, "/intrekken"))
    second.post(place(demo, row), pin=PIN)
    assert "Ingetrokken door Wouter de Jong." in second.open(place(demo, row)).text
    assert Batch.select().count() == 1
    assert asked(owner, demo, paid).id != row.id, "it can be asked anew"


def test_withdrawn_after_it_was_allowed(owner: WebClient, second: WebClient, demo: Demo, sandbox: Sandbox, paid: Batch):
    batch = extra(owner, second, demo, paid)
    row = ExcessAllowance.get()
    second.post(place(demo, row, "/intrekken"))
    assert (Batch.get_by_id(batch.id).state, Batch.get_by_id(batch.id).state_reason) == ("replaced", "excess_withdrawn")
    assert told("excess_ended") == ["Wouter de Jong"]
    pay(owner, demo, batch)
    assert orders(sandbox) == [paid.reference]
    assert "ingetrokken" in owner.open(at(demo, batch)).text


def test_an_allowance_at_the_bank_cannot_be_withdrawn(owner: WebClient, second: WebClient, demo: Demo, paid: Batch):
    batch = sent(owner, demo, extra(owner, second, demo, paid))
    row = ExcessAllowance.get()
    owner.post(place(demo, row, "/intrekken"))
    assert (ExcessAllowance.get().withdrawn_at, Batch.get_by_id(batch.id).state) == (None, "at_bank")


def test_left_out_of_its_payment_it_is_over(owner: WebClient, second: WebClient, demo: Demo, paid: Batch):
    batch = extra(owner, second, demo, paid)
    owner.post(at(demo, batch, f"/regels/{line_of(batch).id}?verdict=refuse"))
    assert pay(owner, demo, batch).status_code == 303
    assert (Batch.get_by_id(batch.id).state, ExcessAllowance.get().withdrawn_reason) == ("discarded", "discarded")
    assert "Geen onbetaalde regels" in unpaid_page(owner, demo).text


def test_the_run_is_calculated_again_between(
    owner: WebClient, second: WebClient, demo: Demo, sandbox: Sandbox, paid: Batch, run: dict
):
    """More is owed: that is paid in the ordinary way, and what was allowed stays what it is."""
    batch = extra(owner, second, demo, paid)
    (more,) = run_again(demo, sandbox, run, e1={"cents": 350_000})
    assert amounts(more) == {WOUTERS_IBAN: 350_000 - WAGE}
    assert (Batch.get_by_id(batch.id).state, ExcessAllowance.get().withdrawn_at) == ("open", None)
    warned = owner.open(at(demo, batch, "/lezen")).text
    assert "3.500,00" in warned, "what is owed now"
    for one in (batch, more):
        assert signed(owner, demo, sandbox, one).state == "executed"
    assert went_to_wouter() == 350_000 + WAGE
    assert "Geen onbetaalde regels" in unpaid_page(owner, demo).text


def test_another_account_ends_it_and_tells_both(
    owner: WebClient, second: WebClient, demo: Demo, sandbox: Sandbox, paid: Batch, run: dict
):
    batch = extra(owner, second, demo, paid)
    run_again(demo, sandbox, run, e1={"iban": NEW})
    assert (Batch.get_by_id(batch.id).state, ExcessAllowance.get().withdrawn_reason) == ("replaced", "run_again")
    assert told("excess_ended") == ["Naomi Peters", "Wouter de Jong"]
    assert "De salarisrun is gewijzigd." in owner.open(place(demo, ExcessAllowance.get())).text
    new = extra(owner, second, demo, paid)
    assert amounts(new) == {NEW: WAGE}


def test_refused_by_the_bank_and_set_up_again(
    owner: WebClient, second: WebClient, demo: Demo, sandbox: Sandbox, paid: Batch
):
    batch = extra(owner, second, demo, paid)
    assert decided(demo, sent(owner, demo, batch), "weiger").state in ("rejected", "failed")
    assert ask(owner, demo, paid).status_code == 303 and ExcessAllowance.select().count() == 1, "one at a time"
    again = reopened(owner, demo, batch)
    assert (again.id, Batch.get_by_id(again.id).state) == (batch.id, "open")
    assert signed(owner, demo, sandbox, again).state == "executed"
    assert went_to_wouter() == 2 * WAGE
    assert orders(sandbox) == sorted([paid.reference, batch.reference, f"{batch.reference}-2"])


@pytest.mark.planted
def test_once_the_first_payment_came_back_it_pays_what_is_owed(
    owner: WebClient, second: WebClient, demo: Demo, sandbox: Sandbox, paid: Batch
):
    """The money had not arrived indeed: the second payment has become that of what is owed, and there is no third."""
    batch = signed(owner, demo, sandbox, extra(owner, second, demo, paid))
    set_line(paid, WOUTERS_IBAN, "returned")
    assert went_to_wouter() == WAGE and batch.state == "executed"
    assert "Geen onbetaalde regels" in unpaid_page(owner, demo).text
    tap_unpaid(owner, demo, paid)
    assert Batch.select().where(Batch.state == "open").count() == 0


@pytest.mark.planted
def test_the_first_payment_comes_back_before_the_second_goes(
    owner: WebClient, second: WebClient, demo: Demo, paid: Batch
):
    """Of the payment that was allowed and the one of what is owed, one can go."""
    batch = extra(owner, second, demo, paid)
    set_line(paid, WOUTERS_IBAN, "returned")
    tap_unpaid(owner, demo, paid)
    live = [one for one in Batch.select().where(Batch.state == "open") if WOUTERS_IBAN in amounts(one)]
    assert [one.id for one in live] == [batch.id], "the payment that waits is the one of what is owed"


def test_while_the_payment_waits_for_its_signature_nobody_is_asked(
    owner: WebClient, second: WebClient, demo: Demo, sandbox: Sandbox, run: dict
):
    (batch,) = work(demo)
    sent(owner, demo, batch)
    assert "Iemand extra betalen" not in owner.open(at(demo, batch)).text
    assert owner.get(at(demo, batch, "/extra")).status_code == 303
    assert "nog niet ondertekend" in owner.open(ask(owner, demo, batch).location).text
    assert ExcessAllowance.select().count() == 0
    assert "Iemand extra betalen" in owner.open(at(demo, decided(demo, batch, "ondertekenen"))).text


@pytest.mark.planted
def test_a_request_cannot_be_allowed_once_its_line_is_proved_unpaid(
    owner: WebClient, second: WebClient, demo: Demo, sandbox: Sandbox, run: dict
):
    (batch,) = work(demo)
    assert decided(demo, sent(owner, demo, batch), "ondertekenen").state == "signed"
    row = asked(owner, demo, batch)
    set_line(batch, WOUTERS_IBAN, "unpaid")
    answer = second.post(place(demo, row), pin=PIN)
    assert "Zet het bij Niet betaald opnieuw klaar." in second.open(answer.location).text
    assert Batch.select().count() == 1


def test_the_second_person_is_told_where_to_go(owner: WebClient, second: WebClient, demo: Demo, paid: Batch):
    row = asked(owner, demo, paid)
    page = unpaid_page(second, demo)
    assert "Wouter de Jong vraagt je toestemming om extra te betalen" in page.text
    overview = second.open(f"/{demo.client.public_id}/overzicht")
    assert place(demo, row) in overview.html


@pytest.mark.planted
def test_a_disputed_line_leads_to_it(owner: WebClient, demo: Demo, paid: Batch):
    set_line(paid, WOUTERS_IBAN, "disputed")
    Batch.update(state="disputed").where(Batch.id == paid.id).execute()
    page = unpaid_page(owner, demo)
    assert at(demo, paid, f"/extra/{line_of(paid).id}") in page.html
    assert asked(owner, demo, paid).beside.standing == "disputed"


def test_of_another_client_it_is_not_there(site: Site, owner: WebClient, charlie: WebClient, demo: Demo, paid: Batch):
    row = asked(owner, demo, paid)
    assert charlie.get(place(demo, row)).status_code == 404
