"""Reading what the register answers: every field name of its catalogue stands here and nowhere else.

Two shapes: the extract (who holds which function; the Dataservice's catalogue, which the Functionarissen
interface is taken to follow) and the base profile (name and form). One and many may be written alike: a
list of one is often just the one. What cannot be read counts against signing, never for it.
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
    """The extract that was asked for under this number. ValueError when it is none."""
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
    """The owner of a one-man business is a person and signs for it. Several owners stand in it as persons."""
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
    """Together with other directors (gb) or with persons outside the board (J); None when it does not say."""
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
    """A company from its base profile; the owner stands inside it or was asked apart. ValueError when it is none."""
    name = _text(document.get("naam")) or _text(document.get("statutaireNaam"))
    if not name or _text(document.get("kvkNummer")) != kvk_number:
        raise ValueError("no base profile of this company")
    ended = _past(_in(document, "materieleRegistratie", "datumEinde"), unreadable=True)
    form = _text(_in(owner or owner_of(document), "rechtsvorm"))
    return Company(kvk_number, name, form or None, not ended)


def parse_search_results(document: dict[str, Any]) -> list[Company]:
    """Companies among what a search found: each number once, also when several of its branches were found.

    Only what is registered now is searched; the legal form does not stand there. ValueError when it is no result.
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
    """The owner as it stands inside a base profile, when it does."""
    found = _in(document, "_embedded", "eigenaar")
    return found if isinstance(found, dict) else None


def has_link(document: dict[str, Any], relation: str) -> bool:
    """Whether there is a link of this name: `_links` is an object by name, `links` (until 2025) a list."""
    named = document.get("_links")
    listed = (item.get("rel") for item in _list(document.get("links")))
    return (isinstance(named, dict) and relation in named) or relation in listed


def fault_codes(document: Any) -> set[str]:
    """The register's own codes of what went wrong, in both of its shapes."""
    faults = [*_list(_in(document, "fout")), *_list(_in(document, "meldingen", "fout"))]
    return {_text(fault.get("code")) for fault in faults}


# --- dates and states ---
def _over(found: Any) -> bool:
    """Whether this was and is no more. An end that cannot be read is an end."""
    return any(_past(_in(found, name, "datumEinde"), unreadable=True) for name in _REGISTRATIONS)


def _to_come(found: Any) -> bool:
    """Whether this has still to begin."""
    begins = (_in(found, name, "datumAanvang") for name in _REGISTRATIONS)
    return any(begin and not _past(begin, unreadable=True) for begin in begins)


def _running(found: Any) -> bool:
    """Whether a suspension or special state holds: it stands there and has not ended. An unreadable end is none."""
    if isinstance(found, str | bool):
        return bool(found)
    ends = (_in(item, "registratie", "datumEinde") or item.get("datumEinde") for item in _list(found))
    return any(not _past(end, unreadable=False) for end in ends)


def _special_state(found: dict[str, Any]) -> str | None:
    """Bankruptcy, receivership and the like, when one of them holds now."""
    return next((name for name in _STATES if _running(found.get(name))), None)


def _past(text: Any, unreadable: bool) -> bool:
    """Whether a date (YYYYMMDD, perhaps with an unknown month or day as 00) is today or before; nothing is not."""
    if not text:
        return False
    digits = str(text).replace("-", "")[:8]
    if not re.fullmatch(r"[0-9]{8}", digits):
        return unreadable
    return digits <= f"{today_amsterdam():%Y%m%d}"


def _date(text: Any) -> date | None:
    """A whole date; None for an unknown day or month."""
    match = re.fullmatch(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})", str(text))
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None


# --- walking ---
def _current(found: Any) -> dict[str, Any]:
    """The one that holds now, of one or many; else the first, whose end then counts; else an empty one."""
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
