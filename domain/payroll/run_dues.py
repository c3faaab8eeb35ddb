"""The dues of a run in the database: written with each version of its file, and read for what may be paid now."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from peewee import JOIN

from core.clock import utcnow
from core.names import normalise_name
from domain.payments import commitments
from domain.payroll.dues import EarlierLine, KnownPerson, Person, match_people, payable
from domain.payroll.run_versions import PayableLine, version_hash
from models import Batch, BatchLine, Due, Run, insert_rows, require_client_lock, update_rows

# What `Due.lines` holds of each line, in this order. `position` is the line's place in the file.
_FIELDS = ("name_shown", "name_sent", "description_shown", "description_sent", "iban", "amount_cents")
# Payments that are over without having gone to a bank: what was struck there binds nobody any more.
_OVER = ("discarded", "replaced")


@dataclass(frozen=True)
class OwedLine:
    """A line that may be paid now, and the due that it pays."""

    due: int
    position: int
    line: PayableLine
    excluded: bool = False  # the owner struck it; it can be taken back


@dataclass(frozen=True)
class Offer:
    """What may be paid of a run. `pay` in the order of the file; `struck` by the id of the line that was struck.

    `overpaid` lists (name, IBAN, cents) that went out and is no longer owed; `superseded` are the ids of struck lines
    of persons whom the newest version holds otherwise.
    """

    pay: list[OwedLine] = field(default_factory=list)
    struck: dict[int, OwedLine] = field(default_factory=dict)
    overpaid: list[tuple[str, str, int]] = field(default_factory=list)
    superseded: list[int] = field(default_factory=list)


# --- reading --------------------------------------------------------------------------------------
def offer(run: Run) -> Offer:
    """Return what may be paid of the run by its newest version, in a transaction that holds the client."""
    require_client_lock(run.client_id)
    earlier, dues = _earlier(run), list(Due.select().where(Due.run == run.id).order_by(Due.id))
    return _offer([(row.id, _lines_of(row) if _is_owed(row) else [], earlier[row.id]) for row in dues])


def _is_owed(row: Due) -> bool:
    """Somebody who is gone keeps the lines of the last version that held them: so they are known when they return."""
    return row.owed_cents > 0 and row.suspended_at is None


def _offer(people: Sequence[tuple[int, list[tuple[int, PayableLine]], list[EarlierLine]]]) -> Offer:
    """Of each due: its id, the lines of the newest version with their places, and the earlier lines."""
    made = Offer()
    for due, placed, before in people:
        if not before:
            made.pay.extend(OwedLine(due, position, line) for position, line in placed)
            continue
        lines = [line for _, line in placed]
        place = {_text(line): position for position, line in reversed(placed)}
        found = payable(lines, before)
        made.pay.extend(OwedLine(due, place[_text(line)], line) for line in found.pay)
        struck = ((one, OwedLine(due, place[_text(line)], line, excluded=True)) for one, line in found.struck)
        made.struck.update(struck)
        made.overpaid.extend(found.overpaid)
        made.superseded.extend(found.superseded)
    made.pay.sort(key=lambda one: (one.position, one.line.amount_cents))
    return made


def _text(line: PayableLine) -> tuple[str, str, str]:
    return (line.name_shown, line.iban, line.description_shown)


def _lines_of(due: Due) -> list[tuple[int, PayableLine]]:
    return [(position, PayableLine(*values, employee=due.employee)) for position, *values in due.lines]


def _earlier(run: Run) -> dict[int | None, list[EarlierLine]]:
    """The lines that count of each due, and those that the owner struck of payments that went to a bank."""
    found: dict[int | None, list[EarlierLine]] = defaultdict(list)
    for row in commitments.committed_lines(run.id):
        found[row.due_id].append(EarlierLine(row.id, row.name, row.iban, row.amount_cents, row.description))
    struck = BatchLine.select(BatchLine).join(Batch).where(
        Batch.run == run.id, Batch.state.not_in(_OVER), BatchLine.state == "refused"
    )  # fmt: skip
    for row in struck.order_by(BatchLine.id):
        found[row.due_id].append(
            EarlierLine(row.id, row.name_shown, row.iban, row.amount_cents, row.description_shown, excluded=True)
        )
    return found


# --- writing --------------------------------------------------------------------------------------
def write_version(run: Run, wanted: Sequence[PayableLine], version: str) -> Offer:
    """Write what the newest version owes to each person, and return what may be paid of it now.

    In a transaction that holds the client. Whoever is gone is owed nothing; a suspended run counts again.
    """
    require_client_lock(run.client_id)
    dues = {row.id: row for row in Due.select().where(Due.run == run.id)}
    earlier = _earlier(run)
    matching = match_people(wanted, [_known(row, earlier[row.id]) for row in dues.values()])
    places = _places(wanted)
    people = [(person, [(places[id(line)], line) for line in person.lines]) for person in matching.people]
    for person, _ in people:
        _merge(person, dues, earlier)
    _write(run, version, people, dues, [one.due for one in matching.gone])
    ids = _ids_by_person(run)
    of_due = [(ids[_person_key(person)], placed) for person, placed in people]
    gone = [(one.due, [], earlier[one.due]) for one in matching.gone]
    return _offer([*((due, placed, earlier[due]) for due, placed in of_due), *gone])


def _known(row: Due, earlier: Sequence[EarlierLine]) -> KnownPerson:
    lines = [line for _, line in _lines_of(row)]
    committed = [line for line in earlier if not line.excluded]
    return KnownPerson(
        row.id, frozenset(normalise_name(line.name_shown) for line in lines) or frozenset({normalise_name(row.name)}),
        frozenset(line.iban for line in lines), frozenset(normalise_name(line.name) for line in committed),
        frozenset(line.iban for line in committed), row.employee,
    )  # fmt: skip


def _places(wanted: Sequence[PayableLine]) -> dict[int, int]:
    return {id(line): position for position, line in enumerate(wanted, 1)}


def _merge(person: Person, dues: dict[int, Due], earlier: dict[int | None, list[EarlierLine]]) -> None:
    """Two who can no longer be told apart share the oldest due: what either got counts against what both should get."""
    first, *others = person.dues or (0,)
    for other in others:
        BatchLine.update(due=first).where(BatchLine.due == other).execute()
        Due.delete().where(Due.id == other).execute()
        earlier[first] += earlier.pop(other, [])
        del dues[other]


def _write(
    run: Run, version: str, people: Sequence[tuple[Person, list[tuple[int, PayableLine]]]], dues: dict[int, Due],
    gone: Sequence[int],
) -> None:  # fmt: skip
    now = utcnow()
    common = {"run": run.id, "version": version, "suspended_at": None, "updated_at": now}
    rows = [(person.dues[0] if person.dues else None, _values(person, placed) | common) for person, placed in people]
    known = [{"id": due, **values} for due, values in rows if due]
    # names may go round among people who are known: each key is free before it is taken
    renamed = [row["id"] for row in known if row["person"] != dues[row["id"]].person]
    update_rows(Due, [{"id": due, "person": f"~{due}"} for due in renamed])
    update_rows(Due, known)
    update_rows(Due, [{"id": due, "owed_cents": 0, "suspended_at": None, "updated_at": now} for due in gone])
    insert_rows(Due, [{**values, "created_at": now} for due, values in rows if not due])


def _values(person: Person, placed: Sequence[tuple[int, PayableLine]]) -> dict[str, Any]:
    return {
        "person": _person_key(person), "name": person.lines[0].name_shown, "employee": _employee(person),
        "owed_cents": person.owed_cents,
        "lines": [[position, *(getattr(line, name) for name in _FIELDS)] for position, line in placed],
    }  # fmt: skip


def _employee(person: Person) -> str | None:
    numbers = {line.employee for line in person.lines}
    return numbers.pop() if len(numbers) == 1 else None


def _person_key(person: Person) -> str:
    employee = _employee(person)
    return f"#{employee}" if employee else min(normalise_name(line.name_shown) for line in person.lines)


def _ids_by_person(run: Run) -> dict[str, int]:
    rows: Any = Due.select(Due.person, Due.id).where(Due.run == run.id).tuples()
    return dict(rows)


def suspend(run: Run) -> None:
    """It is not known now what is owed: nothing of the run may be paid until a version of it is read again."""
    require_client_lock(run.client_id)
    Due.update(suspended_at=utcnow()).where(Due.run == run.id, Due.suspended_at.is_null()).execute()


# --- checking -------------------------------------------------------------------------------------
def due_inconsistencies() -> Iterator[str]:
    """Return one sentence for each due that is not what its run's newest version says."""
    rows = Due.select(Due, Run).join(Run).order_by(Due.run, Due.id)
    for run_id, group in groupby(rows, key=lambda row: row.run_id):
        dues = [row for row in group if row.owed_cents]
        for row in dues:
            if row.owed_cents != sum(line.amount_cents for _, line in _lines_of(row)):
                yield f"due {row.id}: what is owed is not the sum of its lines"
        known = [row for row in dues if row.version is not None and row.suspended_at is None]
        if known and len(known) == len(dues) and not _is_version(known):
            yield f"run {run_id}: its dues are not those of the version that was read last"
    lines = BatchLine.select(BatchLine.id).join(Batch).switch(BatchLine).join(Due, JOIN.LEFT_OUTER)
    for row in lines.where(Due.id.is_null() | (Due.run != Batch.run)):
        yield f"line {row.id}: owed to nobody of its run"


def _is_version(dues: Sequence[Due]) -> bool:
    """Whether these dues are the lines of the version that the run knows; one that is to be read anew knows none."""
    wanted = dues[0].run.version
    if wanted is None:
        return True
    lines = [line for row in dues for _, line in _lines_of(row)]
    return {row.version for row in dues} == {wanted} and version_hash(lines) == wanted
