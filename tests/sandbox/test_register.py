"""The sandbox's KvK: API key, companies, extracts, and the effect of control and faults."""

import pytest
import requests

from tests.support.sandbox import Sandbox

KVK = "68750110"
EXTRACT = f"/kvk/api/v1/functionarissen/kvknummer/{KVK}"


def ask(sandbox: Sandbox, path: str, **params: str) -> requests.Response:
    return sandbox.get(path, headers={"apikey": "sandbox"}, params=params)


def functions(extract: dict) -> list[dict]:
    return extract["product"]["maatschappelijkeActiviteit"]["heeftAlsEigenaar"]["rechtspersoon"]["heeft"]


@pytest.mark.parametrize(
    "path", [EXTRACT, f"/kvk/api/v1/basisprofielen/{KVK}", "/kvk/api/v2/zoeken?kvkNummer=68750110"]
)
def test_an_api_key_is_required(sandbox: Sandbox, path: str):
    assert sandbox.get(path).status_code == 401
    assert ask(sandbox, path).status_code == 200


def test_the_extract_has_a_director_with_sole_authority(sandbox: Sandbox):
    (only,) = functions(ask(sandbox, EXTRACT).json())
    director = only["bestuursfunctie"]
    person = director["door"]["natuurlijkPersoon"]
    names = [person[part] for part in ("voornamen", "voorvoegselGeslachtsnaam", "geslachtsnaam")]
    assert names == ["Wouter", "de", "Jong"]
    assert person["geboortedatum"] == "19800412"
    assert (director["functie"]["code"], director["bevoegdheid"]["soort"]["code"]) == ("02", "azb")


def test_profile_and_search_find_the_company(sandbox: Sandbox):
    profile = ask(sandbox, f"/kvk/api/v1/basisprofielen/{KVK}").json()
    assert (profile["kvkNummer"], profile["naam"]) == (KVK, "Demo BV")
    assert profile["_links"]["self"]["href"].endswith(f"/v1/basisprofielen/{KVK}")
    answer = ask(sandbox, "/kvk/api/v2/zoeken", kvkNummer=KVK)
    assert answer.headers["Content-Type"] == "application/hal+json"
    found = answer.json()
    assert (found["totaal"], found["resultaten"][0]["naam"]) == (1, "Demo BV")
    link = found["resultaten"][0]["_links"]["basisprofiel"]["href"]
    assert ask(sandbox, link.removeprefix(sandbox.url)).json() == profile


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/kvk/api/v1/functionarissen/kvknummer/12345678", "IPD0005"),
        ("/kvk/api/v1/basisprofielen/12345678", "IPD0005"),
        ("/kvk/api/v2/zoeken?kvkNummer=12345678", "IPD5200"),
    ],
)
def test_an_unknown_company_gets_the_registers_error(sandbox: Sandbox, path: str, code: str):
    answer = ask(sandbox, path)
    assert answer.status_code == 404
    assert answer.json()["fout"][0]["code"] == code


def test_control_replaces_the_extract_until_the_reset(sandbox: Sandbox):
    extract = ask(sandbox, EXTRACT).json()
    functions(extract)[0]["bestuursfunctie"]["bevoegdheid"]["soort"]["code"] = "gb"
    sandbox.control("PUT", f"register/{KVK}", extract)
    assert ask(sandbox, EXTRACT).json() == extract
    sandbox.reset()
    assert functions(ask(sandbox, EXTRACT).json())[0]["bestuursfunctie"]["bevoegdheid"]["soort"]["code"] == "azb"


def test_an_extract_is_served_under_its_given_number(sandbox: Sandbox):
    extract = ask(sandbox, EXTRACT).json()
    activity = extract["product"]["maatschappelijkeActiviteit"]
    owner = activity["heeftAlsEigenaar"]
    activity |= {"naam": "Van Elders BV", "heeftAlsEigenaar": {"relatieRegistratie": {"datumAanvang": "2017"}} | owner}
    sandbox.control("PUT", "register/11111111", extract)
    assert ask(sandbox, "/kvk/api/v1/functionarissen/kvknummer/11111111").json() == extract
    (found,) = ask(sandbox, "/kvk/api/v2/zoeken", naam="elders").json()["resultaten"]
    assert found["kvkNummer"] == "11111111"
    profile = ask(sandbox, "/kvk/api/v1/basisprofielen/11111111").json()
    assert profile["kvkNummer"] == "11111111"
    assert profile["_embedded"]["eigenaar"]["rechtsvorm"] == "BeslotenVennootschap"


def test_an_unknown_parameter_is_an_error(sandbox: Sandbox):
    assert ask(sandbox, "/kvk/api/v2/zoeken", kvknr=KVK).status_code == 400


@pytest.mark.parametrize(("number", "code"), [("90000005", "gb"), ("90003942", "nb")])
def test_other_companies_have_other_directors(sandbox: Sandbox, number: str, code: str):
    extract = ask(sandbox, f"/kvk/api/v1/functionarissen/kvknummer/{number}").json()
    codes = {one["bestuursfunctie"]["bevoegdheid"]["soort"]["code"] for one in functions(extract)}
    assert codes == {code}


def test_a_sole_proprietor_is_the_owner(sandbox: Sandbox):
    extract = ask(sandbox, "/kvk/api/v1/functionarissen/kvknummer/69599084").json()
    owner = extract["product"]["maatschappelijkeActiviteit"]["heeftAlsEigenaar"]["natuurlijkPersoon"]
    assert owner["geslachtsnaam"] == "Jong"


@pytest.mark.parametrize(
    "body", [{"naam": "x"}, {"product": "x"}, {"product": {"maatschappelijkeActiviteit": []}}], ids=str
)
def test_control_refuses_an_invalid_extract(sandbox: Sandbox, body: dict):
    before = ask(sandbox, EXTRACT).json()
    assert requests.put(f"{sandbox.url}/control/register/{KVK}", json=body, timeout=10).status_code == 400
    assert ask(sandbox, EXTRACT).json() == before


def test_the_register_can_be_down_or_omit_birth_dates(sandbox: Sandbox):
    sandbox.fault(kvk_down=True)
    assert ask(sandbox, EXTRACT).status_code == 503
    sandbox.fault(kvk_down=False, kvk_temporary=True)
    assert ask(sandbox, EXTRACT).json()["fout"][0]["code"] == "IPD1002"
    sandbox.fault(kvk_temporary=False, kvk_no_birth_dates=True)
    assert "geboortedatum" not in ask(sandbox, EXTRACT).text
