"""What each person should get from a run by its newest version, and what of it may still be paid. Cents; pure.

A run knows its people by their dues. The lines of a newer version are matched with them person by person: by employee
number where there is one, else by name, else by account. Where nothing tells two people apart they share one due: what
is owed and what was paid is then reckoned over both, so that a doubt never pays anybody twice.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.names import normalise_name
from domain.payroll.run_versions import PayableLine


# --- who is who -----------------------------------------------------------------------------------
@dataclass(frozen=True)
class KnownPerson:
    """A due of the run. `names` and `accounts` are those of the newest version that held this person; `paid_names`
    and `paid_accounts` those of the order lines that count as paid."""

    due: int
    names: frozenset[str]
    accounts: frozenset[str]
    paid_names: frozenset[str] = frozenset()
    paid_accounts: frozenset[str] = frozenset()
    employee: str | None = None


@dataclass(frozen=True)
class Person:
    """The lines of one person, in the order of the file. `dues` are the known dues of this person, the oldest first;
    none of somebody new, several when two that were told apart no longer are."""

    lines: tuple[PayableLine, ...]
    dues: tuple[int, ...] = ()

    @property
    def owed_cents(self) -> int:
        return sum(line.amount_cents for line in self.lines)


@dataclass(frozen=True)
class Matching:
    """The people of the newest version, and the known people whom it no longer holds."""

    people: tuple[Person, ...]
    gone: tuple[KnownPerson, ...]


@dataclass
class _Group:
    """Lines and known people that are one person."""

    lines: list[PayableLine] = field(default_factory=list)
    known: list[KnownPerson] = field(default_factory=list)

    @property
    def members(self) -> list[PayableLine | KnownPerson]:
        return [*self.lines, *self.known]

    @property
    def accounts(self) -> set[str]:
        before = (one.accounts | one.paid_accounts for one in self.known)
        return {line.iban for line in self.lines}.union(*before)


class _Joined:
    """Disjoint sets of lines and known people, joined step by step."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def find(self, one: int) -> int:
        while self._parent[one] != one:
            self._parent[one] = self._parent[self._parent[one]]
            one = self._parent[one]
        return one

    def join(self, members: Sequence[int]) -> None:
        first = self.find(members[0])
        for one in members[1:]:
            self._parent[self.find(one)] = first


def match_people(lines: Sequence[PayableLine], known: Sequence[KnownPerson]) -> Matching:
    """Match the lines of the newest version of a run with the known people of that run.

    The order of the lines changes nothing but the order of the people.
    """
    if not known and not any(line.employee for line in lines):
        return Matching(tuple(Person(tuple(one)) for one in _by_name(lines)), ())
    everyone: list[PayableLine | KnownPerson] = [*lines, *known]
    joined = _Joined(len(everyone))
    _join_numbers(everyone, joined)
    _join_names(everyone, joined)
    _join_accounts(_groups(everyone, joined), joined)
    found = _groups(everyone, joined).values()
    people = [
        Person(tuple(one.lines), tuple(sorted(person.due for person in one.known)))
        for one in found
        if one.lines
    ]
    return Matching(tuple(people), tuple(person for one in found if not one.lines for person in one.known))


def _by_name(lines: Sequence[PayableLine]) -> Iterable[list[PayableLine]]:
    """The lines of each name: all there is to tell apart in the first version of a run."""
    found: dict[str, list[PayableLine]] = defaultdict(list)
    for line in lines:
        found[normalise_name(line.name_shown)].append(line)
    return found.values()


def _names(one: PayableLine | KnownPerson) -> frozenset[str]:
    return frozenset({normalise_name(one.name_shown)}) if isinstance(one, PayableLine) else one.names | one.paid_names


def _by(
    everyone: Sequence[PayableLine | KnownPerson], keys: Callable[[PayableLine | KnownPerson], Iterable[str]]
) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for index, one in enumerate(everyone):
        for key in keys(one):
            found[key].append(index)
    return found


def _join_numbers(everyone: Sequence[PayableLine | KnownPerson], joined: _Joined) -> None:
    for members in _by(everyone, lambda one: [one.employee] if one.employee else ()).values():
        joined.join(members)


def _join_names(everyone: Sequence[PayableLine | KnownPerson], joined: _Joined) -> None:
    """People of one name are one, unless the number of each of them tells them apart."""
    for members in _by(everyone, _names).values():
        if not all(everyone[one].employee for one in members):
            joined.join(members)


def _join_accounts(groups: Mapping[int, _Group], joined: _Joined) -> None:
    """Whoever is left over on both sides of one account is the same person under another name."""
    gone: dict[str, list[int]] = defaultdict(list)
    new: dict[str, list[int]] = defaultdict(list)
    for index, group in groups.items():
        if not (group.lines and group.known):
            for iban in group.accounts:
                (new if group.lines else gone)[iban].append(index)
    for iban in gone.keys() & new.keys():
        for one in gone[iban]:
            joined.join([one, *(other for other in new[iban] if _may_be_one(groups[one], groups[other]))])


def _may_be_one(one: _Group, other: _Group) -> bool:
    """Two numbers are two people, but for somebody who got another one: whose name and account are the same."""
    mine, theirs = one.members, other.members
    if not all(member.employee for member in [*mine, *theirs]):
        return True
    return bool({name for each in mine for name in _names(each)} & {name for each in theirs for name in _names(each)})


def _groups(everyone: Sequence[PayableLine | KnownPerson], joined: _Joined) -> dict[int, _Group]:
    """The groups as they are joined now, by the index that stands for each, in the order of the file."""
    found: dict[int, _Group] = defaultdict(_Group)
    for index, one in enumerate(everyone):
        group = found[joined.find(index)]
        if isinstance(one, PayableLine):
            group.lines.append(one)
        else:
            group.known.append(one)
    return dict(found)


# --- what may be paid -----------------------------------------------------------------------------
Payee = tuple[str, str]  # a name, normalised, and an account


@dataclass(frozen=True)
class EarlierLine:
    """A line of an earlier payment that counts: one that is paid or may be paid, or (`excluded`) one that the owner
    struck."""

    id: int
    name: str
    iban: str
    amount_cents: int
    description: str
    excluded: bool = False

    @property
    def key(self) -> tuple[str, str, int, str]:
        return (self.name, self.iban, self.amount_cents, self.description)


@dataclass(frozen=True)
class Payable:
    """`pay` may be paid now. `overpaid` lists (name, IBAN, cents) that went out and is no longer owed; it is told,
    never taken back. `struck` are lines that stay struck, with the id of the struck line; `superseded` the ids of those
    that the newest version no longer holds as they were."""

    pay: list[PayableLine]
    struck: list[tuple[int, PayableLine]]
    overpaid: list[tuple[str, str, int]]
    superseded: list[int]


def payable(lines: Sequence[PayableLine], earlier: Sequence[EarlierLine]) -> Payable:
    """Return what one person may be paid: owed − committed − struck, never below zero, over the accounts.

    What went to an account that this person no longer has counts as well. A struck line stays struck while name,
    account, amount and description are the same.
    """
    if not earlier:
        return Payable(list(lines), [], [], [])
    committed = [line for line in earlier if not line.excluded]
    wanted, committed = _unlike(sorted(lines, key=_rank), committed, lambda line: line.key)
    wanted, struck, changed = _struck(wanted, [line for line in earlier if line.excluded])
    wanted, committed = _unlike(wanted, committed, lambda line: (_payee(line), line.amount_cents))
    gaps, surplus = _settle(_sums(wanted), _sums(committed))
    told = {_payee(line): (line.name, line.iban) for line in sorted(committed, key=lambda line: line.id)}
    return Payable(
        _divide(wanted, gaps), struck, [(*told[payee], cents) for payee, cents in sorted(surplus.items())],
        changed if lines else [],
    )  # fmt: skip


def _struck(
    wanted: Sequence[PayableLine], struck: Sequence[EarlierLine]
) -> tuple[list[PayableLine], list[tuple[int, PayableLine]], list[int]]:
    """What is wanted and not struck; what stays struck, with the ids of the struck lines; the ids of the others."""
    of: dict[tuple, list[int]] = defaultdict(list)
    for line in sorted(struck, key=lambda line: line.id):
        of[line.key].append(line.id)
    left, kept = [], []
    for line in wanted:
        if of[line.key]:
            kept.append((of[line.key].pop(0), line))
        else:
            left.append(line)
    return left, kept, sorted(one for ids in of.values() for one in ids)


def _payee(line: PayableLine | EarlierLine) -> Payee:
    name = line.name_shown if isinstance(line, PayableLine) else line.name
    return (normalise_name(name), line.iban)


def in_file_order(pay: Iterable[PayableLine], lines: Sequence[PayableLine]) -> list[PayableLine]:
    """What is paid, in the order in which the file names it."""
    position = {_text(line): index for index, line in reversed(list(enumerate(lines)))}
    return sorted(pay, key=lambda line: (position[_text(line)], line.amount_cents))


def _text(line: PayableLine) -> tuple[str, str, str]:
    return (line.name_shown, line.iban, line.description_shown)


def _rank(line: PayableLine) -> tuple[int, str, str, str]:
    return (line.amount_cents, line.iban, line.description_shown, line.name_shown)


def _unlike(
    wanted: Sequence[PayableLine], earlier: Sequence[EarlierLine], key: Callable[[PayableLine | EarlierLine], Hashable]
) -> tuple[list[PayableLine], list[EarlierLine]]:
    """Return both without the lines that are alike in both, each as often as it occurs."""
    common = Counter(map(key, wanted)) & Counter(map(key, earlier))
    return _without(wanted, common, key), _without(earlier, common, key)


def _without(lines: Sequence, common: Counter, key: Callable) -> list:
    spare, left = Counter(common), []
    for line in lines:
        if spare[key(line)] > 0:
            spare[key(line)] -= 1
        else:
            left.append(line)
    return left


def _sums(lines: Iterable[PayableLine | EarlierLine]) -> Counter[Payee]:
    found: Counter[Payee] = Counter()
    for line in lines:
        found[_payee(line)] += line.amount_cents
    return found


def _settle(owed: Counter[Payee], went: Counter[Payee]) -> tuple[Counter[Payee], Counter[Payee]]:
    """What is still owed to each, and what each got too much, after the one has made up for the other: what a name got
    too much for the same name, then the same account, then the whole person."""
    gaps, surplus = owed - went, went - owed
    classes: tuple[Callable[[Payee], Hashable], ...] = (lambda one: one[0], lambda one: one[1], lambda one: None)
    for class_of in classes:
        common = _per(gaps, class_of) & _per(surplus, class_of)
        # an account that got nothing yet stands for the one that got too much: it is the one that was changed
        gaps = _reduce(gaps, common, class_of, lambda one: (one in went, -owed[one], one))
        surplus = _reduce(surplus, common, class_of, lambda one: (one in owed, -went[one], one))
    return gaps, surplus


def _per(cents_of: Counter[Payee], class_of: Callable[[Payee], Hashable]) -> Counter[Hashable]:
    found: Counter[Hashable] = Counter()
    for payee, cents in cents_of.items():
        found[class_of(payee)] += cents
    return found


def _reduce(
    cents_of: Counter[Payee], by: Counter[Hashable], class_of: Callable[[Payee], Hashable],
    order: Callable[[Payee], tuple],
) -> Counter[Payee]:  # fmt: skip
    """Take off, in each class, as many cents as `by` says, one payee after the other."""
    left, by = Counter(cents_of), Counter(by)
    for payee in sorted(cents_of, key=order):
        off = min(by[class_of(payee)], cents_of[payee])
        by[class_of(payee)] -= off
        left[payee] -= off
    return +left


def _divide(wanted: Sequence[PayableLine], gaps: Counter[Payee]) -> list[PayableLine]:
    """The lines of a name and account as they are when all of them are payable, else one line of what is."""
    of: dict[Payee, list[PayableLine]] = defaultdict(list)
    for line in wanted:
        of[_payee(line)].append(line)
    pay: list[PayableLine] = []
    for payee, cents in sorted(gaps.items()):
        here, whole = of[payee], sum(line.amount_cents for line in of[payee])
        pay += here if cents == whole else [replace(here[-1], amount_cents=cents, paid_cents=whole - cents)]
    return pay
