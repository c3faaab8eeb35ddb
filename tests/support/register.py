"""The directors of Demo BV in the sandbox's business register."""

from collections.abc import Callable
from typing import Any

WOUTER = {"voornamen": "Wouter", "voorvoegselGeslachtsnaam": "de", "geslachtsnaam": "Jong", "geboortedatum": "19800412"}
DEMO_KVK = "68750110"


def director(person: dict[str, str]) -> dict:
    """Return a director with sole authority."""
    power = {"soort": {"code": "azb", "omschrijving": "Alleen/zelfstandig bevoegd"}}
    return {"bestuursfunctie": {"functie": {"code": "02"}, "door": {"natuurlijkPersoon": person}, "bevoegdheid": power}}


def register_directors(control: Callable[..., Any], *persons: dict[str, str]) -> None:
    """Make these, beside Wouter, the directors of Demo BV. `control`: that of a sandbox."""
    directors = [director(person) for person in (WOUTER, *persons)]
    owner = {"persoonRechtsvorm": "BeslotenVennootschap", "heeft": directors}
    activity = {"kvkNummer": DEMO_KVK, "naam": "Demo BV", "heeftAlsEigenaar": {"rechtspersoon": owner}}
    control("PUT", f"register/{DEMO_KVK}", {"product": {"maatschappelijkeActiviteit": activity}})
