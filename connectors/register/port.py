"""What we ask of the business register: which company this is, and who holds which function in it."""

from dataclasses import dataclass, field
from datetime import date
from typing import Protocol


@dataclass(frozen=True)
class Company:
    kvk_number: str
    name: str
    legal_form: str | None
    active: bool


@dataclass(frozen=True)
class Person:
    """`first_names` in full, apart by spaces, where the register has them; else `initials`."""

    first_names: str | None
    initials: str | None
    prefix: str | None
    last_name: str
    birth_date: date | None
    deceased: bool = False
    blocked: bool = False


@dataclass(frozen=True)
class LegalPerson:
    kvk_number: str | None
    name: str


@dataclass(frozen=True)
class Officership:
    """kind: owner, director, partner, proxy or other; authority_code as the register writes it (azb, gb, nb, ob, v)."""

    kind: str
    title: str | None
    authority_code: str | None
    jointly: bool | None
    limited: bool
    suspended: bool
    ended: bool
    person: Person | None
    legal_person: LegalPerson | None


@dataclass(frozen=True)
class Extract:
    """`blocked` says why the company itself may not act (bankruptcy …), when it may not."""

    kvk_number: str
    name: str
    legal_form: str | None
    ended: bool
    blocked: str | None
    functions: list[Officership] = field(default_factory=list)


class UnknownCompany(Exception):
    """The register has no such number."""


class RegisterDown(Exception):
    """No answer that can be used; nothing may be concluded."""


class BusinessRegister(Protocol):
    def search(self, text: str) -> list[Company]:
        """By name, or by number when it is one; the best first, ten at most, none when there are none. RegisterDown."""
        ...

    def company(self, kvk_number: str) -> Company:
        """UnknownCompany, RegisterDown."""
        ...

    def extract(self, kvk_number: str) -> Extract:
        """UnknownCompany, RegisterDown."""
        ...
