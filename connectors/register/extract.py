"""Parse the register's answers; every field name of its catalogue is used here and nowhere else.

Two documents: the extract (officers and their authority; the Functionarissen API is assumed to follow the Dataservice
catalogue) and the base profile (name and legal form). A list of one item may come as the item itself. Unreadable data
counts against signing authority, never for it.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from connectors.register.port import Company, Extract, LegalPerson, Officership, Person
from core.clock import today_amsterdam

_NATURAL, _BY_NAME, _SEVERAL = "natuurlijkPersoon", "naamPersoon", "eenmanszaakMetMeerdereEigenaren"
_LEGAL = (
    "rechtspersoon", "samenwerkingsverband", "buitenlandseVennootschap", _SEVERAL, "rechtspersoonInOprichting",
    "afgeslotenMoeder",
)  # fmt: skip
_KINDS = {
    "bestuursfunctie": "director", "aansprakelijke": "partner", "gemachtigde": "proxy",
    "functionarisBijzondereRechtstoestand": "other", "overigeFunctionaris": "other",
    "publiekrechtelijkeFunctionaris": "other",
}  # fmt: skip
_STATES = ("bijzondereRechtstoestand", "beperkingInRechtshandeling", "buitenlandseRechtstoestand")
_REGISTRATIONS = ("registratie", "relatieRegistratie")


# --- the extract ---
def read_extract(document: dict[str, Any], kvk_number: str) -> Extract:
    """Parse the extract of this KvK number.

    Raises:
    - ValueError: it is not an extract.
    """
    activity = _in(document, "product", "maatschappelijkeActiviteit") or document.get("maatschappelijkeActiviteit")
    if not isinstance(activity, dict):
        raise ValueError("no extract of the register")
    relation = _current(activity.get("heeftAlsEigenaar"))
    kind = next((name for name in (_NATURAL, _BY_NAME, *_LEGAL) if isinstance(relation.get(name), dict)), None)
    if kind is None:
        raise ValueError("an extract without an owner")
    owner = relation[kind]
    return Extract(
        kvk_number=kvk_number, name=_text(activity.get("naam")) or _name(owner),
        legal_form=_text(owner.get("persoonRechtsvorm")) or _text(_in(owner, "rechtsvorm", "omschrijving")) or None,
        ended=any(_over(found) for found in (activity, relation, owner)), blocked=_special_state(owner),
        functions=[*_of_owner(kind, owner), *_of_others(owner)],
    )  # fmt: skip


def _of_owner(kind: str, owner: dict[str, Any]) -> Iterator[Officership]:
    """Yield the owners: the person of a sole proprietorship, who signs alone, or its co-owners."""
    if kind in (_NATURAL, _BY_NAME):
        yield Officership("owner", "Eigenaar", None, None, False, False, False, _person(owner), None)
    for one in _list(owner.get(_NATURAL)) if kind == _SEVERAL else ():
        yield Officership("partner", "Mede-eigenaar", None, None, False, False, _over(one), _person(one), None)


def _of_others(owner: dict[str, Any]) -> Iterator[Officership]:
    for item in _list(owner.get("heeft")):
        for name, kind in _KINDS.items():
            for found in _list(item.get(name)):
                yield _function(kind, found, _over(item))


def _function(kind: str, found: dict[str, Any], over: bool) -> Officership:
    power, proxy = _current(found.get("bevoegdheid")), _current(found.get("volmacht"))
    code = _text(_in(power, "soort", "code")) or _text(_in(proxy, "typeVolmacht", "code")) or None
    parts = (found, power, proxy, _in(found, "functie"))
    return Officership(
        kind=kind, title=_text(_in(found, "functietitel", "titel")) or _text(_in(found, "functie", "omschrijving")),
        authority_code=code, jointly=_jointly(power, code),
        limited=code in ("bb", "b") or any(
            (power.get("beperkingInEuros"), power.get("overigeBeperking"), proxy.get("beperkteVolmacht"))
        ),
        suspended=_running(found.get("schorsing")),
        ended=over or any(_over(part) or _to_come(part) for part in parts),
        person=_functionary(found), legal_person=_legal_functionary(found),
    )  # fmt: skip


def _jointly(power: dict[str, Any], code: str | None) -> bool | None:
    """Return whether authority is joint, with other directors (gb) or with others (J); None if it is not stated."""
    told = _in(power, "isBevoegdMetAnderePersonen", "code")
    return True if code == "gb" or told == "J" else False if told == "N" else None


def _functionary(found: dict[str, Any]) -> Person | None:
    by = _current(found.get("door"))
    person = by.get(_NATURAL) or by.get(_BY_NAME)
    return _person(person) if isinstance(person, dict) else None


def _legal_functionary(found: dict[str, Any]) -> LegalPerson | None:
    by = _current(found.get("door"))
    legal = next((by[name] for name in _LEGAL if isinstance(by.get(name), dict)), None)
    if legal is None:
        return None
    number = legal.get("kvkNummer") or _in(legal, "isEigenaarVan", "maatschappelijkeActiviteit", "kvkNummer")
    return LegalPerson(_text(number) or None, _name(legal))


def _person(found: dict[str, Any]) -> Person:
    return Person(
        first_names=_text(found.get("voornamen")) or None, initials=_text(found.get("voorletters")) or None,
        prefix=_text(found.get("voorvoegselGeslachtsnaam")) or None,
        last_name=_text(found.get("geslachtsnaam")) or _name(found), birth_date=_date(found.get("geboortedatum")),
        deceased=bool(found.get("overlijdensdatum")), blocked=_special_state(found) is not None,
    )  # fmt: skip


def _name(found: dict[str, Any]) -> str:
    names = (found.get("volledigeNaam"), _in(found, "naamgeving", "naam"), found.get("naam"))
    return next(filter(None, map(_text, names)), "")


# --- the base profile ---
def read_company(document: dict[str, Any], owner: dict[str, Any] | None, kvk_number: str) -> Company:
    """Parse a company's base profile, with its owner embedded or given separately.

    Raises:
    - ValueError: it is not the base profile of this company.
    """
    name = _text(document.get("naam")) or _text(document.get("statutaireNaam"))
    if not name or _text(document.get("kvkNummer")) != kvk_number:
        raise ValueError("no base profile of this company")
    ended = _past(_in(document, "materieleRegistratie", "datumEinde"), unreadable=True)
    form = _text(_in(owner or owner_of(document), "rechtsvorm"))
    return Company(kvk_number, name, form or None, not ended)


def parse_search_results(document: dict[str, Any]) -> list[Company]:
    """Return the companies of a search, each number once even if several branches match.

    A search covers current registrations only, and does not give the legal form.

    Raises:
    - ValueError: it is not a search result.
    """
    if not isinstance(document.get("resultaten"), list):
        raise ValueError("no result of a search")
    found: dict[str, Company] = {}
    for item in _list(document["resultaten"]):
        number, name = _text(item.get("kvkNummer")), _text(item.get("naam"))
        if re.fullmatch(r"[0-9]{8}", number) and name:
            found.setdefault(number, Company(number, name, None, active=True))
    return list(found.values())


def owner_of(document: dict[str, Any]) -> dict[str, Any] | None:
    """Return the owner embedded in a base profile, or None."""
    found = _in(document, "_embedded", "eigenaar")
    return found if isinstance(found, dict) else None


def has_link(document: dict[str, Any], relation: str) -> bool:
    """Return whether the document has this link: in `_links`, an object, or in `links` (until 2025), a list."""
    named = document.get("_links")
    listed = (item.get("rel") for item in _list(document.get("links")))
    return (isinstance(named, dict) and relation in named) or relation in listed


def fault_codes(document: Any) -> set[str]:
    """Return the register's error codes, from both of its formats."""
    faults = [*_list(_in(document, "fout")), *_list(_in(document, "meldingen", "fout"))]
    return {_text(fault.get("code")) for fault in faults}


# --- dates and states ---
def _over(found: Any) -> bool:
    """Return whether a registration has ended. An unreadable end date counts as ended."""
    return any(_past(_in(found, name, "datumEinde"), unreadable=True) for name in _REGISTRATIONS)


def _to_come(found: Any) -> bool:
    """Return whether a registration has yet to start."""
    begins = (_in(found, name, "datumAanvang") for name in _REGISTRATIONS)
    return any(begin and not _past(begin, unreadable=True) for begin in begins)


def _running(found: Any) -> bool:
    """Return whether a suspension or special status is in force. An unreadable end date counts as not ended."""
    if isinstance(found, str | bool):
        return bool(found)
    ends = (_in(item, "registratie", "datumEinde") or item.get("datumEinde") for item in _list(found))
    return any(not _past(end, unreadable=False) for end in ends)


def _special_state(found: dict[str, Any]) -> str | None:
    """Return the special status in force, such as bankruptcy, or None."""
    return next((name for name in _STATES if _running(found.get(name))), None)


def _past(text: Any, unreadable: bool) -> bool:
    """Return whether a date (YYYYMMDD, with 00 for an unknown month or day) is today or earlier; False if absent."""
    if not text:
        return False
    digits = str(text).replace("-", "")[:8]
    if not re.fullmatch(r"[0-9]{8}", digits):
        return unreadable
    return digits <= f"{today_amsterdam():%Y%m%d}"


def _date(text: Any) -> date | None:
    """Return a complete date; None if day or month is unknown."""
    match = re.fullmatch(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})", str(text))
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None


# --- traversal ---
def _current(found: Any) -> dict[str, Any]:
    """Return the item in force; else the first, whose end date then counts; else an empty one."""
    items = _list(found)
    return next((item for item in items if not _over(item)), items[0] if items else {})


def _list(found: Any) -> list[dict[str, Any]]:
    items = found if isinstance(found, list) else [found]
    return [item for item in items if isinstance(item, dict)]


def _in(found: Any, *path: str) -> Any:
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _text(found: Any) -> str:
    return " ".join(str(found).split()) if isinstance(found, str | int) and not isinstance(found, bool) else ""
