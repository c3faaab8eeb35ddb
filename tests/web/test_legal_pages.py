"""Terms, privacy and who processes which data: for everybody, before registering, and true of this installation."""

from dataclasses import replace

import pytest

from domain.common.services import configure, services
from tests.support.factories import Demo
from tests.support.web_client import Site, WebClient

PAGES = {"/voorwaarden": ("Voorwaarden", "Terms"), "/privacy": ("Privacy", "Privacy"),
         "/verwerkers": ("Wie gegevens verwerkt", "Who processes data")}  # fmt: skip


@pytest.mark.parametrize("path", ["/inloggen", "/registreren", "/registreren/bedrijf", "/wachtwoord-vergeten", *PAGES])
def test_every_page_outside_leads_to_all_three(site: Site, path: str):
    links = [link.get("href") for link in site.person().open(path).all("footer a")]
    assert set(PAGES) <= set(links)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", [0, 1])
def test_each_is_read_without_an_account_in_both_languages(site: Site, path: str, language: int):
    page = site.person().get(path, headers={"Accept-Language": ("nl", "en")[language]})
    assert (page.status_code, page.says("h1")) == (200, PAGES[path][language])


def test_settings_lead_to_all_three(owner: WebClient, demo: Demo):
    page = owner.open(f"/{demo.client.public_id}/instellingen")
    assert set(PAGES) <= {link.get("href") for link in page.all("main a")}


def test_the_terms_say_that_they_are_a_draft_and_what_is_open(site: Site):
    page = site.person().open("/voorwaarden")
    assert page.says("main .note").startswith("ConceptDe aanbieder van Bizcuit moet deze voorwaarden nog vaststellen.")
    assert "Nog vast te stellen" in page.text and "Tot 30 dagen daarna" in page.text


class Checker:
    name = "surepay"


def test_only_services_that_are_set_up_are_named(site: Site):
    everybody = site.person()
    known = replace(services(), names=None, ponto=None)
    configure(known)
    page = everybody.open("/verwerkers").text
    assert "Naamcontrole" not in page and "Ponto" not in page and "iDIN" in page
    configure(replace(known, names=Checker(), ponto=known.nmbrs_oauth))  # type: ignore[arg-type]
    page = everybody.open("/verwerkers").text
    assert "Naamcontrole: SurePay" in page and "Ponto" in page
