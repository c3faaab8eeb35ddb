"""Parse control requests strictly; an invalid one raises BadControl with the reason."""

import re
from datetime import datetime
from typing import Any

from sandbox import clock
from sandbox.control import BadControl
from sandbox.nmbrs import ledger_data, payroll, staff, webhooks
from sandbox.nmbrs.people import BANKS

Asked = dict[str, Any]
IBAN = re.compile(rf"NL\d\d({'|'.join(BANKS)})\d{{10}}")
MOST_CENTS = 100_000_00


def company(asked: Asked) -> int:
    name = str(asked.get("company", ""))
    if not name.isdecimal() or ledger_data.company(int(name)) is None:
        known = [str(doc["number"]) for doc in ledger_data.companies()]
        raise BadControl(f"company: there is no {name!r}, only {', '.join(known[:20])}", 404)
    return int(name)


def whole(asked: Asked, name: str, least: int, most: int) -> int | None:
    number = asked.get(name)
    if number is None:
        return None
    if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
        raise BadControl(f"{name}: a whole number from {least} to {most} is expected")
    return number


def text(asked: Asked, name: str) -> str | None:
    given = asked.get(name)
    if given is not None and not isinstance(given, str):
        raise BadControl(f"{name}: a text is expected")
    return given


def flag(asked: Asked, name: str) -> bool:
    given = asked.get(name, False)
    if not isinstance(given, bool):
        raise BadControl(f"{name}: true or false is expected")
    return given


def variant(asked: Asked) -> str | None:
    given = asked.get("webhook")
    if given is not None and given not in webhooks.VARIANTS:
        raise BadControl(f"webhook: one of {', '.join(webhooks.VARIANTS)} is expected")
    return given


def moment(asked: Asked, name: str) -> datetime | None:
    """Return an ISO datetime; without time zone it is Amsterdam time."""
    given = text(asked, name)
    if given is None:
        return None
    try:
        read = datetime.fromisoformat(given)
    except ValueError as error:
        raise BadControl(f"{name}: a moment as 2026-10-23T12:00:00 is expected") from error
    return read.astimezone(clock.AMSTERDAM) if read.tzinfo else read.replace(tzinfo=clock.AMSTERDAM)


def wish(asked: Asked) -> payroll.Wish:
    return payroll.Wish(
        lines=whole(asked, "lines", 0, payroll.MAX_LINES),
        description=text(asked, "description"),
        sepa=text(asked, "sepa"),
        year=whole(asked, "year", 2000, 2100),
        run_at=moment(asked, "run_at"),
    )


def employee(asked: Asked) -> Asked:
    """Return the given fields of an employee, validated."""
    told: Asked = {name: text(asked, name) for name in staff.FIELDS if name != "cents" and name in asked}
    if "cents" in asked:
        told["cents"] = whole(asked, "cents", 1, MOST_CENTS)
    if missing := [name for name, value in told.items() if value is None]:
        raise BadControl(f"{missing[0]}: cannot be empty")
    for name in ("last_name", "payment_name"):
        if name in told and not told[name].strip():
            raise BadControl(f"{name}: cannot be empty")
    if "iban" in told:
        told["iban"] = iban(told["iban"])
    return told


def iban(given: str) -> str:
    known = known_iban(given)
    if known is None:
        raise BadControl(f"iban: a Dutch IBAN of one of {', '.join(BANKS)} is expected")
    return known


def known_iban(given: str) -> str | None:
    """Return a Dutch IBAN without spaces, with valid check digits and a known BIC; else None."""
    compact = "".join(given.split()).upper()
    return compact if IBAN.fullmatch(compact) and is_checked(compact) else None


def is_checked(compact: str) -> bool:
    digits = "".join(str(int(sign, 36)) for sign in compact[4:] + compact[:4])
    return int(digits) % 97 == 1


def new_employee(asked: Asked) -> Asked:
    """Return all fields of a new employee, with defaults for those not given."""
    told = {"first_name": "Robin", "prefix": "", "last_name": "Nieuwkoop"} | employee(asked)
    told.setdefault("initials", f"{told['first_name'][:1]}.")
    told.setdefault("payment_name", staff.payment_name(told))
    if missing := [name for name in ("iban", "cents") if name not in told]:
        raise BadControl(f"{missing[0]}: is expected")
    return told
