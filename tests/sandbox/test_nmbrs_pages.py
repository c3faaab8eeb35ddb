"""The pages of Nmbrs, in a browser without JavaScript."""

import html5lib
import pytest
from lxml import etree

from tests.support.nmbrs import Nmbrs
from tests.support.sandbox import Sandbox

DEBTOR = 21840
PATHS = (
    "/",
    "/nmbrs/",
    "/nmbrs/?zoek=geen",
    "/nmbrs/profiel",
    f"/nmbrs/debiteur/{DEBTOR}",
    f"/nmbrs/debiteur/{DEBTOR}/klant-login",
    f"/nmbrs/debiteur/{DEBTOR}/webhooks",
    f"/nmbrs/debiteur/{DEBTOR}/webhooks/nieuw",
    "/nmbrs/bedrijf/9969",
    "/nmbrs/bedrijf/9969/loonopdracht",
    "/mail/",
)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_valid_html_with_one_heading(sandbox: Sandbox, path: str):
    answer = sandbox.get(path)
    assert answer.status_code == 200
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    page = parser.parse(answer.text)
    assert len(page.findall(".//h1")) == 1
    ids = [element.get("id") for element in page.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert all(form.get("action") for form in page.iter("form"))
    assert page.find(".//meta[@name='viewport']") is not None
    assert page.find(".//script") is None


def first_code_after(page: str, term: str) -> str:
    return etree.HTML(page).xpath(f"string(//dt[.='{term}']/following-sibling::dd[1]/code)")


def test_the_profile_shows_the_working_token(sandbox: Sandbox):
    page = sandbox.get("/nmbrs/profiel").text
    given = sandbox.credentials
    assert "API TOKEN" in page
    assert first_code_after(page, "E-mailadres") == given["nmbrs_user"]
    assert first_code_after(page, "Token") == given["nmbrs_token"]


def test_a_new_token_ends_the_old_one(sandbox: Sandbox):
    old = sandbox.credentials["nmbrs_token"]
    assert sandbox.post("/nmbrs/profiel/token").ok
    new = sandbox.credentials["nmbrs_token"]
    assert new != old
    assert Nmbrs(sandbox).company.List_GetAll()
    with pytest.raises(Exception, match="1001"):
        Nmbrs(sandbox, token=old).company.List_GetAll()


def test_a_debtor_is_found_by_name(sandbox: Sandbox):
    page = sandbox.get("/nmbrs/?zoek=duin").text
    assert "Duinrand Catering BV" in page
    assert "Demo BV" not in page


def test_the_debtor_page_links_to_the_webhook_settings(sandbox: Sandbox):
    page = etree.HTML(sandbox.get(f"/nmbrs/debiteur/{DEBTOR}").text)
    links = page.xpath("//section[h2='Integratie']//a/@href")
    assert links == [f"/nmbrs/debiteur/{DEBTOR}/webhooks"]
    assert "+ Nieuwe webhook instellingen" in sandbox.get(links[0]).text


def test_the_payroll_page_lists_employees_and_runs(sandbox: Sandbox):
    page = sandbox.get("/nmbrs/bedrijf/9969/loonopdracht").text
    assert "9969 | Demo BV" in page
    assert "6 | Pepijn Bakker" in page
    assert "RUN!" in page
    after = sandbox.post("/nmbrs/bedrijf/9969/loonopdracht").text
    assert "Loonopdracht 1 is gedraaid: 8 medewerkers, €\u00a019.806,08 netto." in after
    nmbrs = Nmbrs(sandbox)
    (run,) = nmbrs.company.Run_GetList(CompanyId=9969, Year=nmbrs.year)
    assert f"1. {run.Description}" in after


@pytest.mark.parametrize(
    "path", ["/nmbrs/debiteur/5", "/nmbrs/debiteur/5/webhooks", "/nmbrs/bedrijf/5", "/nmbrs/bedrijf/5/loonopdracht"]
)
def test_unknown_ids_are_404(sandbox: Sandbox, path: str):
    assert sandbox.get(path).status_code == 404


def test_only_a_user_of_the_debtor_gets_its_token(sandbox: Sandbox):
    form = {"gebruiker": sandbox.credentials["nmbrs_user"]}
    assert sandbox.post(f"/nmbrs/debiteur/{DEBTOR}/klant-login/token", data=form).status_code == 404
