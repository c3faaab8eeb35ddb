"""The dues of a run in the database: written with each version of the run, read to find what may be paid now."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from peewee import JOIN, chunked

from connectors.nmbrs.payment_file import ZERO_AMOUNT
from core.clock import utcnow
from core.names import normalise_name
from domain.payments import commitments, excess
from domain.payments.commitments import CommittedLine
from domain.payroll.dues import EarlierLine, payable
from domain.payroll.person_matching import KnownPerson, Person, match_people, name_key
from domain.payroll.run_versions import PayableLine, UnpayableLine, version_hash
from models import (
    Batch,
    BatchLine,
    Due,
    ExcessAllowance,
    HeldLine,
    PayrollRun,
    insert_rows,
    require_client_lock,
    update_rows,
)
from models.states import BatchState, LineState

HELD_AT_ONCE = 500

# The fields of a line in `Due.lines`, after its position in the file. A line with a structured reference has two more.
_FIELDS = ("creditor_name", "creditor_name_sepa", "remittance", "remittance_sepa", "creditor_iban", "amount_cents")
_REFERENCE = ("reference_type", "reference_issuer")
# Payments that ended without going to a bank: exclusions in them no longer count.
OVER = (BatchState.DISCARDED, BatchState.REPLACED)


@dataclass(frozen=True)
class OwedLine:
    """A line that may be paid now. `due`: the due that it pays; `excluded`: the owner excluded it, and may include it
    again.
    """

    due: int
    position: int
    line: PayableLine
    excluded: bool = False


@dataclass(frozen=True)
class Offer:
    """What may be paid of a run.

    `pay`: in file order.
    `excluded`: lines that stay excluded, by the id of the line that was excluded.
    `overpaid`: (name, IBAN, cents) that was paid and is no longer owed.
    `superseded`: ids of excluded lines that the newest version no longer holds unchanged.
    `held`: owed too, and cannot be paid as the file has it. The position of such a line is its number in the file.
    """

    pay: list[OwedLine] = field(default_factory=list)
    excluded: dict[int, OwedLine] = field(default_factory=dict)
    overpaid: list[tuple[str, str, int]] = field(default_factory=list)
    superseded: list[int] = field(default_factory=list)
    held: list[OwedLine] = field(default_factory=list)


# --- reading --------------------------------------------------------------------------------------
def offer(run: PayrollRun) -> Offer:
    """Return what may be paid of the run by its newest version, in a transaction that holds the client's lock."""
    require_client_lock(run.client_id)
    earlier, dues = _earlier(run), list(Due.select().where(Due.run == run.id).order_by(Due.id))
    owed = owed_lines(dues)
    return offer_of([(row.id, owed[row.id] if _is_owed(row) else [], earlier[row.id]) for row in dues])


def _is_owed(row: Due) -> bool:
    """Return whether anything is owed. The due of a person who is gone keeps its last lines, to recognise them later.
    """
    return row.owed_cents > 0 and row.suspended_at is None


def offer_of(people: Sequence[tuple[int, Sequence[tuple[int, PayableLine]], list[EarlierLine]]]) -> Offer:
    """Return the offer for these dues, each with its id, its lines with their positions, and its earlier lines."""
    made = Offer()
    for due, placed, before in people:
        if not before:
            for position, line in placed:
                (made.held if line.held else made.pay).append(OwedLine(due, position, line))
            continue
        lines = [line for _, line in placed]
        place = {_text(line): position for position, line in reversed(placed)}
        found = payable(lines, before)
        made.pay.extend(OwedLine(due, place[_text(line)], line) for line in found.pay)
        made.held.extend(OwedLine(due, place[_text(line)], line) for line in found.held)
        made.excluded.update(
            (line_id, OwedLine(due, place[_text(line)], line, excluded=True)) for line_id, line in found.excluded
        )
        made.overpaid.extend(found.overpaid)
        made.superseded.extend(found.superseded)
    made.pay.sort(key=lambda one: (one.position, one.line.amount_cents))
    return made


def _text(line: PayableLine) -> tuple[str, str, str, str | None]:
    return (line.creditor_name, line.creditor_iban, line.remittance, line.held)


def owed_lines(dues: Sequence[Due]) -> dict[int, list[tuple[int, PayableLine]]]:
    """Return the lines of each due by the version that it is of, with their positions: payable ones, then held ones."""
    held = _held_by_due([row for row in dues if getattr(row, "has_held", True)])
    return {row.id: placed_lines(row) + held[row.id] for row in dues}


def _held_by_due(dues: Sequence[Due]) -> dict[int, list[tuple[int, PayableLine]]]:
    """Return the held lines of each due with their numbers, of the version that the due is of."""
    found: dict[int, list[tuple[int, PayableLine]]] = defaultdict(list)
    version = {row.id: row.version for row in dues}
    if not version:
        return found
    rows = HeldLine.select().where(HeldLine.run.in_({row.run_id for row in dues}), HeldLine.due.is_null(False))
    for row in rows.order_by(HeldLine.number):
        if row.due_id is not None and row.version == version.get(row.due_id):
            found[row.due_id].append((row.number, _unpayable(row).as_owed()))
    return found


def _unpayable(row: HeldLine) -> UnpayableLine:
    return UnpayableLine(row.number, row.reason, row.name, row.iban, row.description, row.amount_cents, row.currency)


def placed_lines(due: Due) -> list[tuple[int, PayableLine]]:
    """Return the lines of the newest version that held this person, each with its position in the file."""
    return [(position, _line_of(values, due.employee)) for position, *values in due.lines]


def _line_of(values: Sequence[Any], employee: str | None) -> PayableLine:
    facts, reference = values[: len(_FIELDS)], dict(zip(_REFERENCE, values[len(_FIELDS) :], strict=False))
    return PayableLine(*facts, employee=employee, **reference)


def _earlier(run: PayrollRun) -> dict[int | None, list[EarlierLine]]:
    """Return, per due, the order lines that count, and the lines that the owner excluded in payments that went to a
    bank.
    """
    found = _by_due(commitments.committed_lines(run.id))
    excluded = BatchLine.select(BatchLine).join(Batch).where(
        Batch.run == run.id, Batch.state.not_in(OVER), BatchLine.state == LineState.EXCLUDED, ~excess.is_excess()
    )  # fmt: skip
    for row in excluded.order_by(BatchLine.id):
        found[row.due_id].append(
            EarlierLine(row.id, row.creditor_name, row.creditor_iban, row.amount_cents, row.remittance, excluded=True)
        )
    return found


def _by_due(rows: Sequence[CommittedLine]) -> dict[int | None, list[EarlierLine]]:
    found: dict[int | None, list[EarlierLine]] = defaultdict(list)
    for row in rows:
        found[row.due_id].append(EarlierLine(row.id, row.name, row.creditor_iban, row.amount_cents, row.description))
    return found


# --- writing --------------------------------------------------------------------------------------
def write_version(
    run: PayrollRun, wanted: Sequence[PayableLine], version: str, unpayable: Sequence[UnpayableLine] = ()
) -> Offer:
    """Store what the newest version owes each person, and return what may be paid now.

    Runs in a transaction that holds the client's lock. People who are gone are owed 0; a suspended run counts again.
    """
    require_client_lock(run.client_id)
    dues = {row.id: row for row in Due.select().where(Due.run == run.id)}
    earlier, held_before = _earlier(run), _held_by_due(list(dues.values()))
    beyond = _by_due(commitments.lines_beyond(run.id))  # counts for nothing, and tells people apart
    owed_but_held = [(one.number, one.as_owed()) for one in unpayable if one.owed_cents]
    places = _places(wanted) | {id(line): number for number, line in owed_but_held}
    matching = match_people(
        [*wanted, *(line for _, line in owed_but_held)],
        [_known(row, held_before[row.id], [*earlier[row.id], *beyond[row.id]]) for row in dues.values()],
    )
    people = [(person, [(places[id(line)], line) for line in person.lines]) for person in matching.people]
    for person, _ in people:
        _merge(person, dues, earlier)
    _write(run, version, people, dues, [one.due for one in matching.gone])
    ids = _ids_by_person(run)
    of_due = [(ids[_person_key(person)], placed) for person, placed in people]
    gone = [(one.due, [], earlier[one.due]) for one in matching.gone]
    found = offer_of([*((due, placed, earlier[due]) for due, placed in of_due), *gone])
    due_of = {number: due for due, placed in of_due for number, line in placed if line.held}
    _write_held(run, version, unpayable, due_of)
    store_open(run, version, found)
    return found


def _write_held(run: PayrollRun, version: str, unpayable: Sequence[UnpayableLine], due_of: dict[int, int]) -> None:
    """Store the lines of this version that are no payment. A version that was read before is stored anew."""
    HeldLine.delete().where(HeldLine.run == run.id, HeldLine.version == version).execute()
    rows = [
        {"run": run.id, "version": version, "due": due_of.get(one.number), **vars(one),
         "open_cents": 0 if one.reason == ZERO_AMOUNT else None}
        for one in unpayable
    ]  # fmt: skip
    for part in chunked(rows, HELD_AT_ONCE):
        HeldLine.insert_many(part).execute()


def store_open(run: PayrollRun, version: str | None, found: Offer) -> None:
    """Store what is left to pay of each held line, in a transaction that holds the client's lock.

    What a person got elsewhere leaves less of it; of several lines of one person, the first ones are open longest.
    """
    left: Counter[int | None] = Counter()
    for one in found.held:
        left[one.due] += one.line.amount_cents
    rows = HeldLine.select().where(HeldLine.run == run.id, HeldLine.version == version, HeldLine.due.is_null(False))
    for row in rows.order_by(HeldLine.number):
        cents = min(left[row.due_id], _unpayable(row).owed_cents)
        left[row.due_id] -= cents
        if cents != row.open_cents:
            HeldLine.update(open_cents=cents).where(HeldLine.id == row.id).execute()


def _known(row: Due, held: Sequence[tuple[int, PayableLine]], earlier: Sequence[EarlierLine]) -> KnownPerson:
    lines = [line for _, line in [*placed_lines(row), *held]]
    committed = [line for line in earlier if not line.excluded]
    return KnownPerson(
        row.id, frozenset(name_key(line) for line in lines) or frozenset({normalise_name(row.name)}),
        frozenset(line.creditor_iban for line in lines), frozenset(normalise_name(line.name) for line in committed),
        frozenset(line.creditor_iban for line in committed), row.employee,
    )  # fmt: skip


def _places(wanted: Sequence[PayableLine]) -> dict[int, int]:
    return {id(line): position for position, line in enumerate(wanted, 1)}


def _merge(person: Person, dues: dict[int, Due], earlier: dict[int | None, list[EarlierLine]]) -> None:
    """Merge the dues of people who can no longer be told apart into the oldest one."""
    first, *others = person.dues or (0,)
    for other in others:
        BatchLine.update(due=first).where(BatchLine.due == other).execute()
        HeldLine.update(due=first).where(HeldLine.due == other).execute()
        ExcessAllowance.update(due=first).where(ExcessAllowance.due == other).execute()
        Due.delete().where(Due.id == other).execute()
        earlier[first] += earlier.pop(other, [])
        del dues[other]


def _write(
    run: PayrollRun, version: str, people: Sequence[tuple[Person, list[tuple[int, PayableLine]]]], dues: dict[int, Due],
    gone: Sequence[int],
) -> None:  # fmt: skip
    now = utcnow()
    common = {"run": run.id, "version": version, "suspended_at": None, "updated_at": now}
    rows = [(person.dues[0] if person.dues else None, _values(person, placed) | common) for person, placed in people]
    known = [{"id": due, **values} for due, values in rows if due]
    # People may swap names: free each unique key before another row takes it.
    renamed = [row["id"] for row in known if row["person"] != dues[row["id"]].person]
    update_rows(Due, [{"id": due, "person": f"~{due}"} for due in renamed])
    update_rows(Due, known)
    update_rows(Due, [{"id": due, "owed_cents": 0, "suspended_at": None, "updated_at": now} for due in gone])
    insert_rows(Due, [{**values, "created_at": now} for due, values in rows if not due])


def _values(person: Person, placed: Sequence[tuple[int, PayableLine]]) -> dict[str, Any]:
    return {
        "person": _person_key(person), "name": person.lines[0].creditor_name, "employee": _employee(person),
        "owed_cents": person.owed_cents,
        "lines": [_stored(position, line) for position, line in placed if not line.held],
    }  # fmt: skip


def _stored(position: int, line: PayableLine) -> list[Any]:
    names = (*_FIELDS, *_REFERENCE) if line.reference_type else _FIELDS
    return [position, *(getattr(line, name) for name in names)]


def _employee(person: Person) -> str | None:
    numbers = {line.employee for line in person.lines}
    return numbers.pop() if len(numbers) == 1 else None


def _person_key(person: Person) -> str:
    employee = _employee(person)
    return f"#{employee}" if employee else min(name_key(line) for line in person.lines)


def _ids_by_person(run: PayrollRun) -> dict[str, int]:
    rows: Any = Due.select(Due.person, Due.id).where(Due.run == run.id).tuples()
    return dict(rows)


def suspend(run: PayrollRun) -> None:
    """Suspend all dues of a run: what is owed is unknown, and nothing is paid until a version is read again."""
    require_client_lock(run.client_id)
    Due.update(suspended_at=utcnow()).where(Due.run == run.id, Due.suspended_at.is_null()).execute()


# --- checking -------------------------------------------------------------------------------------
def due_inconsistencies(run_id: int | None = None) -> Iterator[str]:
    """Yield one sentence for each due that does not match the newest version of its run. `run_id`: only of this run."""
    rows = Due.select(Due, PayrollRun).join(PayrollRun).order_by(Due.run, Due.id)
    only = [Batch.run == run_id] if run_id else []
    if run_id:
        rows = rows.where(Due.run == run_id)
    for run_id, group in groupby(rows, key=lambda row: row.run_id):
        dues = [row for row in group if row.owed_cents]
        held = _held_by_due(dues) if any(row.run.held_count for row in dues) else defaultdict(list)
        for row in dues:
            lines = [line for _, line in placed_lines(row) + held[row.id]]
            told = row.version is not None and row.run.redacted_at is None
            if told and not _is_its_person(row, lines):
                yield f"due {row.id}: person, name or employee number is not that of its lines"
            if row.owed_cents != sum(line.amount_cents for line in lines):
                yield f"due {row.id}: the amount owed is not the sum of its lines"
        known = [row for row in dues if row.version is not None and row.suspended_at is None]
        known = [row for row in known if row.run.redacted_at is None]
        if known and len(known) == len(dues) and not _is_version(known):
            yield f"run {run_id}: its dues are not those of its newest version"
    lines = BatchLine.select(BatchLine.id).join(Batch).switch(BatchLine).join(Due, JOIN.LEFT_OUTER)
    for row in lines.where(Due.id.is_null() | (Due.run != Batch.run), *only):
        yield f"line {row.id}: it has no due of its run"


def _is_its_person(due: Due, lines: Sequence[PayableLine]) -> bool:
    key = f"#{due.employee}" if due.employee else min(map(name_key, lines), default=None)
    return due.person == key and due.name in [line.creditor_name for line in lines]


def _is_version(dues: Sequence[Due]) -> bool:
    """Return whether these dues are the lines of the run's current version; True if the run is to be read again."""
    run = dues[0].run
    if run.version is None:
        return True
    lines = [line for row in dues for _, line in placed_lines(row)]
    held = HeldLine.select().where(HeldLine.run == run.id, HeldLine.version == run.version) if run.held_count else []
    wanted = version_hash(lines, [_unpayable(row) for row in held])
    return {row.version for row in dues} == {run.version} and wanted == run.version
