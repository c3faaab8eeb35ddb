"""The form for Nmbrs credentials: errors at the field, and a token that is never shown again."""

import pytest

from models import NmbrsConnection
from tests.support.factories import Demo
from tests.support.web_client import WebClient

TOKEN = "a-token-that-opens-nothing"


@pytest.mark.parametrize(
    ("email", "token", "said"),
    [
        ("", TOKEN, "Vul het e-mailadres van je Nmbrs-account in."),
        ("   ", TOKEN, "Vul het e-mailadres van je Nmbrs-account in."),
        ("a@b.example", "", "Plak hier het token uit Nmbrs."),
        ("a@b.example", "   ", "Plak hier het token uit Nmbrs."),
        ("a@b.example", TOKEN, "token"),
    ],
)
def test_wrong_credentials_are_not_stored_or_shown(owner: WebClient, demo: Demo, email: str, token: str, said: str):
    before = NmbrsConnection.select().count()
    answer = owner.post(f"/{demo.client.public_id}/apps/nmbrs/toevoegen", {"email": email, "token": token})
    page = answer.html
    assert (answer.status_code, said in page, TOKEN in page) == (422, True, False)
    assert f'value="{email.strip()}"' in page
    assert NmbrsConnection.select().count() == before
