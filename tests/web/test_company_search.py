"""Finding one's company in the register when registering: as one types, and without a script."""

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
def test_by_name_or_number_and_the_form_is_filled(site: Site, text: str):
    links = LINK.findall(found(site, text))
    assert len(links) == 1
    form = site.person().get(links[0].replace("&amp;", "&")).html
    assert 'value="Demo BV"' in form
    assert 'value="68750110"' in form


def test_as_one_types_only_the_list_is_answered(site: Site):
    part = found(site, "demo", headers={"HX-Request": "true"})
    assert part.strip().startswith('<section id="bedrijven"')
    assert len(LINK.findall(part)) == 1


def test_what_is_not_there_is_said(site: Site):
    assert "De KvK kent geen bedrijf" in found(site, "bestaat vast niet")


@pytest.mark.parametrize("text", ["", "de", "  d "])
def test_a_letter_or_two_is_not_asked(site: Site, sandbox: Sandbox, text: str):
    sandbox.fault(kvk_down=True)
    page = found(site, text)
    assert not LINK.findall(page)
    assert "niet bereikbaar" not in page


def test_a_register_that_is_away_keeps_nobody_from_registering(site: Site, sandbox: Sandbox):
    sandbox.fault(kvk_down=True)
    page = found(site, "demo")
    assert "Vul naam en nummer zelf in" in page
    assert 'href="/registreren"' in page


def test_what_is_typed_is_written_as_text(site: Site):
    page = found(site, '"><script>x</script>')
    assert "<script>x" not in page
