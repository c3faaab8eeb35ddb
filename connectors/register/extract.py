"""Reading a register extract: every field name of the register's catalogue stands here and nowhere else."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from connectors.register.port import Extract, Function, LegalPerson, Person
from core.clock import today_amsterdam

_OWNERS = (
    "natuurlijkPersoon", "rechtspersoon", "samenwerkingsverband", "naamPersoon", "buitenlandseVennootschap",
    "eenmanszaakMetMeerdereEigenaren", "rechtspersoonInOprichting", "afgeslotenMoeder",
)  # fmt: skip
_KINDS = {
    "bestuursfunctie": "director", "aansprakelijke": "partner", "gemachtigde": "proxy",
    "functionarisBijzondereRechtstoestand": "other", "overigeFunctionaris": "other",
    "publiekrechtelijkeFunctionaris": "other",
}  # fmt: skip


def read_extract(document: dict[str, Any]) -> Extract:
    """ValueError when it is no extract."""
    activity = _in(document, "product", "maatschappelijkeActiviteit") or document.get("maatschappelijkeActiviteit")
    if not isinstance(activity, dict) or not activity.get("kvkNummer"):
        raise ValueError("no extract of the register")
    kind, owner = _owner(activity)
    functions = [*_owner_function(kind, owner), *(_function(*pair) for pair in _functions(owner))]
    return Extract(
        kvk_number=str(activity["kvkNummer"]), name=str(activity.get("naam") or ""),
        legal_form=_in(owner, "persoonRechtsvorm") or _in(owner, "rechtsvorm", "omschrijving"),
        ended=_ended(activity) or _ended(owner), blocked=_blocked(owner), functions=functions,
    )  # fmt: skip


def _owner(activity: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    found = activity.get("heeftAlsEigenaar") or {}
    return next(((kind, found[kind]) for kind in _OWNERS if isinstance(found.get(kind), dict)), ("", {}))


def _owner_function(kind: str, owner: dict[str, Any]) -> Iterator[Function]:
    """The owner of a one-man business is a natural person and signs for it."""
    if kind == "natuurlijkPersoon":
        yield Function("owner", "eigenaar", None, None, False, False, False, _person(owner), None)


def _functions(owner: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for item in _list(owner.get("heeft")):
        for name, kind in _KINDS.items():
            for one in _list(item.get(name)):
                yield kind, one


def _function(kind: str, found: dict[str, Any]) -> Function:
    by = found.get("door") or {}
    person, legal = by.get("natuurlijkPersoon"), by.get("rechtspersoon")
    power, proxy = found.get("bevoegdheid") or {}, found.get("volmacht") or {}
    jointly = _in(power, "isBevoegdMetAnderePersonen", "code")
    return Function(
        kind=kind, title=_in(found, "functie", "omschrijving"),
        authority_code=_in(power, "soort", "code") or _in(proxy, "typeVolmacht", "code"),
        jointly=None if jointly is None else jointly == "J",
        limited=bool(power.get("beperkingInEuros") or power.get("overigeBeperking") or proxy.get("beperkteVolmacht")),
        suspended=_running(found.get("schorsing")),
        ended=_ended(found) or _ended(power) or _ended(found.get("functie") or {}),
        person=_person(person) if isinstance(person, dict) else None,
        legal_person=LegalPerson(legal.get("kvkNummer"), str(legal.get("volledigeNaam") or legal.get("naam") or ""))
        if isinstance(legal, dict) else None,
    )  # fmt: skip


def _person(found: dict[str, Any]) -> Person:
    special = found.get("bijzondereRechtstoestand") or found.get("beperkingInRechtshandeling")
    return Person(
        first_names=found.get("voornamen"), initials=found.get("voorletters"),
        prefix=found.get("voorvoegselGeslachtsnaam"), last_name=str(found.get("geslachtsnaam") or ""),
        birth_date=_date(found.get("geboortedatum")), deceased=bool(found.get("overlijdensdatum")),
        blocked=_running(special),
    )  # fmt: skip


def _blocked(owner: dict[str, Any]) -> str | None:
    for name in ("bijzondereRechtstoestand", "beperkingInRechtshandeling", "buitenlandseRechtstoestand"):
        if _running(owner.get(name)):
            return name
    return None


def _running(found: Any) -> bool:
    """Whether a special state holds now: it stands there and has not ended."""
    return any(not _ended(item) for item in _list(found))


def _ended(found: Any) -> bool:
    end = _date(_in(found, "registratie", "datumEinde") or _in(found, "datumEinde"))
    return end is not None and end <= today_amsterdam()


def _date(text: Any) -> date | None:
    try:
        return datetime.strptime(str(text), "%Y%m%d").date()  # noqa: DTZ007
    except ValueError:
        return None


def _list(found: Any) -> list[dict[str, Any]]:
    items = found if isinstance(found, list) else [found]
    return [item for item in items if isinstance(item, dict)]


def _in(found: Any, *path: str) -> Any:
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found
