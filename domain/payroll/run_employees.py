"""The employees of a run, beside the lines of its file: who gets no payment, and whose pay each line is.

Nmbrs splits net pay over several accounts where that was agreed, some in another name: savings, an attachment of
earnings (docs/facts/nmbrs.md, section 6). All this is only told: if Nmbrs does not answer, the payment is created all
the same.
"""

import logging
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connectors.nmbrs.port import Employee, Payroll, PayrollError
from domain.payroll.nmbrs_client import NmbrsClient
from domain.payroll.person_matching import name_key
from domain.payroll.run_versions import PayableLine
from models import PayrollRun

Payee = tuple[str, str]  # name and account of a line's creditor
log = logging.getLogger(__name__)


def payee_of(line: PayableLine) -> Payee:
    """Return the creditor of a line."""
    return line.creditor_name, line.creditor_iban


@dataclass(frozen=True)
class RunEmployees:
    """Employees of a run. `unpaid`: how many have no line in its file; `unpaid_names`: their names, or None if nobody
    lacks one or their names are unknown.

    `employees`: whose pay goes to a payee, as a key, where that is certain. `paid_for`: the name of that employee, of
    payees who are somebody else.
    """

    unpaid: int | None = None
    unpaid_names: list[str] | None = None
    employees: Mapping[Payee, str] = field(default_factory=dict)
    paid_for: Mapping[Payee, str] = field(default_factory=dict)


def find_employees(run: PayrollRun, caller: NmbrsClient, lines: Sequence[PayableLine]) -> RunEmployees:
    """Return the employees of the run; as much of it as Nmbrs tells."""
    company_id = run.company.nmbrs_id
    try:
        ids = set(caller.call(Payroll.employees_in_run, company_id, run.nmbrs_id, run.year))
    except PayrollError as error:
        log.info("run %s: people not counted: %s", run.id, error.code)
        return RunEmployees()
    try:
        people = [one for one in caller.call(Payroll.employees, company_id) if one.id in ids]
        return _match(caller, company_id, people, lines, len(ids) - len(people))
    except PayrollError as error:
        log.info("run %s: people not named: %s", run.id, error.code)
        return RunEmployees(max(0, len(ids) - len({name_key(line) for line in lines})))


def _match(
    caller: NmbrsClient, company_id: str, people: Sequence[Employee], lines: Sequence[PayableLine], unknown: int
) -> RunEmployees:
    """Match lines with employees: by name, else by account. `unknown`: how many of the run Nmbrs does not describe."""
    named = _by_name(people, lines)
    meant = {one.id for found in named.values() for one in found}
    left = [one for one in people if one.id not in meant]
    strangers = [payee for payee, found in named.items() if not found]
    owners = _owners(caller, company_id, people if strangers and len(people) <= caller.most_account_owners else left)
    paid = {one.id for line in lines for one in owners[line.creditor_iban]}
    of_account = {payee: owners[payee[1]][0] for payee in strangers if len(owners[payee[1]]) == 1}
    of_name = {payee: found[0] for payee, found in named.items() if len(found) == 1}
    names = sorted([*(full_name(one) for one in left if one.id not in paid), *["?"] * unknown])
    return RunEmployees(
        len(names), names or None, {payee: one.id for payee, one in (of_name | of_account).items()},
        {payee: full_name(one) for payee, one in of_account.items()},
    )  # fmt: skip


def _by_name(people: Sequence[Employee], lines: Sequence[PayableLine]) -> dict[Payee, list[Employee]]:
    """Return the employees whom the creditor's name of each line may mean."""
    by_word: dict[str, list[Employee]] = defaultdict(list)
    for one in people:
        for word in sorted(_surname(one), key=len)[-1:]:
            by_word[word].append(one)
    found: dict[Payee, list[Employee]] = {}
    for line in lines:
        words = _words(line.creditor_name)
        alike = [one for word in sorted(words) for one in by_word.get(word, ())]
        found[payee_of(line)] = [one for one in alike if name_matches(one, words)]
    return found


def _owners(caller: NmbrsClient, company_id: str, asked: Sequence[Employee]) -> Mapping[str, list[Employee]]:
    """Return by account the employees among `asked` to whom Nmbrs pays on it; of too many employees none."""
    owners: dict[str, list[Employee]] = defaultdict(list)
    if asked and len(asked) <= caller.most_account_owners:
        accounts = caller.call(Payroll.employee_ibans, company_id, [one.id for one in asked])
        for one in asked:
            for iban in dict.fromkeys(accounts.get(one.id, [])):
                owners[iban].append(one)
    return owners


def name_matches(person: Employee, words: set[str]) -> bool:
    """Return whether a creditor's name, as words, matches the employee: the surname, and a first name or initial."""
    surname = _surname(person)
    first, initials = _words(person.first_name), _words(person.initials)
    if not surname or not surname <= words:
        return False
    rest = words - surname
    begins = {word[0] for word in first | initials}
    return not rest or bool(rest & first) or any(word[0] in begins for word in rest)


def full_name(person: Employee) -> str:
    return " ".join(filter(None, (person.first_name or person.initials, person.prefix, person.last_name)))


def _surname(person: Employee) -> set[str]:
    return _words(f"{person.prefix} {person.last_name}")


def _words(text: str) -> set[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return set(re.findall(r"\w+", plain))
