"""The ids of a payment depend on what it pays and which attempt it is, not on clock or chance."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from uuid import UUID

import pytest
import time_machine

from domain.payments.references import (
    PaidLine,
    PaidRun,
    payment_identity,
    reference_candidates,
    request_id,
    unused_reference,
)
from domain.payroll import reopening
from models import BankOrder, Batch, BatchLine
from tests.support.factories import Demo, make_demo
from tests.support.orders import put_at_bank

AT = datetime(2026, 4, 24, 22, 30, 5, tzinfo=UTC)
RUN = PaidRun("client000001", "9969", "salary", 2026, 4, "v1", AT)
LINES = [("NL42INGB2268352412", 344808, "Jong, Wouter de", "Salaris"), ("NL52ABNA7650143244", 1, "Naomi", "Salaris")]

pytestmark = pytest.mark.usefixtures("world")


def test_the_same_payment_has_the_same_reference_at_any_time():
    found = set()
    for moment in ("2026-04-25", "2031-01-01"):
        with time_machine.travel(moment):
            found.add(unused_reference(RUN, payment_identity(RUN, LINES)))
    assert len(found) == 1


def test_the_order_of_the_lines_changes_nothing():
    assert payment_identity(RUN, LINES) == payment_identity(RUN, LINES[::-1])


@pytest.mark.parametrize(
    "change",
    [{"client": "client000002"}, {"company": "9970"}, {"kind": "wage_tax"}, {"year": 2027}, {"number": 5},
     {"version": "v1:2"}],
    ids=str,
)  # fmt: skip
def test_every_key_of_a_run_changes_the_identity(change: dict):
    assert payment_identity(replace(RUN, **change), LINES) != payment_identity(RUN, LINES)


@pytest.mark.parametrize(
    "other",
    [("NL57ABNA7134384551", 344808, "Jong, Wouter de", "Salaris"),
     ("NL42INGB2268352412", 1, "Jong, Wouter de", "Salaris"),
     ("NL42INGB2268352412", 344808, "Jong, W. de", "Salaris"), ("NL42INGB2268352412", 344808, "Jong, Wouter de", "")],
    ids=["account", "cents", "name", "description"],
)  # fmt: skip
def test_every_field_of_a_line_changes_the_identity(other: PaidLine):
    assert payment_identity(RUN, [other, LINES[1]]) != payment_identity(RUN, LINES)
    assert payment_identity(RUN, [LINES[0], *LINES]) != payment_identity(RUN, LINES)


def test_the_time_is_that_of_the_run_in_utc():
    amsterdam = AT.astimezone(timezone(timedelta(hours=2)))
    assert next(reference_candidates(replace(RUN, run_at=amsterdam), "x")).startswith("20260424223005-")


def test_a_run_without_a_time_gets_one_of_its_year_and_number():
    assert next(reference_candidates(replace(RUN, run_at=None), "x")).startswith("20260101000004-")


def test_a_taken_reference_always_leads_to_the_same_next_one(demo: Demo):
    identity = payment_identity(RUN, LINES)
    first, second = islice(reference_candidates(RUN, identity), 2)
    Batch.update(reference=first).where(Batch.id == demo.batch().id).execute()
    assert [unused_reference(RUN, identity) for _ in range(2)] == [second, second] != [first, first]


def test_request_ids_are_uuids_of_the_message_id():
    assert UUID(request_id("A")).version == 4
    assert request_id("A") == request_id("A") != request_id("A-2")


def test_equal_runs_of_two_clients_differ(demo: Demo):
    other = make_demo().batch()
    assert demo.batch().reference != other.reference


def test_a_second_payment_of_a_version_has_another_reference(demo: Demo):
    """Also if it pays exactly the same lines."""
    batch = demo.batch()
    put_at_bank(batch, "executed", "returned")
    Batch.update(state="returned").where(Batch.id == batch.id).execute()
    BatchLine.update(state="executed").where(BatchLine.batch == batch.id).execute()
    BankOrder.update(state="closed").execute()
    again = reopening.reopen_payment(demo.client, demo.user, batch.reference)
    assert again is not None and again.reference != batch.reference
    assert again.version.partition(":")[0] == batch.version
