"""Names before payday: which lines are asked about, what is kept of the answers, and what trouble does."""

import logging
from datetime import date, timedelta

import pytest
from peewee import DatabaseError

import models
from core.clock import today_amsterdam, utcnow
from domain.common.services import services
from domain.operations import integrity
from domain.payments import early_name_checks
from domain.payments.early_names import EarlyName, lines_to_check
from domain.payments.payee_findings import PaidAccount, Payee, PlannedLine
from domain.privacy import employee_data, retention
from models import AuditEvent, BankOrder, Batch, BatchLine, EarlyNameCheck, NameCheckTask, transaction
from tests.support.early_names import check_due, make_due, with_name_service
from tests.support.factories import LINES, Demo, make_demo
from tests.support.large_batches import iban, many
from tests.support.orders import put_at_bank
from tests.support.sandbox import Sandbox

JAN = Payee("9969", "jan jansen", "1")
A, B, TODAY = iban(1), iban(2), date(2026, 11, 30)
YEAR_AGO = TODAY - timedelta(days=365)
JOSE = "NL27RABO0315273237"  # its holder at the sandbox's bank is Silva, Jose
ODD = (("Silva, J.", JOSE, 1_000_00), ("Onbekend, Piet", iban(1), 2_000_00), ("Bakker, Jan", iban(2), 3_000_00),
       ("Weber, Karl", "DE89370400440532013000", 4_000_00))  # fmt: skip


# --- which lines ----------------------------------------------------------------------------------
def to(account: str, name: str = "Jan Jansen", line: int = 1, payee: Payee = JAN) -> PlannedLine:
    return PlannedLine(line, payee, account, name)


def paid(account: str, first: date, last: date = TODAY, payee: Payee = JAN) -> PaidAccount:
    return PaidAccount(payee, account, first, last)


@pytest.mark.parametrize(
    ("executed", "asked"),
    [([], True),  # new
     ([paid(B, YEAR_AGO)], True),  # changed
     ([paid(A, TODAY - timedelta(days=364))], False),  # known
     ([paid(A, YEAR_AGO)], True),  # a year old
     ([paid(A, YEAR_AGO, YEAR_AGO)], True),
     ([PaidAccount(JAN, A, None, None, TODAY)], True),  # what only came back was not executed
     ([paid(A, TODAY - timedelta(days=30), payee=Payee("9969", "jan jansen", "2"))], True)],  # of a namesake
)  # fmt: skip
def test_new_changed_and_year_old_accounts_are_asked_about(executed: list[PaidAccount], asked: bool):
    assert bool(lines_to_check([to(A)], executed, [], TODAY)) is asked


def test_an_answer_within_the_year_is_used_for_the_same_account_and_name_only():
    assert lines_to_check([to(A)], [], [(A, "Jan Jansen")], TODAY) == []
    assert lines_to_check([to(A, "J. Jansen")], [], [(A, "Jan Jansen")], TODAY)
    assert lines_to_check([to(B)], [], [(A, "Jan Jansen")], TODAY)


def test_two_lines_of_one_person_are_one_question():
    assert [one.line for one in lines_to_check([to(A, line=1), to(A, line=2)], [], [], TODAY)] == [1]


# --- asking ---------------------------------------------------------------------------------------
@pytest.fixture
def service(demo: Demo, sandbox: Sandbox) -> Sandbox:
    with_name_service(sandbox)
    return sandbox


def said(demo: Demo, batch: Batch) -> list[tuple[str, str, str]]:
    return [(one.name, one.result, one.holder) for one in demo.view(batch).early_names]


def test_the_names_of_a_new_payment_are_checked_before_anybody_approves_it(demo: Demo, service: Sandbox):
    batch = demo.batch(ODD)
    assert said(demo, batch) == []
    assert check_due() == 4
    assert said(demo, batch) == [
        ("Silva, J.", "CMTC", "Silva, Jose"), ("Onbekend, Piet", "NMTC", ""), ("Bakker, Jan", "MTCH", ""),
        ("Weber, Karl", "NOAP", ""),
    ]  # fmt: skip
    event = AuditEvent.get(AuditEvent.kind == "names.checked_early")
    assert (event.details["count"], event.details["service"], event.subject) == (
        4, "surepay", f"batch:{batch.reference}"
    )
    assert check_due() == 0
    assert list(integrity.find_inconsistencies()) == []


def test_the_next_payment_uses_the_answers_and_asks_what_could_not_be_checked_only_later(
    demo: Demo, service: Sandbox
):  # fmt: skip
    demo.batch(ODD)
    check_due()
    asked = len(service.control("GET", "names"))
    batch = demo.batch(ODD, 2)
    assert check_due() == 0
    assert [result for _, result, _ in said(demo, batch)] == ["CMTC", "NMTC", "MTCH", "NOAP"]
    assert len(service.control("GET", "names")) == asked
    third = demo.batch((*ODD[:3], ("Weber, Carl", *ODD[3][1:])), 3)
    assert check_due() == 1
    assert said(demo, third)[3] == ("Weber, Carl", "NOAP", "")


def test_another_client_has_answers_of_its_own(demo: Demo, service: Sandbox):
    demo.batch(ODD)
    check_due()
    other = make_demo()
    batch = other.batch(ODD)
    assert said(other, batch) == []
    assert check_due() == 4


def test_known_accounts_are_not_asked_about_until_they_are_a_year_old(demo: Demo, service: Sandbox):
    first = demo.batch(LINES)
    NameCheckTask.delete().execute()
    put_at_bank(first, "executed", "paid")
    demo.batch(LINES, 2)
    assert check_due() == 0
    BankOrder.update(execution_date=today_amsterdam() - timedelta(days=400)).execute()
    demo.batch(LINES, 3)
    assert check_due() == len(LINES)


def test_lines_that_are_left_out_are_nobody_elses_business(demo: Demo, service: Sandbox):
    batch = demo.batch(ODD)
    left_out = BatchLine.get(BatchLine.batch == batch.id, BatchLine.creditor_name == "Weber, Karl")
    BatchLine.update(state="excluded").where(BatchLine.id == left_out.id).execute()
    assert check_due() == 3
    assert "DE89370400440532013000" not in {row["iban"] for row in service.control("GET", "names")}


def test_a_payment_that_is_no_longer_open_asks_nothing(demo: Demo, service: Sandbox):
    batch = demo.batch(ODD)
    Batch.update(state="discarded").where(Batch.id == batch.id).execute()
    assert check_due() == 0
    assert NameCheckTask.get().due_at is None
    assert service.control("GET", "names") == []


def test_without_a_service_nothing_is_planned_and_nothing_claimed(demo: Demo, sandbox: Sandbox):
    assert services().names is None
    batch = demo.batch(ODD)
    assert NameCheckTask.select().count() == 0
    assert said(demo, batch) == []


# --- trouble --------------------------------------------------------------------------------------
@pytest.mark.parametrize("fault", ["names_down", "names_busy", "names_garbage"])
def test_what_cannot_be_asked_is_asked_again_a_limited_number_of_times(
    demo: Demo, service: Sandbox, caplog: pytest.LogCaptureFixture, fault: str
):
    service.fault(**{fault: True})
    batch = demo.batch(ODD)
    with caplog.at_level(logging.INFO, logger="domain.payments.early_name_checks"):
        for attempt in range(early_name_checks.MOST_ATTEMPTS):
            assert NameCheckTask.get().attempts == attempt
            assert check_due() == 0
            assert early_name_checks.due_name_checks() == []
            make_due()
    assert (NameCheckTask.get().due_at, said(demo, batch)) == (None, [])
    assert "given up" in caplog.text
    for name, account, _ in ODD:  # no detail of a person in a log line
        assert name not in caplog.text and account not in caplog.text


def test_it_goes_on_when_the_service_is_back(demo: Demo, service: Sandbox):
    service.fault(names_down=True)
    demo.batch(ODD)
    assert check_due() == 0
    service.fault(names_down=False)
    make_due()
    assert check_due() == 4
    assert NameCheckTask.get().due_at is None


def test_a_slow_service_keeps_no_worker(demo: Demo, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch):
    with_name_service(sandbox, timeout=0.2)
    sandbox.fault(names_slow=True)
    demo.batch(many(40))
    began = utcnow()
    assert check_due() == 0
    assert utcnow() - began < timedelta(seconds=10)  # three failures, and not forty
    sandbox.fault(names_slow=False)


def test_a_long_payment_is_asked_about_in_parts(demo: Demo, service: Sandbox, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(early_name_checks, "MOST_AT_ONCE", 3)
    batch = demo.batch(many(8))
    assert [check_due() for _ in range(4)] == [3, 3, 2, 0]
    assert len(said(demo, batch)) == 8


def test_a_question_that_ends_the_worker_is_not_asked_for_ever(
    demo: Demo, service: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    def crash(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(early_name_checks, "_ask", crash)
    demo.batch(ODD)
    for _ in range(early_name_checks.MOST_ATTEMPTS):
        with pytest.raises(MemoryError):
            check_due()
        assert early_name_checks.due_name_checks() and check_due() == 0  # the lease of the dead worker
        NameCheckTask.update(lease_until=None).execute()
    assert check_due() == 0
    assert NameCheckTask.get().due_at is None


# --- what is kept ---------------------------------------------------------------------------------
def test_an_answer_never_changes_and_a_forged_one_is_found(demo: Demo, service: Sandbox):
    demo.batch(ODD)
    check_due()
    with pytest.raises(DatabaseError, match="never changes"):
        models.database.execute_sql("update early_name_check set result = 'MTCH', holder = null")
    models.database.execute_sql("delete from early_name_check where result = 'NMTC'")
    assert any("early name check" in fault for fault in integrity.find_inconsistencies())


def test_it_is_removed_after_a_year_and_not_shown_before_that(demo: Demo, service: Sandbox):
    batch = demo.batch(ODD)
    long_ago = utcnow() - timedelta(days=365, hours=1)
    with transaction(demo.client.id):
        EarlyNameCheck.create(client=demo.client.id, iban=JOSE, name="Silva, J.", result="NMTC", service="surepay",
                              checked_at=long_ago)  # fmt: skip
    assert said(demo, batch) == []
    retention.remove_expired()
    assert EarlyNameCheck.select().count() == 1
    with transaction(demo.client.id):
        EarlyNameCheck.create(client=demo.client.id, iban=JOSE, name="Silva, J.", result="NMTC", service="surepay",
                              checked_at=long_ago - timedelta(days=2))  # fmt: skip
    retention.remove_expired()
    assert [row.checked_at for row in EarlyNameCheck.select()] == [long_ago]
    assert list(integrity.find_inconsistencies()) == []


def test_who_asks_what_is_kept_of_them_gets_the_answers_too(demo: Demo, service: Sandbox):
    demo.batch(ODD)
    check_due()
    told = employee_data.employee_data(demo.membership, "Silva, Jose")
    assert [(row.name, row.description, row.state) for row in told] == [("Silva, J.", "Silva, Jose", "name_check CMTC")]
    told = employee_data.employee_data(demo.membership, JOSE)
    assert [row.state for row in told] == ["open", "name_check CMTC"]


def test_only_a_name_that_differs_is_to_be_looked_at():
    one = {code: EarlyName(1, 1, "Jan", code) for code in ("MTCH", "CMTC", "NMTC", "NOAP")}
    assert [code for code, name in one.items() if name.differs] == ["CMTC", "NMTC"]
    assert not EarlyName(1, 1, "Jan", "CMTC", "Jan Jansen", taken_over=True).differs
