"""Linking through Ponto, on the pages: the redirect URI shared by all customers."""

from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from models import BankConsent, BankOauthGrant
from tests.support.factories import Demo, make_client, make_user
from tests.support.ponto import IBAN, pressed
from tests.support.web_client import Site, WebClient


def leaves(owner: WebClient, demo: Demo, decision: str = "toestaan") -> dict[str, str]:
    """Go to Ponto, up to the redirect back."""
    path = f"/{demo.client.public_id}/saldo/toevoegen"
    page = owner.get(path).html
    assert "Ponto Connect" in page
    assert "Je bank ziet niet dat het salarissen zijn" in page
    answer = owner.post(path, {"bank": "ponto"})
    assert answer.status_code == 303
    return pressed(answer.headers["Location"], decision)


def back(person: WebClient, told: dict[str, Any]):
    return person.get(f"/bank/terug?{urlencode(told)}")


def test_linking_ends_at_confirming_the_holder(owner: WebClient, demo: Demo):
    told = leaves(owner, demo)
    first = back(owner, told)
    second = owner.get(urlsplit(first.headers["Location"]).path)
    assert (first.status_code, second.status_code) == (303, 303)
    page = owner.get(urlsplit(second.headers["Location"]).path).html
    assert "Demo BV" in page
    assert "NL11 RABO 0391 8472 65" in page
    assert BankConsent.get(BankConsent.bank == "ponto").status == "valid"


def test_a_repeated_redirect_changes_nothing(owner: WebClient, demo: Demo):
    told = leaves(owner, demo)
    back(owner, told)
    kept = BankOauthGrant.get().tokens_encrypted
    again = back(owner, told | {"code": "another"})
    assert (again.status_code, BankOauthGrant.get().tokens_encrypted) == (303, kept)
    assert owner.get(urlsplit(again.headers["Location"]).path).status_code == 303


def test_a_refusal_is_reported(owner: WebClient, demo: Demo):
    answer = back(owner, leaves(owner, demo, "weigeren"))
    assert (answer.status_code, urlsplit(answer.headers["Location"]).path) == (303, "/saldo")
    page = owner.get(f"/{demo.client.public_id}/saldo").html
    assert 'role="alert"' in page
    assert IBAN[:4] not in page


@pytest.mark.parametrize("told", [{}, {"state": "none"}, {"state": "none", "code": "c"}])
def test_an_unknown_state_is_404(owner: WebClient, told: dict[str, str]):
    assert back(owner, told).status_code == 404


def test_another_person_cannot_complete_it(site: Site, owner: WebClient, demo: Demo):
    told = leaves(owner, demo)
    other = make_user()
    make_client(other)
    assert back(site.person(other), told).status_code == 404
    assert BankOauthGrant.get().tokens_encrypted is None


def test_the_redirect_requires_login(site: Site, owner: WebClient, demo: Demo):
    answer = back(site.person(), leaves(owner, demo))
    assert answer.status_code == 303
    assert urlsplit(answer.headers["Location"]).path == "/inloggen"
