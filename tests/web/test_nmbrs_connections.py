"""Connecting to Nmbrs, a new token, REST consent, migration and removal: messages and what is stored."""

from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from domain.payroll import permission_check, rest_migration
from models import Batch, Membership, NmbrsConnection, PayrollCompany
from tests.support.factories import Demo, make_client, make_user
from tests.support.sandbox import Sandbox
from tests.support.web_client import Site, WebClient


@pytest.fixture
def here(demo: Demo) -> str:
    return f"/{demo.client.public_id}/apps/nmbrs"


def connection_of(demo: Demo) -> NmbrsConnection:
    return NmbrsConnection.get_by_id(demo.connection.id)


@pytest.fixture
def newcomer(site: Site) -> WebClient:
    user = make_user()
    make_client(user)
    return site.person(user)


def home_of(person: WebClient) -> str:
    return f"/{Membership.select().order_by(Membership.id.desc()).get().client.public_id}/apps/nmbrs"


# --- connecting ---
def test_a_first_connection_shows_its_permissions(newcomer: WebClient, sandbox: Sandbox):
    known, home = sandbox.credentials, home_of(newcomer)
    answer = newcomer.post(f"{home}/toevoegen", {"email": known["nmbrs_user"], "token": known["nmbrs_token"]})
    connection = NmbrsConnection.get()
    assert answer.headers["Location"] == f"{home}/{connection.id}/rechten"
    page = newcomer.get(answer.headers["Location"]).html
    assert "Verbinding maken gelukt!" in page
    assert f'href="{home}/{connection.id}/instellingen"' in page
    assert known["nmbrs_token"] not in page
    assert permission_check.due_permission_checks() == [connection.id]


def test_a_first_connection_may_use_oauth(newcomer: WebClient):
    home = home_of(newcomer)
    assert "Liever zonder token?" in newcomer.get(f"{home}/toevoegen").html
    answer = newcomer.post(f"{home}/toestemming")
    assert (answer.status_code, "/nmbrs-identity/connect/authorize?" in answer.headers["Location"]) == (303, True)


def test_oauth_is_not_offered_next_to_a_token(owner: WebClient, here: str):
    assert "Liever zonder token?" not in owner.get(f"{here}/toevoegen").html
    assert owner.post(f"{here}/toestemming").headers["Location"] == f"{here}/toevoegen"
    assert "Dit kan niet met je huidige Nmbrs-koppeling" in owner.get(f"{here}/toevoegen").html


# --- status ---
@pytest.mark.parametrize(
    ("problem", "said", "button"),
    [
        ("bad_credentials", "Maak in Nmbrs een nieuw token", "token"),
        ("not_allowed:CompanyService.SalaryDocuments_GetSEPA", "het betaalbestand ophalen", "rechten"),
        ("disabled", "De toegang is uitgezet in Nmbrs.", "rechten"),
        ("quota_used_up", "De limiet voor verzoeken aan Nmbrs is bereikt", "rechten"),
    ],
)
def test_a_failing_connection_shows_one_action(
    owner: WebClient, demo: Demo, here: str, problem: str, said: str, button: str
):
    NmbrsConnection.update(status="failing", error_code=problem).execute()
    for path in (here, f"{here}/{demo.connection.id}/instellingen"):
        page = owner.get(path).html
        assert "De verbinding met Nmbrs is verbroken" in page
        assert said in page
        assert "Er is niets betaald." in page
        assert f'class="button" href="{here}/{demo.connection.id}/{button}"' in page
    assert "De verbinding is verbroken" in owner.get(f"/{demo.client.public_id}/apps").html


def test_a_failing_rest_connection_offers_consent(owner: WebClient, demo: Demo, here: str):
    NmbrsConnection.update(status="failing", error_code="bad_credentials", api="rest").execute()
    page = owner.get(here).html
    assert f'action="{here}/{demo.connection.id}/toestemming"' in page
    assert "Opnieuw toestemming geven" in page


# --- a new token ---
def test_a_new_token_restores_the_connection(owner: WebClient, demo: Demo, here: str, sandbox: Sandbox):
    NmbrsConnection.update(status="failing", error_code="bad_credentials").execute()
    path = f"{here}/{demo.connection.id}"
    answer = owner.post(f"{path}/token", {"token": sandbox.credentials["nmbrs_token"]})
    assert answer.headers["Location"] == f"{path}/rechten"
    assert (connection_of(demo).status, connection_of(demo).error_code) == ("active", None)
    assert "Verbinding maken gelukt!" in owner.get(f"{path}/rechten").html


@pytest.mark.parametrize(
    ("token", "said"),
    [("", "Plak hier het token uit Nmbrs."), ("wrong-token", "De combinatie van e-mailadres en token")],
)
def test_a_refused_token_is_neither_stored_nor_shown(
    owner: WebClient, demo: Demo, here: str, token: str, said: str
):
    before = connection_of(demo).token_encrypted
    answer = owner.post(f"{here}/{demo.connection.id}/token", {"token": token})
    page = answer.html
    assert (answer.status_code, said in page, "wrong-token" in page) == (422, True, False)
    assert connection_of(demo).token_encrypted == before


# --- removal ---
def test_removal_asks_first_and_keeps_payments(owner: WebClient, demo: Demo, here: str):
    demo.batch()
    path = f"{here}/{demo.connection.id}/verwijderen"
    page = owner.get(path).html
    assert ("Blijft bewaard" in page, connection_of(demo).removed_at) == (True, None)
    assert owner.post(path).headers["Location"] == here
    page = owner.get(here).html
    assert "De verbinding is verwijderd." in page
    assert "Er is nog geen verbinding met Nmbrs" in page
    assert Batch.get().state == "open"
    assert PayrollCompany.get_by_id(demo.company.id).bank_account_id is None
    assert owner.get(f"{here}/{demo.connection.id}/instellingen").status_code == 404


# --- migration ---
def walk(address: str) -> str:
    """Consent at Nmbrs as a person would; return the redirect's path."""
    form = {"user": "wouter@demobv.example", "debtor": "21840", "answer": "allow"}
    answer = requests.post(address, data=form, allow_redirects=False, timeout=10)
    back = urlsplit(answer.headers["Location"])
    assert back.path == "/nmbrs/terug"
    return f"{back.path}?{back.query}"


@pytest.fixture
def listed(demo: Demo) -> NmbrsConnection:
    permission_check.schedule_permission_checks(connection_of(demo))
    permission_check.run_permission_checks(demo.connection.id)
    return connection_of(demo)


def test_the_owner_migrates_to_rest(owner: WebClient, demo: Demo, here: str, listed: NmbrsConnection):
    path = f"{here}/{demo.connection.id}"
    assert "Overstappen naar de nieuwe Nmbrs-koppeling" in owner.get(f"{path}/instellingen").html
    assert "stoppen op 1 maart 2027 bij Nmbrs" in owner.get(f"{path}/overstappen").html
    answer = owner.post(f"{path}/overstappen")
    assert answer.status_code == 303
    back = walk(answer.headers["Location"])
    assert owner.get(back).headers["Location"] == f"{path}/instellingen"
    assert connection_of(demo).api == "rest"
    page = owner.get(f"{path}/instellingen").html
    assert "Verbinding maken gelukt!" in page
    assert "elke 5 minuten" in page
    assert owner.get(f"{path}/overstappen").status_code == 404
    permission_check.run_permission_checks(demo.connection.id)
    rights = owner.get(f"{path}/rechten").html
    assert "rechten zijn in orde" in rights and "Automatische melding voor je aanzetten" not in rights
    again = owner.post(f"{path}/toestemming")
    assert "/nmbrs-identity/connect/authorize?" in again.headers["Location"]
    assert owner.get(back).headers["Location"] == here
    assert "is verlopen of al gebruikt" in owner.get(here).html


def test_a_refused_consent_changes_nothing(owner: WebClient, demo: Demo, here: str, listed: NmbrsConnection):
    address = owner.post(f"{here}/{demo.connection.id}/overstappen").headers["Location"]
    (state,) = parse_qs(urlsplit(address).query)["state"]
    assert rest_migration.client_of_oauth_state(state) == demo.client
    answer = owner.get(f"/nmbrs/terug?state={state}&error=access_denied")
    assert answer.headers["Location"] == here
    assert connection_of(demo).api == "soap"
    assert 'class="note bad"' in owner.get(here).html


def test_an_unknown_oauth_state_redirects_to_the_overview(site: Site, owner: WebClient, demo: Demo, here: str):
    assert owner.get("/nmbrs/terug?state=x&code=y").headers["Location"] == "/apps/nmbrs"
    assert owner.get("/nmbrs/terug").headers["Location"] == "/apps/nmbrs"
    assert site.person().get("/nmbrs/terug?state=x&code=y").headers["Location"].startswith("/inloggen")


def test_another_person_cannot_complete_it(site: Site, owner: WebClient, demo: Demo, here: str, listed):
    stranger = make_user(name="Charlie")
    make_client(stranger)
    back = walk(owner.post(f"{here}/{demo.connection.id}/overstappen").headers["Location"])
    site.person(stranger).get(back)
    assert connection_of(demo).api == "soap"


def test_soap_and_rest_have_separate_renewal(owner: WebClient, demo: Demo, here: str):
    path = f"{here}/{demo.connection.id}"
    assert owner.post(f"{path}/toestemming").headers["Location"] == f"{path}/instellingen"
