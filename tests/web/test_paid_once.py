"""Ways in which somebody could be paid twice, each tried on the pages, with files and on the command line.

Nobody gets more than is owed, at no moment; what may still be paid is not offered again, what is not paid is. The name
of each test says what was tried, and its kinds are beside it.
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count

import pytest
import time_machine
from flask import Flask

import commands
from core.clock import utcnow
from core.money import format_iso
from domain.orders import order_building, submission
from models import COMMITTED, BankOrder, Batch, BatchLine, Due, OrderLine
from tests.connectors.test_pain002 import block, line, report
from tests.support.books import require_right_books
from tests.support.camt_builder import entry, statement
from tests.support.factories import PIN, Demo
from tests.support.intake import work
from tests.support.orders import put_at_bank
from tests.support.sandbox import Sandbox
from tests.support.signing import followed
from tests.support.web_client import WebClient
from tests.web.test_approval import pay
from tests.web.test_bank_file_proof import IBAN, at, by_hand, demo, linked, state, upload
from tests.web.test_reopening import LISANNE, NAOMI, NEW, amounts, decided, reopened, run, run_again, sent

__all__ = ["by_hand", "demo", "linked", "run"]
_hours = count(9)


@pytest.fixture(autouse=True)
def nobody_gets_more_than_is_owed(demo: Demo, request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    for due in Due.select():
        given = OrderLine.select().join(BatchLine).where(BatchLine.due == due.id, OrderLine.standing.in_(COMMITTED))
        assert sum(row.amount_cents for row in given) <= due.owed_cents
    require_right_books(request)


def handed_in(who: WebClient, demo: Demo, batch: Batch, raw: bytes) -> str:
    """Upload a file and confirm it with the PIN; return the state of the payment."""
    answer = upload(who, demo, batch, raw)
    assert answer.status_code == 303, answer.text[:2000]
    assert who.post(answer.location, pin=PIN).status_code == 303
    return state(batch)


def told(batch: Batch, group: str = "", *lines: str, of_batch: str = "", reason: str = "") -> bytes:
    """Return a status report, an hour later than the one before; `lines` and `of_batch` below the group."""
    order = BankOrder.get(BankOrder.batch == batch.id)
    why = f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>" if reason else ""
    named = f"<GrpSts>{group}</GrpSts>{why}" if group else ""
    below = block(of_batch, "".join(lines)).replace("<OrgnlPmtInfId>P1", f"<OrgnlPmtInfId>{order.msg_id}")
    raw = report(named, below if lines or of_batch else "", message_id=order.msg_id)
    return raw.replace(b"T08:00:00Z", f"T{next(_hours) % 24:02d}:00:00Z".encode())


def booked(batch: Batch, *entries: str) -> bytes:
    return statement(*entries, account=f"<IBAN>{IBAN}</IBAN>")


def lump(batch: Batch, cents: int | None = None, way: str = "DBIT", named: str = "MsgId", more: str = "") -> str:
    order = BankOrder.get(BankOrder.batch == batch.id)
    inside = f"{more}<NtryDtls><Btch><{named}>{order.msg_id}</{named}></Btch></NtryDtls>"
    return entry(format_iso(order.total_cents if cents is None else cents), way, inside=inside)


def came_back(batch: Batch, index: int, reason: str, entry_reference: str = "") -> str:
    row = lines(batch)[index]
    inside = (
        f"{entry_reference}<NtryDtls><TxDtls><Refs><EndToEndId>{row.end_to_end_id}</EndToEndId></Refs>"
        f"<RtrInf><Rsn><Cd>{reason}</Cd></Rsn></RtrInf></TxDtls></NtryDtls>"
    )
    return entry(format_iso(row.amount_cents), "CRDT", inside=inside)


def lines(batch: Batch) -> list[OrderLine]:
    mine = BankOrder.select(BankOrder.id).where(BankOrder.batch == batch.id).order_by(BankOrder.id.desc()).limit(1)
    return list(OrderLine.select().where(OrderLine.order == mine).order_by(OrderLine.id))


def standings(batch: Batch) -> list[str]:
    return [row.standing for row in lines(batch)]


def ids(batch: Batch) -> list[str]:
    return [row.end_to_end_id for row in lines(batch)]


def stays(who: WebClient, demo: Demo, batch: Batch) -> None:
    """*Opnieuw klaarzetten* opens nothing, and no second order is made."""
    before = state(batch)
    who.post(at(demo, batch, "/opnieuw"))
    for one in Batch.select().where(Batch.state == "approved"):
        submission.submit_order(one.id)
    assert (state(batch), BankOrder.select().count(), Batch.select().count()) == (before, 1, 1)


# --- a report of some lines is a report of those lines --------------------------------------------
LISTS = {"without a group status": ("", ""), "a group received": ("ACTC", ""), "a group in part": ("PART", "PART")}


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("code", ["RJCT", "CANC", "ACSC"])
def test_a_report_that_lists_only_one_line_says_nothing_of_the_others(
    owner: WebClient, demo: Demo, by_hand: Batch, code: str, kind: str
):
    group, of_batch = LISTS[kind]
    one = line(ids(by_hand)[1], code, "" if code == "ACSC" else "AC01")
    found = handed_in(owner, demo, by_hand, told(by_hand, group, one, of_batch=of_batch))
    assert found not in ("rejected", "cancelled", "executed", "partly_executed")
    expected = "paid" if code == "ACSC" else "unpaid"
    assert standings(by_hand) == ["possible", expected, "possible"]
    stays(owner, demo, by_hand)


def test_a_report_that_lists_only_two_refused_lines_says_nothing_of_the_third(
    owner: WebClient, demo: Demo, by_hand: Batch
):
    refused = [line(one, "RJCT", reason) for one, reason in zip(ids(by_hand), ("AC01", "AC04"), strict=False)]
    handed_in(owner, demo, by_hand, told(by_hand, "", *refused))
    assert standings(by_hand) == ["unpaid", "unpaid", "possible"]
    stays(owner, demo, by_hand)


# --- what members type ----------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["group", "batch", "lines", "credits"])
def test_a_file_typed_by_a_member_proves_nothing_at_a_linked_bank(
    owner: WebClient, demo: Demo, sandbox: Sandbox, linked: Batch, kind: str
):
    decided(demo, linked, "ondertekenen")
    raw = {
        "group": told(linked, "RJCT", reason="AC01"), "batch": told(linked, "", of_batch="RJCT"),
        "lines": told(linked, "", *(line(one, "RJCT", "AC01") for one in ids(linked))),
        "credits": statement(*(came_back(linked, index, "AC04") for index in range(3))),
    }[kind]  # fmt: skip
    answer = upload(owner, demo, linked, raw)
    assert (answer.status_code, state(linked), set(standings(linked))) == (422, "signed", {"possible"})
    assert BankOrder.get().status_checked_at is not None, "the bank was asked"
    stays(owner, demo, linked)
    assert len(sandbox.control("GET", "orders")) == 1


# --- other figures --------------------------------------------------------------------------------
@pytest.mark.parametrize("choice", ["weiger", "annuleren"])
def test_a_run_made_again_while_its_order_is_at_the_bank_pays_the_newest_figures(
    owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict, choice: str
):
    (first,) = work(demo)
    sent(owner, demo, first)
    run_again(demo, sandbox, run, e1={"cents": 350_000, "iban": NEW}, e2={"cents": 200_000})
    if choice == "weiger":
        decided(demo, first, choice)
    else:
        owner.post(at(demo, first, "/annuleren"), pin=PIN)
    assert state(first) in ("rejected", "failed", "cancelled")
    new = reopened(owner, demo, first)
    assert amounts(new) == {NEW: 350_000, NAOMI: 200_000, LISANNE: 250_008}


# --- refused is not always over -------------------------------------------------------------------
def test_refused_for_lack_of_money_at_a_linked_bank_may_still_be_executed(
    owner: WebClient, demo: Demo, sandbox: Sandbox, linked: Batch
):
    decided(demo, linked, "ondertekenen")
    sandbox.fault(bank_insufficient_funds=True)
    sandbox.control("POST", "clock", {"advance_days": 14})
    followed(linked)
    assert (state(linked), set(standings(linked))) == ("pending_rejection", {"possible"})
    stays(owner, demo, linked)


@pytest.mark.parametrize("reason", ["AM04", "NARR"])
def test_refused_for_lack_of_money_or_without_a_reason_is_matched_later(
    owner: WebClient, demo: Demo, by_hand: Batch, reason: str
):
    assert handed_in(owner, demo, by_hand, told(by_hand, "RJCT", reason=reason)) == "pending_rejection"
    stays(owner, demo, by_hand)
    assert handed_in(owner, demo, by_hand, booked(by_hand, lump(by_hand))) == "executed"


def test_one_line_that_the_bank_refused_can_be_paid_and_only_that_one(owner: WebClient, demo: Demo, by_hand: Batch):
    first, second, third = ids(by_hand)
    raw = told(by_hand, "", line(first, "ACSC"), line(second, "RJCT", "AM02"), line(third, "ACSC"))
    assert handed_in(owner, demo, by_hand, raw) == "partly_executed"
    answer = owner.post(f"/{demo.client.public_id}/betalingen/niet-betaald/{by_hand.run_id}", choice="payable")
    new = Batch.get(Batch.reference == answer.location.split("/")[3])
    assert list(amounts(new).values()) == [lines(by_hand)[1].amount_cents]
    assert state(by_hand) == "partly_executed"


# --- levels of a report ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("of_batch", "expected", "standing"),
    [("ACSC", "executed", "paid"), ("PDNG", "signed", "possible"), ("ACSP", "signed", "possible"),
     ("RJCT", "pending_rejection", "possible")],
)  # fmt: skip
def test_a_group_that_was_received_leaves_its_batch_to_tell(
    owner: WebClient, demo: Demo, by_hand: Batch, of_batch: str, expected: str, standing: str
):
    assert handed_in(owner, demo, by_hand, told(by_hand, "ACTC", of_batch=of_batch)) == expected
    assert set(standings(by_hand)) == {standing}
    if standing == "possible":
        stays(owner, demo, by_hand)


def test_accepted_in_part_is_not_executed_in_part(owner: WebClient, demo: Demo, by_hand: Batch):
    assert handed_in(owner, demo, by_hand, told(by_hand, "PART")) == "signed"
    stays(owner, demo, by_hand)
    first, *others = ids(by_hand)
    later = told(by_hand, "PART", line(first, "RJCT", "AC04"), *(line(one, "ACSC") for one in others))
    assert handed_in(owner, demo, by_hand, later) == "partly_executed"
    assert standings(by_hand) == ["unpaid", "paid", "paid"]


# --- bookings -------------------------------------------------------------------------------------
def test_two_returns_on_two_statements_have_two_reasons(owner: WebClient, demo: Demo, by_hand: Batch):
    handed_in(owner, demo, by_hand, booked(by_hand, lump(by_hand)))
    assert handed_in(owner, demo, by_hand, booked(by_hand, came_back(by_hand, 0, "AC04"))) == "partly_executed"
    assert handed_in(owner, demo, by_hand, booked(by_hand, came_back(by_hand, 1, "MD07"))) == "partly_executed"
    assert [(row.standing, row.reason) for row in lines(by_hand)] == [
        ("returned", "AC04"), ("returned", "MD07"), ("paid", None)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("back", "expected", "standing"),
    [({"way": "CRDT"}, "returned", "returned"), ({"more": "<RvslInd>true</RvslInd>"}, "disputed", "disputed")],
)
def test_a_lump_that_was_booked_back_is_not_paid(
    owner: WebClient, demo: Demo, by_hand: Batch, back: dict, expected: str, standing: str
):
    handed_in(owner, demo, by_hand, booked(by_hand, lump(by_hand)))
    entries = lump(by_hand, **back).replace("<Sts>", f"{back.pop('more', '')}<Sts>").replace(
        "<RvslInd>true</RvslInd><NtryDtls>", "<NtryDtls>")  # fmt: skip
    assert handed_in(owner, demo, by_hand, booked(by_hand, entries)) == expected
    assert set(standings(by_hand)) == {standing}


def test_a_lump_under_our_payment_information_id_is_recognised(owner: WebClient, demo: Demo, by_hand: Batch):
    assert handed_in(owner, demo, by_hand, booked(by_hand, lump(by_hand, named="PmtInfId"))) == "executed"


def test_a_lump_net_of_a_refused_line_pays_the_others(owner: WebClient, demo: Demo, by_hand: Batch):
    refused = lines(by_hand)[1]
    handed_in(owner, demo, by_hand, told(by_hand, "", line(refused.end_to_end_id, "RJCT", "AC01")))
    net = BankOrder.get().total_cents - refused.amount_cents
    assert handed_in(owner, demo, by_hand, booked(by_hand, lump(by_hand, net))) == "partly_executed"
    assert standings(by_hand) == ["paid", "unpaid", "paid"]


@pytest.mark.parametrize("files", [1, 2])
def test_a_lump_in_two_halves_is_whole(owner: WebClient, demo: Demo, by_hand: Batch, files: int):
    half = BankOrder.get().total_cents // 2 + 1
    parts = [lump(by_hand, half), lump(by_hand, BankOrder.get().total_cents - half)]
    if files == 1:
        assert handed_in(owner, demo, by_hand, booked(by_hand, *parts)) == "executed"
        return
    assert handed_in(owner, demo, by_hand, booked(by_hand, parts[0])) not in ("executed", "rejected")
    stays(owner, demo, by_hand)
    assert handed_in(owner, demo, by_hand, booked(by_hand, parts[1])) == "executed"


@pytest.mark.parametrize("reference", ["0", "NOTPROVIDED"])
def test_returns_that_share_an_entry_reference_are_all_seen(
    owner: WebClient, demo: Demo, by_hand: Batch, reference: str
):
    handed_in(owner, demo, by_hand, booked(by_hand, lump(by_hand)))
    named = [
        came_back(by_hand, index, "AC04").replace("<Ntry>", f"<Ntry><NtryRef>{reference}</NtryRef>")
        for index in (0, 2)
    ]
    handed_in(owner, demo, by_hand, booked(by_hand, *named))
    assert standings(by_hand) == ["returned", "paid", "returned"]


# --- the day --------------------------------------------------------------------------------------
def test_an_order_stored_while_the_bank_was_away_does_not_go_after_its_day(
    owner: WebClient, demo: Demo, sandbox: Sandbox
):
    batch = demo.batch()
    assert pay(owner, demo, batch).status_code == 303
    assert order_building.build_order(Batch.get_by_id(batch.id)) is not None
    with time_machine.travel(utcnow() + timedelta(days=7)):
        submission.submit_order(batch.id)
        assert state(batch) == "open"
    assert sandbox.control("GET", "orders") == []


# --- two people -----------------------------------------------------------------------------------
@pytest.mark.planted
@pytest.mark.parametrize("again", ["jan ", " JAN", "Jan", "j\u200ban", "jan\u00a0"])
@pytest.mark.parametrize(("before", "flag"), [("disputed", "--unpaid"), ("sending", "--not-taken")])
def test_one_operator_under_two_spellings_is_one(demo: Demo, again: str, before: str, flag: str):
    batch = demo.batch()
    put_at_bank(batch, before, "disputed" if before == "disputed" else "possible")
    app = Flask("operators")
    commands.register(app)

    def resolve(name: str) -> None:
        words = ["order", "resolve", batch.reference, flag, "--reason", "asked the bank", "--by", name]
        refused = 2 if "\u200b" in name else 0  # a name with a character that nobody sees is no name
        assert app.test_cli_runner().invoke(args=words).exit_code == refused

    for name in ("jan", again):
        resolve(name)
        assert state(batch) == before
    resolve("piet")
    assert state(batch) == "rejected"
