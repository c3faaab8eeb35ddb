"""Names before payday: what a name-check service said of the accounts and names of a payment, days before it is paid.

Answers are kept per client, account and name as payroll writes it. Which lines are asked about is a pure function; the
bank's own check at the order stays, whatever was said here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from peewee import fn

from connectors.names.port import CLOSE_MATCH, MATCH, NO_MATCH, NOT_POSSIBLE
from core.clock import utcnow
from core.sepa_text import NAME, to_sepa
from domain.payments.payee_findings import ByPerson, PaidAccount, PlannedLine
from models import BatchLine, EarlyNameCheck, require_client_lock

USED_FOR = timedelta(days=365)  # then an answer is asked again, and removed
TRIED_AGAIN = timedelta(days=20)  # what could not be checked is asked again with the next run
_YEAR = timedelta(days=365)  # after the first payment to an account
_DIFFERS = (CLOSE_MATCH, NO_MATCH)


@dataclass(frozen=True)
class EarlyName:
    """What was said of the account and the name of one line. `result`: MTCH, CMTC (perhaps with `holder`), NMTC, NOAP.
    `place`: where the page shows the line.

    `taken_over`: the order will have the holder's name.
    """

    line: int
    place: int
    name: str
    result: str
    holder: str = ""
    taken_over: bool = False

    @property
    def matches(self) -> bool:
        return self.result == MATCH

    @property
    def differs(self) -> bool:
        """Return whether somebody should look at it."""
        return self.result in _DIFFERS and not self.taken_over


# --- what is asked --------------------------------------------------------------------------------
def lines_to_check(
    planned: Iterable[PlannedLine], executed: Sequence[PaidAccount], known: Iterable[tuple[str, str]], today: date
) -> list[PlannedLine]:  # fmt: skip
    """Return the lines whose account and name are to be checked: each account and name once, in their order.

    Those to which nothing was executed for this person (new and changed accounts), and those to which the first payment
    was a year ago or more. Not what is `known` by account and name: it was checked within the year.
    """
    history, seen, found = ByPerson(executed), set(known), list[PlannedLine]()
    for one in planned:
        if (one.iban, one.written) not in seen and _is_due(one, history, today):
            seen.add((one.iban, one.written))
            found.append(one)
    return found


def _is_due(line: PlannedLine, history: ByPerson[PaidAccount], today: date) -> bool:
    here = [one.first for one in history.of(line.payee) if one.iban == line.iban and one.first]
    return not here or min(here) <= today - _YEAR


# --- the answers ----------------------------------------------------------------------------------
def known_answers(client_id: int, now: datetime) -> set[tuple[str, str]]:
    """Return the accounts and names of this client of which the answer is still used."""
    tried = (EarlyNameCheck.result != NOT_POSSIBLE) | (EarlyNameCheck.checked_at > now - TRIED_AGAIN)
    rows: Any = EarlyNameCheck.select(EarlyNameCheck.iban, EarlyNameCheck.name).where(
        EarlyNameCheck.client == client_id, EarlyNameCheck.checked_at > used_since(now), tried
    )
    return set(rows.tuples())


def keep_answers(client_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add answers, in the caller's transaction. `rows`: iban, name, result, holder and service of each."""
    require_client_lock(client_id)
    if rows:
        EarlyNameCheck.insert_many([{**row, "client": client_id, "checked_at": utcnow()} for row in rows]).execute()


def used_since(now: datetime) -> datetime:
    """Return since when an answer must have been given to be used now."""
    return now - USED_FOR


def newest_answer(client_id: Any, since: Any) -> Any:
    """Return the subquery of the newest answer about the account and name of a line, for a query of lines: the code of
    the result, and behind it the holder's name. `since`: of `used_since`.
    """
    told = EarlyNameCheck.select(EarlyNameCheck.result.concat(fn.coalesce(EarlyNameCheck.holder, "")))
    mine = told.where(
        EarlyNameCheck.client == client_id, EarlyNameCheck.iban == BatchLine.creditor_iban,
        EarlyNameCheck.name == BatchLine.creditor_name, EarlyNameCheck.checked_at > since,
    )  # fmt: skip
    return mine.order_by(EarlyNameCheck.id.desc()).limit(1)


def early_names_of(lines: Iterable[BatchLine]) -> list[EarlyName]:
    """Return what was said of the lines that are paid, by position. Expects lines as `lines_with_answers` reads them.
    """
    return [_early_name(one, said) for one in lines if (said := getattr(one, "early_name", None))]


def _early_name(line: BatchLine, said: str) -> EarlyName:
    result, holder = said[:4], said[4:]
    taken_over = bool(holder) and line.creditor_name_sepa == to_sepa(holder, NAME) != to_sepa(line.creditor_name, NAME)
    return EarlyName(line.id, line.place or line.position, line.creditor_name, result, holder, taken_over)


def has_other_name(line: BatchLine) -> bool:
    """Return whether the order will have another name than payroll's: one that a person took over from a bank."""
    return line.creditor_name_sepa != to_sepa(line.creditor_name, NAME)

