"""Searching one's company while registering: while typing, and without JavaScript."""

import re

import pytest

from tests.support.sandbox import Sandbox
from tests.support.web_client import Site

LINK = re.compile(r'href="(/registreren\?[^"]+)"')


def found(site: Site, text: str, **options) -> str:
    answer = site.person().get("/registreren/bedrijf", query_string={"zoek": text}, **options)
    assert answer.status_code == 200
    return answer.html


@pytest.mark.parametrize("text", ["68750110", "demo", " Demo  BV "])
def test_search_by_name_or_number_fills_the_form(site: Site, text: str):
    links = LINK.findall(found(site, text))
    assert len(links) == 1
    form = site.person().get(links[0].replace("&amp;", "&")).html
    assert 'value="Demo BV"' in form
    assert 'value="68750110"' in form


def test_htmx_gets_only_the_list(site: Site):
    part = found(site, "demo", headers={"HX-Request": "true"})
    assert part.strip().startswith('<section id="bedrijven"')
    assert len(LINK.findall(part)) == 1


def test_no_results_are_reported(site: Site):
    assert "Geen bedrijf gevonden" in found(site, "bestaat vast niet")


@pytest.mark.parametrize("text", ["", "de", "  d "])
def test_one_or_two_letters_are_not_searched(site: Site, sandbox: Sandbox, text: str):
    sandbox.fault(kvk_down=True)
    page = found(site, text)
    assert not LINK.findall(page)
    assert "niet bereikbaar" not in page


def test_registration_works_while_the_register_is_down(site: Site, sandbox: Sandbox):
    sandbox.fault(kvk_down=True)
    page = found(site, "demo")
    assert "Vul naam en nummer zelf in" in page
    assert 'href="/registreren"' in page


def test_the_search_text_is_escaped(site: Site):
    page = found(site, '"><script>x</script>')
    assert "<script>x" not in page
