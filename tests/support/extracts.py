"""Extracts of the business register (KvK), made for tests: a company with one director, and what differs."""

from datetime import timedelta
from typing import Any

from core.clock import today_amsterdam

DEMO = "68750110"
YESTERDAY, TOMORROW = (f"{today_amsterdam() + timedelta(days=days):%Y%m%d}" for days in (-1, 1))
WOUTER = {
    "voornamen": "Wouter Jan", "voorvoegselGeslachtsnaam": "de", "geslachtsnaam": "Jong",
    "volledigeNaam": "Wouter Jan de Jong", "geboortedatum": "19800412",
}  # fmt: skip
Document = dict[str, Any]


def coded(code: str) -> Document:
    return {"code": code, "omschrijving": f"text of {code}"}


def director(code: str = "azb", **more: Any) -> Document:
    power = {"soort": coded(code), "isBevoegdMetAnderePersonen": coded("N")}
    function = {"functie": coded("02"), "functietitel": {"titel": "Directeur"}, "door": {"natuurlijkPersoon": WOUTER}}
    return {"bestuursfunctie": function | {"bevoegdheid": power} | more}


def document(owner: Document | None = None, kind: str = "rechtspersoon", **more: Any) -> Document:
    owner = {"persoonRechtsvorm": "Besloten Vennootschap", "heeft": [director()]} if owner is None else owner
    activity = {"kvkNummer": DEMO, "naam": "Demo BV", "heeftAlsEigenaar": {kind: owner}} | more
    return {"product": {"maatschappelijkeActiviteit": activity}}


def having(*items: Document, **more: Any) -> Document:
    return document({"heeft": list(items)} | more)


def ended(on: str = YESTERDAY) -> Document:
    return {"registratie": {"datumAanvang": "20100101", "datumEinde": on}}
