"""The laws of the conclusion, over generated evidence in any order and number. No database."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.orders.conclusion import (
    BOOKED,
    NOT_TAKEN,
    SAID_PAID,
    SAID_UNPAID,
    SIGNING_FAILED,
    Evidence,
    Level,
    OrderFacts,
    OrderLineFacts,
    Phase,
    Standing,
    Trust,
    conclude,
    may_execute_until,
)

LINES = (OrderLineFacts(1, 1000), OrderLineFacts(2, 2500), OrderLineFacts(3, 700))
TOTAL = sum(line.cents for line in LINES)
ORDER = OrderFacts(LINES, execution_date=date(2026, 11, 24))
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
LATER = date(2027, 3, 1)
SUMS = {line.id: line.cents for line in LINES}
COMMITTED = {Standing.POSSIBLE, Standing.PAID, Standing.DISPUTED}
RECEIPTS = ("RCVD", "ACTC", "RCVC", "PATC", "ACCP", "ACSP", "PDNG", "PART", "RVCM")

moments = st.integers(0, 200).map(lambda hours: MONDAY + timedelta(hours=hours))
codes = st.sampled_from([*RECEIPTS, "ACSC", "RJCT", "CANC", NOT_TAKEN, SIGNING_FAILED])
reasons = st.sampled_from([None, "AM04", "AC01", "AC04"])


@st.composite
def statements(draw, trusts=(Trust.BANK,)) -> Evidence:
    line = draw(st.sampled_from([None, 1, 2, 3]))
    level = Level.LINE if line else draw(st.sampled_from([Level.GROUP, Level.BATCH]))
    trust, who = draw(st.sampled_from(trusts)), draw(st.sampled_from(["user:1", "user:2"]))
    if draw(st.booleans()):
        return Evidence(level, draw(codes), draw(moments), trust, line, draw(reasons), who=who)
    amount = next((one.cents for one in LINES if one.id == line), TOTAL)
    cents = draw(st.sampled_from([-amount, amount, -amount + 1, -amount // 2]))
    return Evidence(level, BOOKED, draw(moments), trust, line, None, cents, who, key=str(draw(st.integers(1, 2))))


@st.composite
def operators_words(draw) -> Evidence:
    line, who = draw(st.sampled_from([None, 1, 2, 3])), draw(st.sampled_from(["operator:anna", "operator:bram"]))
    level, code = Level.LINE if line else Level.GROUP, draw(st.sampled_from([SAID_PAID, SAID_UNPAID]))
    return Evidence(level, code, draw(moments), Trust.OPERATOR, line, who=who)


def standings(order: OrderFacts, said, today: date = LATER) -> list[Standing]:
    found = conclude(order, said, today).lines
    return [found[line.id].standing for line in order.lines]


@settings(max_examples=300, deadline=None)
@given(st.lists(statements() | operators_words(), max_size=8), st.randoms())
def test_order_of_arrival_and_repetition_change_nothing(said: list[Evidence], random):
    again = [*said, *said]
    random.shuffle(again)
    assert conclude(ORDER, said, LATER) == conclude(ORDER, again, LATER)


@settings(max_examples=300, deadline=None)
@given(st.lists(statements(trusts=(Trust.HINT, Trust.PERSON)), max_size=8))
def test_statements_of_members_prove_nothing_about_a_linked_order(said: list[Evidence]):
    assert standings(ORDER, said) == [Standing.POSSIBLE] * 3


@settings(max_examples=300, deadline=None)
@given(st.lists(statements(trusts=(Trust.HINT, Trust.PERSON, Trust.MEMBER)), max_size=8))
def test_what_one_member_confirms_proves_nothing_of_a_linked_order(said: list[Evidence]):
    assert standings(ORDER, [replace(one, who="user:1") for one in said]) == [Standing.POSSIBLE] * 3


@settings(max_examples=300, deadline=None)
@given(statements(trusts=(Trust.MEMBER,)), statements())
def test_two_members_count_as_the_bank_of_a_linked_order(one: Evidence, other: Evidence):
    both = [replace(one, who=who) for who in ("user:1", "user:2")]
    assert standings(ORDER, [*both, other]) == standings(ORDER, [replace(one, trust=Trust.BANK, who=None), other])


@settings(max_examples=300, deadline=None)
@given(st.lists(statements(), max_size=6), st.lists(statements(trusts=(Trust.HINT, Trust.PERSON)), max_size=6))
def test_a_hint_changes_no_conclusion(said: list[Evidence], hints: list[Evidence]):
    assert conclude(ORDER, [*said, *hints], LATER) == conclude(ORDER, said, LATER)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.builds(Evidence, st.sampled_from([Level.GROUP, Level.BATCH]), st.sampled_from(RECEIPTS), moments)))
def test_a_receipt_decides_nothing(said: list[Evidence]):
    assert standings(ORDER, said) == [Standing.POSSIBLE] * 3


@settings(max_examples=300, deadline=None)
@given(st.lists(statements(), max_size=8))
def test_a_report_proves_nothing_about_lines_that_it_omits(said: list[Evidence]):
    """Without a statement about line 3 or the whole, line 3 may still be paid."""
    about_others = [one for one in said if one.line in (1, 2)]
    assert standings(ORDER, about_others)[2] == Standing.POSSIBLE


@settings(max_examples=300, deadline=None)
@given(st.lists(statements(), max_size=8), statements())
def test_evidence_makes_a_line_payable_only_by_a_rejection_or_return(said: list[Evidence], one: Evidence):
    before, after = standings(ORDER, said), standings(ORDER, [*said, one])
    frees = one.code in ("RJCT", "CANC", NOT_TAKEN, SIGNING_FAILED) or (one.cents or 0) > 0
    for old, new in zip(before, after, strict=True):
        if old in COMMITTED and new not in COMMITTED and not frees:
            assert old == Standing.DISPUTED, "only a contradiction may be explained by a later booking"


@pytest.mark.parametrize("hours", [0, 1])
@pytest.mark.parametrize("level", [Level.BATCH, Level.GROUP])
def test_a_line_in_process_does_not_undo_that_its_batch_was_paid(hours: int, level: Level):
    """The bank executed the batch, then tells of one line that it is processed, then cancels: nobody pays it again."""
    paid = Evidence(Level.BATCH, "ACSC", MONDAY)
    receipt = Evidence(Level.LINE, "ACCP", MONDAY + timedelta(hours=hours), line=2)
    cancelled = Evidence(level, "CANC", MONDAY + timedelta(hours=2))
    assert standings(ORDER, [paid, receipt])[1] == Standing.POSSIBLE
    assert standings(ORDER, [paid, receipt, cancelled])[1] == Standing.DISPUTED


@settings(max_examples=200, deadline=None)
@given(st.lists(statements(), max_size=8))
def test_the_phase_follows_from_the_lines(said: list[Evidence]):
    found = conclude(ORDER, said, LATER)
    kinds = {one.standing for one in found.lines.values()}
    if found.phase in (Phase.REJECTED, Phase.CANCELLED, Phase.FAILED):
        assert kinds == {Standing.UNPAID}
    if found.phase == Phase.EXECUTED:
        assert kinds == {Standing.PAID}
    assert (found.phase == Phase.DISPUTED) == (Standing.DISPUTED in kinds)


def bank(code: str, hours: int = 0, line: int | None = None, reason: str | None = None, **more) -> Evidence:
    level = Level.LINE if line else more.pop("level", Level.GROUP)
    return Evidence(level, code, MONDAY + timedelta(hours=hours), line=line, reason=reason, **more)


def test_a_rejected_order_may_be_executed_until_its_last_bank_day():
    refused = [bank("RJCT", reason="AM04")]
    last = may_execute_until(ORDER, MONDAY)
    assert last == date(2026, 11, 27), "three bank days after the execution date, a Tuesday"
    assert conclude(ORDER, refused, last).phase == Phase.PENDING_REJECTION
    assert conclude(ORDER, refused, LATER).phase == Phase.PENDING_REJECTION, "the bank has not said so again since"
    assert conclude(ORDER, [*refused, bank("RJCT", 96, reason="AM04")], LATER).phase == Phase.PENDING_REJECTION
    assert conclude(ORDER, [*refused, bank("RJCT", 120, reason="AM04")], LATER).phase == Phase.REJECTED
    assert conclude(ORDER, [*refused, bank("ACSC", 30)], LATER).phase == Phase.EXECUTED


def test_a_rejected_manual_order_ends_after_its_last_bank_day():
    order = replace(ORDER, manual=True)
    refused = [replace(bank("RJCT", reason="AM04"), trust=Trust.PERSON, who="user:1")]
    last = may_execute_until(order, MONDAY)
    assert conclude(order, refused, last).phase == Phase.PENDING_REJECTION
    assert conclude(order, refused, last + timedelta(days=1)).phase == Phase.REJECTED


def test_a_second_rejection_starts_the_retry_days_again():
    said = [bank("RJCT", reason="AM04"), bank("ACSP", 72), bank("RJCT", 90, reason="AM04")]
    assert conclude(ORDER, said, LATER).until == may_execute_until(ORDER, MONDAY + timedelta(hours=90))


@pytest.mark.parametrize(
    ("said", "standing"),
    [
        ([bank("RJCT", reason="AC01"), bank(BOOKED, 24, cents=-TOTAL // 2)], [Standing.DISPUTED] * 3),
        ([bank("CANC"), bank(BOOKED, 24, cents=-700)], [Standing.DISPUTED] * 3),
        ([bank("RJCT", line=2, reason="AC04"), bank(BOOKED, 24, cents=-1700)],
         [Standing.PAID, Standing.UNPAID, Standing.PAID]),
        ([bank("RJCT", line=2, reason="AC04"), bank(BOOKED, 24, cents=-1000)],
         [Standing.POSSIBLE, Standing.UNPAID, Standing.POSSIBLE]),
        ([bank("RJCT", line=2, reason="AC04"), bank(BOOKED, 24, cents=-1800)],
         [Standing.POSSIBLE, Standing.DISPUTED, Standing.POSSIBLE]),
    ],
    ids=["half of a refused order", "part of a cancelled one", "net of a refusal", "a first part", "too much"],
)
def test_an_unexplained_booking_disputes_the_unpaid_lines(said: list[Evidence], standing: list[Standing]):
    assert standings(ORDER, said) == standing


@pytest.mark.parametrize(
    ("cents", "standing"),
    [(2500, Standing.RETURNED), (1500, Standing.RETURNED), (1, Standing.DISPUTED), (1200, Standing.DISPUTED),
     (2501, Standing.DISPUTED)],
)  # fmt: skip
def test_a_credit_is_a_return_if_it_lacks_at_most_a_fee(cents: int, standing: Standing):
    said = [bank("ACSC"), bank(BOOKED, 48, line=2, cents=cents)]
    assert standings(ORDER, said)[1] == standing


@pytest.mark.parametrize("reason", ["AM05", "DU01", "DU02", "DU03", "DU04"])
def test_a_rejection_as_a_duplicate_makes_nothing_payable(reason: str):
    assert standings(ORDER, [bank("RJCT", reason=reason)]) == [Standing.DISPUTED] * 3
    assert standings(ORDER, [bank("RJCT", line=2, reason=reason)])[1] == Standing.DISPUTED
    assert standings(ORDER, [bank("RJCT", reason=reason), bank(BOOKED, 24, cents=-TOTAL)]) == [Standing.DISPUTED] * 3


def test_a_booking_proves_that_an_order_was_submitted():
    order = replace(ORDER, called=False)
    assert standings(order, []) == [Standing.UNSENT] * 3
    assert standings(order, [bank(BOOKED, cents=-700)]) == [Standing.POSSIBLE] * 3
    assert conclude(order, [bank(BOOKED, cents=-TOTAL)], LATER).phase == Phase.EXECUTED


def test_a_rejection_and_a_booking_dispute_a_line():
    said = [bank("RJCT", reason="AC01"), bank(BOOKED, 30, cents=-TOTAL)]
    assert conclude(ORDER, said, LATER).phase == Phase.DISPUTED


def test_a_dispute_needs_two_operators():
    said = [bank("RJCT", reason="AC01"), bank(BOOKED, 24, cents=-TOTAL)]
    first, second = (
        Evidence(Level.GROUP, SAID_PAID, MONDAY + timedelta(hours=90), Trust.OPERATOR, who=f"operator:{name}")
        for name in ("anna", "bram")
    )
    assert conclude(ORDER, [*said, first], LATER).phase == Phase.DISPUTED
    assert conclude(ORDER, [*said, first, second], LATER).phase == Phase.EXECUTED


@pytest.mark.parametrize(("people", "phase"), [(1, Phase.REJECTED), (2, None)])
def test_under_four_eyes_one_persons_word_is_not_enough(people: int, phase: Phase | None):
    order = OrderFacts(LINES, manual=True, people=people, execution_date=ORDER.execution_date)
    said = [Evidence(Level.GROUP, SAID_UNPAID, MONDAY, Trust.PERSON, who="user:1")]
    assert conclude(order, said, LATER).phase == phase
    assert conclude(order, [*said, Evidence(Level.GROUP, SAID_UNPAID, MONDAY, Trust.PERSON, who="user:2")], LATER).phase


def words(code: str, hours: int, line: int | None = None) -> list[Evidence]:
    """The same word of two operators, about a line or about the whole order."""
    level, at = Level.LINE if line else Level.GROUP, MONDAY + timedelta(hours=hours)
    return [Evidence(level, code, at, Trust.OPERATOR, line=line, who=f"operator:{name}") for name in ("anna", "bram")]


@pytest.mark.parametrize("line", [None, 2])
def test_operators_settle_only_what_is_not_proved(line: int | None):
    """Line 1 was paid, line 2 is disputed, line 3 came back."""
    said = [bank("RJCT", 1, line=2, reason="AC04"), *(bank(BOOKED, 24, line=at, cents=-SUMS[at]) for at in (1, 2, 3)),
            bank(BOOKED, 48, line=3, cents=SUMS[3])]  # fmt: skip
    assert standings(ORDER, said) == [Standing.PAID, Standing.DISPUTED, Standing.RETURNED]
    unpaid = [Standing.PAID, Standing.UNPAID, Standing.RETURNED]
    assert standings(ORDER, [*said, *words(SAID_UNPAID, 90, line)]) == unpaid
    assert standings(ORDER, [*said, *words(SAID_PAID, 90, line)]) == [Standing.PAID, Standing.PAID, Standing.RETURNED]


@pytest.mark.parametrize(("code", "then"), [(SAID_PAID, Standing.PAID), (SAID_UNPAID, Standing.UNPAID)])
def test_operators_settle_a_rejection_and_a_debit_in_one_sum(code: str, then: Standing):
    said = [bank("RJCT", reason="AC01"), bank(BOOKED, 24, cents=-TOTAL)]
    assert standings(ORDER, said) == [Standing.DISPUTED] * 3
    settled = [*said, *(word for line in (1, 2, 3) for word in words(code, 30, line))]
    assert standings(ORDER, settled) == [then] * 3
    assert standings(ORDER, [*settled, bank(BOOKED, 72, cents=-TOTAL)]) == [Standing.DISPUTED] * 3


def test_a_debit_of_the_day_on_which_operators_were_told_that_nothing_was_paid_is_disputed():
    """Bookings have a day and no hour: it may have come after their word."""
    word, debit = words(SAID_UNPAID, 30, line=1), bank(BOOKED, 24, line=1, cents=-SUMS[1])
    assert standings(ORDER, word)[0] == Standing.UNPAID
    assert standings(ORDER, [*word, debit])[0] == Standing.DISPUTED


@pytest.mark.parametrize(("code", "then"), [(SAID_PAID, Standing.PAID), (SAID_UNPAID, Standing.UNPAID)])
def test_operators_settle_again_what_is_disputed_again(code: str, then: Standing):
    debit = bank(BOOKED, 24, line=1, cents=-SUMS[1], key="1")
    said = [bank("RJCT", reason="AC01"), debit, *words(code, 30)]
    again = [*said, replace(debit, said_at=MONDAY + timedelta(hours=72), key="2")]
    assert standings(ORDER, said)[0] == then
    assert standings(ORDER, again)[0] == Standing.DISPUTED
    assert standings(ORDER, [*again, *words(code, 90)])[0] == then
    assert standings(ORDER, [*again, *words(code, 90)[:1]])[0] == Standing.DISPUTED, "one of them alone"


@settings(max_examples=300, deadline=None)
@given(st.lists(statements() | operators_words(), max_size=8), st.sampled_from([SAID_PAID, SAID_UNPAID]),
       st.sampled_from([None, 1, 2, 3]))  # fmt: skip
def test_no_word_of_operators_frees_what_was_paid(said: list[Evidence], code: str, line: int | None):
    for before, after in zip(standings(ORDER, said), standings(ORDER, [*said, *words(code, 300, line)]), strict=True):
        if before == Standing.RETURNED:
            assert after == before
        if before == Standing.PAID:
            assert after in (Standing.PAID, Standing.DISPUTED)
