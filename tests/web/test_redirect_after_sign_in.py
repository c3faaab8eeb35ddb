"""After an expired session or with another account, login returns to the same page."""

import re
from urllib.parse import parse_qs, urlsplit

import html5lib
import pytest

from domain.accounts import passwords, sessions
from models import Batch, BatchLine, User
from tests.support.factories import Demo, make_client, make_user
from tests.support.web_client import Site, WebClient

PASSWORD = "zes mussen op een dak"


@pytest.fixture
def payment(demo: Demo) -> str:
    return f"/{demo.client.public_id}/betalingen/{demo.batch().reference}"


@pytest.fixture
def ended(owner: WebClient, demo: Demo) -> WebClient:
    """A browser with an open page whose session has expired."""
    assert sessions.revoke_other_sessions(demo.user, None) == 1
    return owner


def onward(address: str) -> str:
    parts = urlsplit(address)
    assert parts.path == "/inloggen"
    return parse_qs(parts.query)["verder"][0]


def test_a_page(ended: WebClient, payment: str):
    answer = ended.get(f"{payment}?zoek=jan")
    assert (answer.status_code, onward(answer.location)) == (303, f"{payment}?zoek=jan")


def test_a_polling_fragment(ended: WebClient, payment: str):
    asked = {"HX-Request": "true", "HX-Current-URL": f"http://localhost{payment}"}
    answer = ended.get(f"{payment}/status?seen=x", headers=asked)
    assert onward(answer.headers["HX-Redirect"]) == payment


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize("tail", ["/regels/1?verdict=refuse", "/betalen"])
def test_a_submitted_form_changes_nothing(ended: WebClient, payment: str, tail: str, htmx: bool):
    page = f"http://localhost{payment}"
    headers = {"HX-Request": "true", "HX-Current-URL": page} if htmx else {"Referer": page}
    answer = ended.bare_post(f"{payment}{tail}", {"csrf_token": "of before"}, headers=headers)
    assert onward(answer.headers["HX-Redirect"] if htmx else answer.location) == payment
    assert [line.state for line in BatchLine.select()] == ["open"] * 3
    assert Batch.get().state == "open"


def test_a_forged_form_of_a_logged_in_user_is_refused(owner: WebClient, payment: str):
    assert owner.bare_post(f"{payment}/betalen").status_code == 400


def test_another_site_is_no_return_target(ended: WebClient, payment: str):
    answer = ended.bare_post(f"{payment}/betalen", headers={"Referer": "http://elsewhere.example/x"})
    assert onward(answer.location) == "/"


# --- a link for another account ---
def test_a_link_for_another_account_is_explained(site: Site, payment: str):
    hashed = passwords.hash_password(PASSWORD)
    charlie = make_client(make_user("charlie@demobv.example", name="Charlie")).user
    User.update(password_hash=hashed).execute()
    browser = site.person(charlie)
    answer = browser.get(payment)
    assert answer.status_code == 404
    page = answer.html
    text = " ".join(html5lib.parse(page, treebuilder="lxml", namespaceHTMLElements=False).getroot().itertext())
    assert "Je bent ingelogd als charlie@demobv.example." in text
    assert "Er is niets veranderd of betaald." in text
    [out] = re.findall(r'action="(/uitloggen[^"]+)"', page)
    answer = browser.post(out)
    assert onward(answer.location) == payment
    owner = Batch.get().client.memberships.get().user
    back = browser.post(answer.location, {"email": owner.email, "password": PASSWORD})
    assert (back.status_code, back.location) == (303, payment)
    assert browser.get(payment).status_code == 200


def test_an_unknown_url_reveals_nothing(owner: WebClient):
    page = owner.get("/bestaat/niet").html
    assert "Inloggen met een ander account" not in page


@pytest.mark.parametrize("path", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example"])
def test_logout_redirects_to_local_paths_only(owner: WebClient, path: str):
    assert owner.post(f"/uitloggen?verder={path}").location == "/inloggen"
