"""*Niet betaald*: what a bank refused or returned and what the owner left out, over HTTP, with the sandbox's banks."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from core.bank_days import next_bank_day
from core.clock import utcnow
from domain.overview import worklist
from domain.payments import amendments
from models import BankOrder, Batch, BatchLine, Client, Membership, OrderLine, PayrollRun, User
from tests.support.bank import bank_day
from tests.support.books import require_right_books
from tests.support.factories import Demo, authorise, make_user
from tests.support.intake import lines, state, work
from tests.support.orders import set_line
from tests.support.pain001_builder import Line
from tests.support.sandbox import Sandbox
from tests.support.signing import followed
from tests.support.web_client import Page, Site, WebClient
from tests.web import test_held_lines as held_lines
from tests.web.test_approval import pay
from tests.web.test_payment_page import at
from tests.web.test_reopening import LISANNE, NAOMI, NEW, WOUTER, amounts, decided, run, run_again
from tests.web.test_reopening import sent as given

__all__ = ["run"]


@pytest.fixture(autouse=True)
def no_inconsistencies(demo: Demo, request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    require_right_books(request)


def sent(owner: WebClient, demo: Demo, batch: Batch) -> Batch:
    """Approved on the page, after reading what is unusual, for a day that the bank's clock has not passed; given."""
    if Batch.select().count() > 1:
        day = next_bank_day(date.fromisoformat(bank_day(owner.site.sandbox)))
        amendments.change_date_and_account(demo.client, demo.user, batch.reference, day, batch.bank_account_id)
    page = owner.open(at(demo, batch, "/lezen")) if demo.view(batch).cautions else None
    if page:
        owner.post(at(demo, batch, "/lezen"), seen=[node.get("value") for node in page.all("input[name=seen]")])
    return given(owner, demo, batch)


def executed(sandbox: Sandbox, batch: Batch) -> Batch:
    sandbox.control("POST", "clock", {"advance_days": 14})
    return followed(batch)


@pytest.fixture
def refused(owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict) -> Batch:
    """Executed, but for Wouter: his account is blocked (AC06)."""
    (batch,) = work(demo)
    decided(demo, sent(owner, demo, batch), "ondertekenen")
    sandbox.fault(bank_partial_execution=True)
    assert executed(sandbox, batch).state == "partly_executed"
    sandbox.fault(bank_partial_execution=False)
    return batch


def reason_given(batch: Batch, code: str) -> None:
    """The bank gave this reason instead."""
    mine = BankOrder.select(BankOrder.id).where(BankOrder.batch == batch.id)
    OrderLine.update(reason=code).where(OrderLine.order.in_(mine), OrderLine.standing == "unpaid").execute()
    BatchLine.update(bank_reason_code=code).where(BatchLine.batch == batch.id, BatchLine.state == "rejected").execute()


def unpaid_page(who: WebClient, demo: Demo) -> Page:
    return who.open(f"/{demo.client.public_id}/betalingen/niet-betaald")


def sections(page: Page) -> list[str]:
    return [node.text_content().strip() for node in page.all(".head h2")]


def rows(page: Page) -> list[str]:
    return [" ".join(node.text_content().split()) for node in page.all("li.line")]


def tap(who: WebClient, demo: Demo, batch: Batch, choice: str = "payable", **fields: str) -> Page:
    path = f"/{demo.client.public_id}/betalingen/niet-betaald/{batch.run_id}"
    return who.post(path, {"choice": choice, **fields})


def tapped(who: WebClient, demo: Demo, batch: Batch, choice: str = "payable", **fields: str) -> Batch:
    answer = tap(who, demo, batch, choice, **fields)
    assert answer.status_code == 303, answer.status_code
    return Batch.get(Batch.reference == answer.location.split("/")[3])


def keys(page: Page) -> list[str]:
    return [node.get("value") or "" for node in page.all("button[name=line]")]


def test_when_everybody_is_paid_it_says_so(owner: WebClient, demo: Demo):
    demo.batch()
    page = unpaid_page(owner, demo)
    assert "Geen onbetaalde regels" in page.text and sections(page) == []
    assert "niet-betaald" not in owner.open(f"/{demo.client.public_id}/betalingen").text
    assert "niet-betaald" not in owner.open(f"/{demo.client.public_id}/overzicht").text


def test_a_refused_account_says_how_it_gets_right(owner: WebClient, demo: Demo, refused: Batch):
    page = unpaid_page(owner, demo)
    assert sections(page) == ["Rekeningnummer controleren"]
    (row,) = rows(page)
    assert "Geweigerd door de bank: de rekening is geblokkeerd" in row and "3.448,08" in row and "sinds" in row
    assert "Wijzig het in Nmbrs en draai de run opnieuw" in page.text
    assert page.value("li.line a", "href") == at(demo, refused)
    assert tap(owner, demo, refused).location.endswith("/niet-betaald"), "no one tap for a refused account"


def test_it_is_linked_from_the_list_the_overview_and_the_payment(owner: WebClient, demo: Demo, refused: Batch):
    for tail in ("betalingen", "overzicht"):
        link = owner.open(f"/{demo.client.public_id}/{tail}").all("a.task[href$='/niet-betaald']")
        assert [" ".join(node.text_content().split()) for node in link] == ["Niet betaald 1 rekening controleren"], tail
    assert "Niet betaald: 1 regel" in owner.open(at(demo, refused)).says("#payment")


def test_the_account_follows_when_it_is_changed_in_nmbrs(
    owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict, refused: Batch
):
    (new,) = run_again(demo, sandbox, run, e1={"iban": NEW})
    assert amounts(new) == {NEW: 344_808}
    assert sections(unpaid_page(owner, demo)) == []
    owner.post(at(demo, new, f"/regels/{demo.view(new).lines[0].id}?verdict=refuse"))
    assert pay(owner, demo, new).status_code == 303
    assert state(new)[0] == "discarded"
    page = unpaid_page(owner, demo)
    assert sections(page) == ["Later te betalen"]
    assert amounts(tapped(owner, demo, new, "excluded", line=keys(page)[0])) == {NEW: 344_808}


def test_paying_to_the_refused_account_all_the_same_is_told(
    owner: WebClient, demo: Demo, sandbox: Sandbox, refused: Batch
):
    page = unpaid_page(owner, demo)
    new = tapped(owner, demo, refused, "wrong_account", line=keys(page)[0])
    assert amounts(new) == {WOUTER: 344_808}
    assert "Eerder mislukt: de rekening is geblokkeerd." in owner.open(at(demo, new)).text
    assert sections(unpaid_page(owner, demo)) == []
    decided(demo, sent(owner, demo, new), "ondertekenen")
    assert BatchLine.get(BatchLine.batch == new).bank_reason_code is None, "the reason is of the attempt before"
    assert "de rekening is geblokkeerd" not in owner.open(at(demo, new)).text
    assert executed(sandbox, new).state == "executed"
    assert sections(unpaid_page(owner, demo)) == []
    assert tap(owner, demo, refused, "wrong_account").location.endswith("/niet-betaald")


@pytest.mark.planted
def test_one_tap_pays_a_refused_line_at_most_once(
    owner: WebClient, demo: Demo, sandbox: Sandbox, refused: Batch
):
    reason_given(refused, "MS03")
    page = unpaid_page(owner, demo)
    assert sections(page) == ["Kan opnieuw betaald worden"]
    assert page.says("main .button") == "Zet € 3.448,08 klaar"
    new = tapped(owner, demo, refused)
    assert amounts(new) == {WOUTER: 344_808}
    assert "De betaling staat klaar." in owner.open(at(demo, new)).text
    assert tapped(owner, demo, refused).id == new.id
    assert "Dit stond al klaar" in owner.open(at(demo, new)).text
    assert Batch.select().count() == 2
    decided(demo, sent(owner, demo, new), "ondertekenen")
    assert tap(owner, demo, refused).location.endswith("/niet-betaald")
    assert executed(sandbox, new).state == "executed"
    assert sections(unpaid_page(owner, demo)) == []


def test_a_line_that_came_back_is_paid_again(owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict):
    (batch,) = work(demo)
    decided(demo, sent(owner, demo, batch), "ondertekenen")
    assert executed(sandbox, batch).state == "executed"
    sandbox.fault(bank_returns_line=True)
    sandbox.control("POST", "clock", {"advance_days": 1})
    assert followed(batch).state == "partly_executed"
    page = unpaid_page(owner, demo)
    assert sections(page) == ["Rekeningnummer controleren"]
    assert "Teruggestort: de rekening is geblokkeerd" in rows(page)[0]
    assert amounts(tapped(owner, demo, batch, "wrong_account", line=keys(page)[0])) == {WOUTER: 344_808}


def test_a_payment_that_was_refused_whole_opens_again(owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict):
    (batch,) = work(demo)
    decided(demo, sent(owner, demo, batch), "weiger")
    page = unpaid_page(owner, demo)
    assert len(rows(page)) == 3 and page.says("main .button") == "Zet 3 regels klaar: € 8.559,16"
    assert tapped(owner, demo, batch).id == batch.id
    assert (state(batch)[0], sections(unpaid_page(owner, demo))) == ("open", [])


def test_a_line_that_the_owner_excluded_is_paid_later(owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict):
    (batch,) = work(demo)
    owner.open(at(demo, batch))
    for line_ in demo.view(batch).lines[1:]:
        owner.post(at(demo, batch, f"/regels/{line_.id}?verdict=refuse"))
    decided(demo, sent(owner, demo, batch), "ondertekenen")
    assert executed(sandbox, batch).state == "executed"
    page = unpaid_page(owner, demo)
    assert sections(page) == ["Later te betalen"]
    assert ["Later betalen" in row for row in rows(page)] == [True, True]
    assert tap(owner, demo, batch).location.endswith("/niet-betaald"), "the bank's no is not the owner's"
    later = tapped(owner, demo, batch, "excluded", line=keys(page)[0])
    assert amounts(later) == {NAOMI: 261_100}
    assert len(rows(unpaid_page(owner, demo))) == 1
    assert "Weggelaten en later in een andere betaling gezet" in owner.open(at(demo, batch)).text
    decided(demo, sent(owner, demo, later), "weiger")
    told = unpaid_page(owner, demo)
    assert sections(told) == ["Kan opnieuw betaald worden", "Later te betalen"], "the ✗ was taken back"
    assert amounts(tapped(owner, demo, batch, "excluded")) == {LISANNE: 250_008}


def test_a_discarded_payment_can_be_paid_later(owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict):
    (batch,) = work(demo)
    owner.open(at(demo, batch))
    for line_ in demo.view(batch).lines:
        owner.post(at(demo, batch, f"/regels/{line_.id}?verdict=refuse"))
    assert pay(owner, demo, batch).status_code == 303
    page = unpaid_page(owner, demo)
    assert page.says("main .card > .pad .button") == "Betaal alsnog 3 regels: € 8.559,16"
    new = tapped(owner, demo, batch, "excluded")
    assert {what for *_rest, what in lines(new)} == {"open"} and len(lines(new)) == 3


def test_excluded_lines_stay_excluded_in_the_new_payment_of_refused_lines(
    owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict
):
    """A refused payment is given up for the new one, and what was excluded in it goes along."""
    (batch,) = work(demo)
    owner.open(at(demo, batch))
    owner.post(at(demo, batch, f"/regels/{demo.view(batch).lines[2].id}?verdict=refuse"))
    sent(owner, demo, batch)
    run_again(demo, sandbox, run, e1={"cents": 350_000}, e2={"cents": 200_000})
    decided(demo, batch, "weiger")
    new = tapped(owner, demo, batch)
    assert state(batch)[0] == "replaced"
    waiting = {iban: cents for one in Batch.select().where(Batch.state == "open") for iban, cents in
               amounts(one).items() if one.id != new.id}
    assert waiting == {WOUTER: 5_192}, "what waited already stays"
    assert lines(new) == [(WOUTER, 344_808, "open"), (NAOMI, 200_000, "open"), (LISANNE, 250_008, "excluded")]


def test_what_the_bank_may_still_execute_waits(owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict):
    (batch,) = work(demo)
    decided(demo, sent(owner, demo, batch), "ondertekenen")
    sandbox.fault(bank_insufficient_funds=True)
    assert executed(sandbox, batch).state == "pending_rejection"
    page = unpaid_page(owner, demo)
    assert sections(page) == ["Wacht nog"] and len(rows(page)) == 3
    assert "toch nog worden uitgevoerd" in page.text
    assert tap(owner, demo, batch).location.endswith("/niet-betaald")
    assert Batch.select().count() == 1


def test_a_run_that_vanished_is_told_once(owner: WebClient, demo: Demo, sandbox: Sandbox, refused: Batch):
    sandbox.control("POST", f"nmbrs/runs/{refused.run.nmbrs_id}", {"action": "remove"})
    work(demo)
    assert "De salarisrun staat nu niet in Nmbrs." in unpaid_page(owner, demo).text
    PayrollRun.update(unlisted_since=utcnow() - timedelta(minutes=1)).execute()
    work(demo)
    page = unpaid_page(owner, demo)
    assert sections(page) == ["Wacht nog"]
    assert "De salarisrun staat niet meer in Nmbrs" in page.text
    assert tap(owner, demo, refused).location.endswith("/niet-betaald")


def test_a_held_line_says_what_to_change(site: Site, owner: WebClient, demo: Demo):
    (batch,) = held_lines.run(site, demo, Line(), held_lines.HELD)
    page = unpaid_page(owner, demo)
    assert sections(page) == ["Kan zo niet betaald worden"]
    (row,) = rows(page)
    assert "Meijer, Naomi" in row and "Het rekeningnummer klopt niet. Wijzig het rekeningnummer in Nmbrs." in row
    assert tapped(owner, demo, batch).id == batch.id, "nothing of it can be put into a payment"
    held_lines.run_again(site, demo, Line(), held_lines.NAOMI)
    assert sections(unpaid_page(owner, demo)) == []


def test_who_may_not_see_salaries_sees_how_many(site: Site, owner: WebClient, demo: Demo, refused: Batch):
    Client.update(hide_lines_from_preparers=True).where(Client.id == demo.client.id).execute()
    lisanne = make_user(name="Lisanne Schuurman")
    Membership.create(user=lisanne, client=demo.client, role="preparer")
    page = unpaid_page(site.person(lisanne), demo)
    assert "1 regel" in page.text and rows(page) == []
    assert "Wouter" not in page.says("main") and "3.448" not in page.text and not page.all("main button")
    assert tap(site.person(lisanne), demo, refused).status_code == 403
    Client.update(hide_lines_from_preparers=False).where(Client.id == demo.client.id).execute()
    assert len(rows(unpaid_page(site.person(lisanne), demo))) == 1


def test_another_clients_run_is_not_found(owner: WebClient, charlie: WebClient, demo: Demo, refused: Batch):
    mine = Client.select().where(Client.id != demo.client.id).get().public_id
    path = f"/{mine}/betalingen/niet-betaald/{refused.run_id}"
    assert charlie.post(path, choice="payable").location.startswith(f"/{mine}/identificatie")  # may sign nowhere
    authorise(Client.get(Client.public_id == mine), User.get(User.name == "Charlie"))
    assert charlie.post(path, choice="payable").status_code == 404
    assert "Geen onbetaalde regels" in charlie.open(f"/{mine}/betalingen/niet-betaald").text
    assert tap(owner, demo, refused, "everything").status_code == 400


@pytest.mark.planted
def test_what_came_back_whole_is_not_set_up_again_while_it_waits_in_another_payment(
    owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict
):
    (batch,) = work(demo)
    decided(demo, sent(owner, demo, batch), "ondertekenen")
    assert executed(sandbox, batch).state == "executed"
    for iban in amounts(batch):
        set_line(batch, iban, "returned")
    Batch.update(state="returned").where(Batch.id == batch.id).execute()
    assert "Opnieuw klaarzetten" in owner.open(at(demo, batch)).text
    (again,) = run_again(demo, sandbox, run, e1={"cents": 350_000})
    assert len(amounts(again)) == 3 and state(batch)[0] == "returned"
    assert "Opnieuw klaarzetten" not in owner.open(at(demo, batch)).text


# --- later, or not --------------------------------------------------------------------------------
def overview(who: WebClient, demo: Demo) -> Page:
    return who.open(f"/{demo.client.public_id}/overzicht")


@pytest.fixture
def left_out(owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict) -> Batch:
    """Executed without Naomi, who is paid later."""
    (batch,) = work(demo)
    owner.post(at(demo, batch, f"/regels/{demo.view(batch).lines[1].id}?verdict=later"))
    decided(demo, sent(owner, demo, batch), "ondertekenen")
    assert executed(sandbox, batch).state == "executed"
    return batch


def test_the_overview_reminds_of_a_person_until_that_is_settled(owner: WebClient, demo: Demo, left_out: Batch):
    page = overview(owner, demo)
    assert "1 persoon later te betalen" in page.says("[aria-label='Te doen']")
    assert worklist.worklist_for(demo.user)[0].later == 1
    waiting = tapped(owner, demo, left_out, "later")
    assert amounts(waiting) == {NAOMI: 261_100}
    assert "later te betalen" not in overview(owner, demo).text, "the payment that waits says it"
    assert worklist.worklist_for(demo.user)[0].later == 0


def test_a_person_who_is_not_to_be_paid_is_no_reminder(owner: WebClient, demo: Demo, left_out: Batch):
    address = f"/{demo.client.public_id}/betalingen/niet-betaald/{left_out.run_id}/niet"
    told = owner.post(address, line=keys(unpaid_page(owner, demo))[0])
    assert told.status_code == 303 and told.location.endswith("/niet-betaald")
    page = unpaid_page(owner, demo)
    assert (sections(page), "Niet betalen" in rows(page)[0]) == (["Niet te betalen"], True)
    assert "later te betalen" not in overview(owner, demo).text
    assert worklist.worklist_for(demo.user)[0].later == 0
    assert amounts(tapped(owner, demo, left_out, "excluded", line=keys(page)[0])) == {NAOMI: 261_100}, "taken back"


def test_all_that_are_paid_later_are_prepared_without_those_that_are_not(
    owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict
):
    (batch,) = work(demo)
    for row, verdict in zip(demo.view(batch).lines[1:], ("later", "never"), strict=True):
        owner.post(at(demo, batch, f"/regels/{row.id}?verdict={verdict}"))
    decided(demo, sent(owner, demo, batch), "ondertekenen")
    assert executed(sandbox, batch).state == "executed"
    assert sections(unpaid_page(owner, demo)) == ["Later te betalen", "Niet te betalen"]
    assert amounts(tapped(owner, demo, batch, "later")) == {NAOMI: 261_100}
    assert sections(unpaid_page(owner, demo)) == ["Niet te betalen"]


def test_why_a_line_is_left_out_goes_along_to_the_payment_that_replaces_it(
    owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict
):
    (batch,) = work(demo)
    owner.post(at(demo, batch, f"/regels/{demo.view(batch).lines[2].id}?verdict=never"))
    sent(owner, demo, batch)
    run_again(demo, sandbox, run, e1={"cents": 350_000}, e2={"cents": 200_000})
    decided(demo, batch, "weiger")
    new = tapped(owner, demo, batch)
    told = {line.iban: (line.state, line.verdict) for line in demo.view(new).lines}
    assert (told[LISANNE], told[WOUTER]) == (("excluded", "never"), ("open", None))
