"""The port to the business register: a company, its officers and their authority."""

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
    """`first_names` in full, separated by spaces, if the register has them; else `initials`."""

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
    """An officer (KvK "functie"). `kind`: owner, director, partner, proxy or other. `authority_code`: KvK's code (azb,
    gb, nb, ob, v).
    """

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
    """`blocked` is the status that prevents the company from acting (such as bankruptcy), or None."""

    kvk_number: str
    name: str
    legal_form: str | None
    ended: bool
    blocked: str | None
    functions: list[Officership] = field(default_factory=list)


class UnknownCompany(Exception):
    """The register does not know this number."""


class RegisterDown(Exception):
    """No usable answer; nothing may be concluded from it."""


class BusinessRegister(Protocol):
    def search(self, text: str) -> list[Company]:
        """Return companies by name, or by number if the text is one: best match first, at most ten, or an empty list.

        Raises:
        - RegisterDown
        """
        ...

    def company(self, kvk_number: str) -> Company:
        """Return name and legal form of a company.

        Raises:
        - UnknownCompany
        - RegisterDown
        """
        ...

    def extract(self, kvk_number: str) -> Extract:
        """Return the officers of a company and their authority.

        Raises:
        - UnknownCompany
        - RegisterDown
        """
        ...
