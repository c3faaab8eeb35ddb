"""Employees of a run who get no payment: counted, and named if Nmbrs gives enough data to identify them.

This is only a warning: if Nmbrs does not answer, the payment is created all the same.
"""

import logging
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.nmbrs.port import Employee, Payroll, PayrollError
from domain.payroll.nmbrs_client import NmbrsClient
from domain.payroll.person_matching import name_key
from domain.payroll.run_versions import PayableLine
from models import PayrollRun

# SOAP returns the accounts of one employee per call, which is acceptable for a few only.
MAX_ACCOUNT_CALLS = 25
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MissingEmployees:
    """Employees of a run without a line in its file. `names`: of all `count`, or None if one is unknown."""

    count: int
    names: list[str] | None = None


def find_missing(run: PayrollRun, caller: NmbrsClient, wanted: Sequence[PayableLine]) -> MissingEmployees | None:
    """Return the employees of the run who have no line in its file; None if Nmbrs does not list the run's employees."""
    company = run.company
    try:
        ids = caller.call(Payroll.employees_in_run, company.nmbrs_id, run.nmbrs_id, run.year)
    except PayrollError as error:
        log.info("run %s: people not counted: %s", run.id, error.code)
        return None
    payees = len({name_key(line) for line in wanted})  # pay may be split over several accounts of one person
    if len(set(ids)) <= payees:
        return MissingEmployees(0)
    try:
        names = _unpaid(caller, company.nmbrs_id, set(ids), wanted)
    except PayrollError as error:
        log.info("run %s: people not named: %s", run.id, error.code)
        return MissingEmployees(max(0, len(set(ids)) - payees))
    return MissingEmployees(len(names), sorted(names))


def _unpaid(caller: NmbrsClient, company_id: str, ids: set[str], wanted: Sequence[PayableLine]) -> list[str]:
    """Return the employees whom neither name nor account matches to a line of the file."""
    people = [person for person in caller.call(Payroll.employees, company_id) if person.id in ids]
    named = [_words(line.creditor_name) for line in wanted]
    left = [person for person in people if not any(name_matches(person, words) for words in named)]
    if left and len(left) <= MAX_ACCOUNT_CALLS:
        paid = {line.creditor_iban for line in wanted}
        ibans = caller.call(Payroll.employee_ibans, company_id, [person.id for person in left])
        left = [person for person in left if not paid & set(ibans.get(person.id, []))]
    unknown = len(ids) - len(people)
    return [full_name(person) for person in left] + ["?"] * unknown


def name_matches(person: Employee, words: set[str]) -> bool:
    """Return whether a creditor's name, as words, matches the employee: the surname, and a first name or initial."""
    surname = _words(f"{person.prefix} {person.last_name}")
    first, initials = _words(person.first_name), _words(person.initials)
    if not surname or not surname <= words:
        return False
    rest = words - surname
    begins = {word[0] for word in first | initials}
    return not rest or bool(rest & first) or any(word[0] in begins for word in rest)


def full_name(person: Employee) -> str:
    return " ".join(filter(None, (person.first_name or person.initials, person.prefix, person.last_name)))


def _words(text: str) -> set[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return set(re.findall(r"\w+", plain))
