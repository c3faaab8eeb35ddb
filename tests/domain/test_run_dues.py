"""The dues of a run in the database: what each version writes, and what may be paid of it."""

import importlib
from pathlib import Path

import pytest

from domain.operations import integrity
from domain.operations.integrity import dues
from domain.payments import amendments
from domain.payments.release import release
from domain.payroll import intake, run_dues
from models import Batch, BatchLine, Due, PayrollRun, schema, transaction
from tests.support.factories import LINES, PSU, Demo, make_file
from tests.support.names_before import names_before
from tests.support.orders import put_at_bank

Lines = list[tuple[str, str, int]]
A, B, C, X = "NL42INGB2268352412", "NL52ABNA7650143244", "NL57ABNA7134384551", "NL64TRIO0379501686"


@pytest.fixture(autouse=True)
def the_dues_are_right(demo: Demo):
    """The orders here are made by hand (`put_at_bank`), so no more of the books holds."""
    yield
    assert [*run_dues.due_inconsistencies(), *dues.due_faults()] == []


def read(run: PayrollRun, lines: Lines) -> Batch | None:
    """Import this version of the run."""
    file = make_file(lines)
    return intake.create_batch_version(run, file, [intake.to_payable_line(line) for line in file.lines])


def paid(batch: Batch | None) -> None:
    """Let the bank execute everything that was not excluded."""
    assert batch is not None
    put_at_bank(batch, "executed", "paid")


def owed() -> dict[str, int]:
    return {row.name: row.owed_cents for row in Due.select()}


def pays(batch: Batch | None) -> Lines:
    assert batch is not None
    rows = BatchLine.select().where(BatchLine.batch == batch.id).order_by(BatchLine.position)
    return [(row.creditor_name, row.creditor_iban, row.amount_cents) for row in rows]


@pytest.fixture
def run(demo: Demo) -> PayrollRun:
    first = demo.batch([("A", A, 100), ("B", B, 200)])
    paid(first)
    return first.run


def test_each_line_pays_the_due_of_its_person(demo: Demo):
    batch = demo.batch([("A", A, 100), ("A", X, 50), ("B", B, 200)])
    assert owed() == {"A": 150, "B": 200}
    lines = BatchLine.select(BatchLine, Due).join(Due).where(BatchLine.batch == batch.id)
    named = {(row.creditor_name, Due.get_by_id(row.due_id).name) for row in lines}
    assert named == {("A", "A"), ("B", "B")}


def test_a_newer_version_updates_the_dues(run: PayrollRun):
    assert read(run, [("A", A, 90), ("C", C, 300)]) is not None
    assert owed() == {"A": 90, "B": 0, "C": 300}
    assert PayrollRun.get().overpaid == [["A", A, 10], ["B", B, 200]]


def test_a_person_who_returns_is_recognised(run: PayrollRun):
    read(run, [("A", A, 100)])
    assert read(run, [("A", A, 100), ("B", X, 200)]) is None
    assert owed() == {"A": 100, "B": 200}


def test_a_person_is_found_by_name_before_the_account(demo: Demo):
    batch = demo.batch([("A", A, 100), ("B", B, 200)])
    run = batch.run
    assert pays(read(run, [("C", A, 110), ("A", B, 220)])) == [("C", A, 110), ("A", B, 220)]
    assert owed() == {"A": 220, "B": 0, "C": 110}


def test_two_people_who_cannot_be_told_apart_share_a_due(demo: Demo):
    batch = demo.batch([("A", X, 100), ("B", X, 200)])
    paid(batch)
    assert read(batch.run, [("C", X, 150), ("D", X, 150)]) is None
    assert owed() == {"C": 300}
    (more,) = pays(read(batch.run, [("C", X, 150), ("D", X, 160)]))
    assert more[1:] == (X, 10)


def test_a_suspended_run_pays_nothing_until_it_is_read_again(demo: Demo):
    batch = demo.batch()
    with transaction(demo.client.id):
        run_dues.suspend(batch.run)
        assert run_dues.offer(batch.run).pay == []
    PayrollRun.update(version=None).where(PayrollRun.id == batch.run_id).execute()
    new = read(PayrollRun.get_by_id(batch.run_id), list(LINES))
    assert Due.select().where(Due.suspended_at.is_null(False)).count() == 0
    assert pays(new) == list(LINES)


def test_check_books_finds_a_changed_due(demo: Demo):
    demo.batch()
    due = Due.get()
    Due.update(owed_cents=due.owed_cents + 1).where(Due.id == due.id).execute()
    assert any(f"due {due.id}" in one for one in integrity.find_inconsistencies())
    changed = [[*line[:-1], line[-1] + 1] for line in due.lines]
    Due.update(lines=changed).where(Due.id == due.id).execute()
    assert any("its dues are not those of its newest version" in one for one in integrity.find_inconsistencies())
    Due.update(owed_cents=due.owed_cents, lines=due.lines).where(Due.id == due.id).execute()
    line = BatchLine.get()
    BatchLine.update(due=None).where(BatchLine.id == line.id).execute()
    assert any(f"line {line.id}" in one for one in integrity.find_inconsistencies())
    BatchLine.update(due=line.due_id).where(BatchLine.id == line.id).execute()


# --- dues made for payments of before -------------------------------------------------------------
def migrated() -> tuple[dict[str, int], set[int | None]]:
    """Run the migration; return cents owed by name, and the dues of all lines."""
    BatchLine.update(due=None).execute()
    Due.delete().execute()
    name = next(path.stem for path in sorted(Path(schema._DIRECTORY).glob("*_dues.py")))
    with names_before():
        importlib.import_module(f"models.migrations.{name}").fill()
    return owed(), {row.due_id for row in BatchLine.select()}


def test_the_migration_owes_the_lines_of_an_open_payment(demo: Demo):
    batch = demo.batch([("A", A, 100), ("A", X, 50), ("B", B, 200)])
    found, lines = migrated()
    assert (found, None in lines) == ({"A": 150, "B": 200}, False)
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)


def test_the_migration_owes_what_was_paid_in_parts(run: PayrollRun):
    paid(read(run, [("A", A, 110), ("B", B, 200), ("C", C, 300)]))
    assert read(run, [("A", A, 110), ("B", B, 150)]) is None
    known = owed()
    assert migrated()[0] == known == {"A": 110, "B": 150, "C": 0}
    assert pays(read(run, [("A", X, 120), ("B", B, 150)])) == [("A", X, 10)]


def test_the_migration_keeps_excluded_lines(demo: Demo):
    batch = demo.batch([("A", A, 100), ("B", B, 200)])
    excluded = demo.view(batch).lines[0].id
    amendments.exclude_line(demo.client, demo.user, batch.reference, excluded)
    paid(batch)
    assert migrated()[0] == {"A": 100, "B": 200}
    assert pays(read(batch.run, [("A", A, 100), ("B", B, 210)])) == [("B", B, 10)]


def test_the_migration_does_not_owe_superseded_lines(demo: Demo):
    batch = demo.batch([("A", A, 100), ("B", B, 200)])
    read(batch.run, [("A", A, 130), ("B", B, 200)])
    assert migrated()[0] == {"A": 130, "B": 200}
