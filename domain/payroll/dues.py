"""What one person may still be paid: what is owed, less what counts as paid, less what the owner excluded.

Pure functions; amounts in cents. Who is one person: `domain/payroll/person_matching.py`.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from core.names import normalise_name
from domain.payroll.run_versions import PayableLine

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
    `excluded`: lines that stay excluded, with the id of the line that was excluded.
    `overpaid`: (name, IBAN, cents) that was paid and is no longer owed. It is only reported.
    `superseded`: ids of excluded lines that the newest version no longer holds unchanged.
    `held`: lines that are owed too, and cannot be paid as the file has them.
    """

    pay: list[PayableLine]
    excluded: list[tuple[int, PayableLine]]
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
    wanted, excluded, outdated = _exclude(wanted, [line for line in earlier if line.excluded])
    wanted, committed = _unlike(wanted, committed, lambda line: (_payee(line), line.amount_cents))
    gaps, surplus = _settle(_sums(wanted), _sums(committed))
    told = {_payee(line): (line.name, line.creditor_iban) for line in sorted(committed, key=lambda line: line.id)}
    owed = _divide(wanted, gaps)
    return Payable(
        _sendable(owed), excluded, [(*told[payee], cents) for payee, cents in sorted(surplus.items())],
        outdated if lines else [], _held(owed),
    )  # fmt: skip


def _sendable(lines: Iterable[PayableLine]) -> list[PayableLine]:
    return [line for line in lines if not line.held]


def _held(lines: Iterable[PayableLine]) -> list[PayableLine]:
    return [line for line in lines if line.held]


def _exclude(
    wanted: Sequence[PayableLine], excluded: Sequence[EarlierLine]
) -> tuple[list[PayableLine], list[tuple[int, PayableLine]], list[int]]:
    """Divide lines into those that are not excluded and those that are; also return the ids of outdated exclusions."""
    of: dict[tuple, list[int]] = defaultdict(list)
    for line in sorted(excluded, key=lambda line: line.id):
        of[line.key].append(line.id)
    left, kept = [], []
    for line in wanted:
        if of[line.key] and not line.held:  # nobody could include a held line again
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
