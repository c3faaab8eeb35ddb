"""What a run owes each person by its newest version, and what of it may still be paid. Pure functions; amounts in
cents.

A due is what one person is owed. The lines of a newer version are matched with the known dues person by person: by
employee number if there is one, else by name, else by account. People who cannot be told apart share one due: owed and
paid amounts are summed over them, so that a doubt never pays anybody twice.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.names import normalise_name
from domain.payroll.run_versions import PayableLine


# --- who is who -----------------------------------------------------------------------------------
@dataclass(frozen=True)
class KnownPerson:
    """A due of the run. `names` and `accounts`: from the newest version that held this person. `paid_names` and
    `paid_accounts`: from the order lines that count as paid.
    """

    due: int
    names: frozenset[str]
    accounts: frozenset[str]
    paid_names: frozenset[str] = frozenset()
    paid_accounts: frozenset[str] = frozenset()
    employee: str | None = None


@dataclass(frozen=True)
class Person:
    """The lines of one person, in file order. `dues`: the known dues of this person, oldest first.

    A new person has none. A person has several if they were told apart before, and no longer are.
    """

    lines: tuple[PayableLine, ...]
    dues: tuple[int, ...] = ()

    @property
    def owed_cents(self) -> int:
        return sum(line.amount_cents for line in self.lines)


@dataclass(frozen=True)
class Matching:
    """The people of the newest version, and the known people that it no longer holds."""

    people: tuple[Person, ...]
    gone: tuple[KnownPerson, ...]


@dataclass
class _Group:
    """Lines and known people that belong to one person."""

    lines: list[PayableLine] = field(default_factory=list)
    known: list[KnownPerson] = field(default_factory=list)

    @property
    def members(self) -> list[PayableLine | KnownPerson]:
        return [*self.lines, *self.known]

    @property
    def accounts(self) -> set[str]:
        before = (one.accounts | one.paid_accounts for one in self.known)
        return {line.creditor_iban for line in self.lines}.union(*before)


class _Joined:
    """A union-find structure over lines and known people."""

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

    The order of the lines affects only the order of the people.
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
    """Group lines by name: the first version of a run has nothing else to tell people apart."""
    found: dict[str, list[PayableLine]] = defaultdict(list)
    for line in lines:
        found[name_key(line)].append(line)
    return found.values()


def name_key(line: PayableLine) -> str:
    """Return the name by which people are told apart. A held line may have none: then it is its account."""
    return normalise_name(line.creditor_name) or f"={line.creditor_iban}"


def _names(one: PayableLine | KnownPerson) -> frozenset[str]:
    return frozenset({name_key(one)}) if isinstance(one, PayableLine) else one.names | one.paid_names


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
    """Join people of the same name, unless all of them have employee numbers."""
    for members in _by(everyone, _names).values():
        if not all(everyone[one].employee for one in members):
            joined.join(members)


def _join_accounts(groups: Mapping[int, _Group], joined: _Joined) -> None:
    """Join a person who is gone with a new person at the same account: the same person under another name."""
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
    """Return whether two groups may be one person. Different employee numbers mean two people, unless name and account
    agree: then the person got a new number.
    """
    mine, theirs = one.members, other.members
    if not all(member.employee for member in [*mine, *theirs]):
        return True
    return bool({name for each in mine for name in _names(each)} & {name for each in theirs for name in _names(each)})


def _groups(everyone: Sequence[PayableLine | KnownPerson], joined: _Joined) -> dict[int, _Group]:
    """Return the joined groups, in file order, by the index of their first member."""
    found: dict[int, _Group] = defaultdict(_Group)
    for index, one in enumerate(everyone):
        group = found[joined.find(index)]
        if isinstance(one, PayableLine):
            group.lines.append(one)
        else:
            group.known.append(one)
    return dict(found)


# --- what may be paid -----------------------------------------------------------------------------
Payee = tuple[str, str, bool]  # normalised name, IBAN, whether what is asked is held


@dataclass(frozen=True)
class EarlierLine:
    """A line of an earlier payment that counts: paid or possibly paid, or excluded by the owner (`excluded`)."""

    id: int
    name: str
    creditor_iban: str
    amount_cents: int
    description: str
    excluded: bool = False

    @property
    def key(self) -> tuple[str, str, int, str]:
        return (self.name, self.creditor_iban, self.amount_cents, self.description)


@dataclass(frozen=True)
class Payable:
    """What may be paid to one person.

    `pay`: lines that may be paid now.
    `struck`: lines that stay excluded, with the id of the excluded line.
    `overpaid`: (name, IBAN, cents) that was paid and is no longer owed. It is only reported.
    `superseded`: ids of excluded lines that the newest version no longer holds unchanged.
    `held`: lines that are owed too, and cannot be paid as the file has them.
    """

    pay: list[PayableLine]
    struck: list[tuple[int, PayableLine]]
    overpaid: list[tuple[str, str, int]]
    superseded: list[int]
    held: list[PayableLine] = field(default_factory=list)


def payable(lines: Sequence[PayableLine], earlier: Sequence[EarlierLine]) -> Payable:
    """Return what one person may be paid over all accounts: owed − committed − excluded, never below zero.

    What was paid to an account that the person no longer uses counts too. A line stays excluded while its name,
    account, amount and description are unchanged.
    """
    if not earlier:
        return Payable(_sendable(lines), [], [], [], _held(lines))
    committed = [line for line in earlier if not line.excluded]
    wanted, committed = _unlike(sorted(lines, key=_rank), committed, lambda line: line.key)
    wanted, struck, changed = _struck(wanted, [line for line in earlier if line.excluded])
    wanted, committed = _unlike(wanted, committed, lambda line: (_payee(line), line.amount_cents))
    gaps, surplus = _settle(_sums(wanted), _sums(committed))
    told = {_payee(line): (line.name, line.creditor_iban) for line in sorted(committed, key=lambda line: line.id)}
    owed = _divide(wanted, gaps)
    return Payable(
        _sendable(owed), struck, [(*told[payee], cents) for payee, cents in sorted(surplus.items())],
        changed if lines else [], _held(owed),
    )  # fmt: skip


def _sendable(lines: Iterable[PayableLine]) -> list[PayableLine]:
    return [line for line in lines if not line.held]


def _held(lines: Iterable[PayableLine]) -> list[PayableLine]:
    return [line for line in lines if line.held]


def _struck(
    wanted: Sequence[PayableLine], struck: Sequence[EarlierLine]
) -> tuple[list[PayableLine], list[tuple[int, PayableLine]], list[int]]:
    """Divide lines into those that are not excluded and those that are; also return the ids of outdated exclusions."""
    of: dict[tuple, list[int]] = defaultdict(list)
    for line in sorted(struck, key=lambda line: line.id):
        of[line.key].append(line.id)
    left, kept = [], []
    for line in wanted:
        if of[line.key] and not line.held:  # what is held can be taken back by nobody
            kept.append((of[line.key].pop(0), line))
        else:
            left.append(line)
    return left, kept, sorted(one for ids in of.values() for one in ids)


def _payee(line: PayableLine | EarlierLine) -> Payee:
    if isinstance(line, PayableLine):
        return (normalise_name(line.creditor_name), line.creditor_iban, line.held is not None)
    return (normalise_name(line.name), line.creditor_iban, False)


def _rank(line: PayableLine) -> tuple[int, str, str, str]:
    return (line.amount_cents, line.creditor_iban, line.remittance, line.creditor_name)


def _unlike(
    wanted: Sequence[PayableLine], earlier: Sequence[EarlierLine], key: Callable[[PayableLine | EarlierLine], Hashable]
) -> tuple[list[PayableLine], list[EarlierLine]]:
    """Return both without the lines that occur in both, each as often as it occurs."""
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
    """Return what each payee is still owed, and what each was paid too much, after setting the two off against each
    other: first within one name, then within one account, then over the whole person.
    """
    gaps, surplus = owed - went, went - owed
    classes: tuple[Callable[[Payee], Hashable], ...] = (lambda one: one[0], lambda one: one[1], lambda one: None)
    for class_of in classes:
        common = _per(gaps, class_of) & _per(surplus, class_of)
        # An account without a payment comes first: it probably replaced the account that was paid too much. What is
        # held comes before the others, so that the rest can be paid.
        gaps = _reduce(gaps, common, class_of, lambda one: (one in went, not one[2], -owed[one], one))
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
    """Subtract the cents in `by` from each class, one payee after the other."""
    left, by = Counter(cents_of), Counter(by)
    for payee in sorted(cents_of, key=order):
        off = min(by[class_of(payee)], cents_of[payee])
        by[class_of(payee)] -= off
        left[payee] -= off
    return +left


def _divide(wanted: Sequence[PayableLine], gaps: Counter[Payee]) -> list[PayableLine]:
    """Return a payee's lines as they are if all are payable; else one line with the payable amount."""
    of: dict[Payee, list[PayableLine]] = defaultdict(list)
    for line in wanted:
        of[_payee(line)].append(line)
    pay: list[PayableLine] = []
    for payee, cents in sorted(gaps.items()):
        here, whole = of[payee], sum(line.amount_cents for line in of[payee])
        pay += here if cents == whole else [replace(here[-1], amount_cents=cents, already_paid_cents=whole - cents)]
    return pay
