"""Settings: a member changes the own name, an owner that of the company."""

import pytest

from models import Client, Membership, User
from tests.support.factories import Demo, make_user
from tests.support.web_client import Site, WebClient


def here(demo: Demo, tail: str = "") -> str:
    return f"/{demo.client.public_id}/instellingen{tail}"


def test_settings_lead_to_both_names(owner: WebClient, demo: Demo):
    page = owner.open(here(demo))
    assert page.says("a[href$='/instellingen/naam']") == "Je naam Wouter de Jong"
    assert page.says("a[href$='/instellingen/bedrijf']") == "Naam van je bedrijf Demo BV"


def test_the_own_name(owner: WebClient, demo: Demo):
    page = owner.open(here(demo, "/naam"))
    assert page.value("#name") == "Wouter de Jong" and "Je achternaam moet die van je identificatie zijn" in page.text
    assert owner.post(here(demo, "/naam"), name=" Wim de Jong ").location == here(demo)
    page = owner.open(here(demo))
    assert "Opgeslagen." in page.text and "Wim de Jong (jij)" in page.text
    owner.post(here(demo, "/naam"), name="Wim de Jong")
    assert "Er is niets veranderd." in owner.open(here(demo)).text


@pytest.mark.parametrize(
    ("typed", "said"),
    [("", "Vul je naam in."), ("x" * 101, "Maximaal 100 tekens."),
     ("Anna Smit", "Gebruik de achternaam waarmee je je hebt geïdentificeerd.")],
)  # fmt: skip
def test_a_refused_name_says_why_and_is_kept(owner: WebClient, demo: Demo, typed: str, said: str):
    answer = owner.post(here(demo, "/naam"), name=typed)
    assert (answer.status_code, answer.value("#name")) == (422, typed) and said in answer.text
    assert User.get_by_id(demo.user.id).name == "Wouter de Jong"


def test_the_name_of_the_company(owner: WebClient, demo: Demo):
    page = owner.open(here(demo, "/bedrijf"))
    assert page.value("#name") == "Demo BV" and "68750110" in page.text
    assert "Het KvK-nummer kun je niet wijzigen" in page.text and len(page.all("main input.input")) == 1
    assert owner.post(here(demo, "/bedrijf"), name=" ").status_code == 422
    owner.post(here(demo, "/bedrijf"), name="Duinrand BV", kvk_number="12345678")
    found = Client.get_by_id(demo.client.id)
    assert (found.name, found.kvk_number) == ("Duinrand BV", "68750110")
    assert owner.open(here(demo)).says("a[href$='/instellingen/bedrijf']") == "Naam van je bedrijf Duinrand BV"


def test_who_is_no_owner_sees_no_way_to_the_companys_name(site: Site, demo: Demo):
    anna = make_user(name="Anna Smit")
    Membership.create(user=anna, client=demo.client, role="approver")
    other = site.person(anna)
    assert other.open(here(demo)).all("a[href$='/instellingen/bedrijf']") == []
    assert other.post(here(demo, "/bedrijf"), name="Duinrand BV").status_code == 403
    assert "Je achternaam moet" not in other.open(here(demo, "/naam")).text


def test_while_the_account_is_closing_the_own_name_can_be_changed_and_the_companys_not(owner: WebClient, demo: Demo):
    Client.update(state="closing", ends_at="2027-01-01 00:00:00").where(Client.id == demo.client.id).execute()
    page = owner.open(here(demo))
    assert page.all("a[href$='/instellingen/naam']") and not page.all("a[href$='/instellingen/bedrijf']")
    owner.post(here(demo, "/bedrijf"), name="Duinrand BV")
    owner.post(here(demo, "/naam"), name="Wim de Jong")
    assert (Client.get().name, User.get_by_id(demo.user.id).name) == ("Demo BV", "Wim de Jong")
