"""Nmbrs's identity server: consent page, single-use codes, rotating refresh tokens."""

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import html5lib
import pytest
import requests

from tests.support.nmbrs_rest import (
    BACK,
    CLIENT,
    DEBTOR,
    SCOPES,
    SECOND_DEBTOR,
    SECRET,
    USER,
    Rest,
    allow,
    answer_page,
    ask_token,
    asked,
    came_back,
    connect,
    refresh,
    tokens,
    with_code,
)
from tests.support.sandbox import Sandbox, sandbox_process

VERIFIER = "a-verifier-of-more-than-forty-three-signs-0123456789"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def page(sandbox: Sandbox, **changed: str | None) -> requests.Response:
    return requests.get(connect(sandbox, "authorize"), params=asked(**changed), allow_redirects=False, timeout=10)


# --- the page ---
@pytest.mark.parametrize("changed", [{}, {"user": "salaris@demobv.example"}, {"scope": "email"}])
def test_the_page_is_valid_html_with_one_heading(sandbox: Sandbox, changed: dict[str, str]):
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    parsed = parser.parse(page(sandbox, **changed).text)
    assert len(parsed.findall(".//h1")) == 1
    assert all(form.get("action") for form in parsed.iter("form"))


def test_the_page_shows_user_and_scopes(sandbox: Sandbox):
    text = page(sandbox).text
    for words in (USER, "1 | Demo BV", "2 | Duinrand Catering BV", "Betaalbestanden ophalen", "Toestaan", "Weigeren"):
        assert words in text
    other = page(sandbox, user="salaris@demobv.example").text
    assert "1 | Demo BV" in other
    assert "Duinrand" not in other


def test_consent_returns_code_and_state(sandbox: Sandbox):
    answer = answer_page(sandbox, {"user": USER, "debtor": [DEBTOR], "answer": "allow"})
    assert answer.headers["Location"].startswith(f"{BACK}?")
    assert came_back(answer)["state"] == "xyz"
    assert with_code(sandbox, came_back(answer)["code"]).ok


def test_a_refusal_returns_no_code(sandbox: Sandbox):
    answer = answer_page(sandbox, {"user": USER, "debtor": [DEBTOR], "answer": "deny"})
    assert came_back(answer) == {"error": "access_denied", "state": "xyz"}


def test_the_consent_is_for_the_chosen_debtors(sandbox: Sandbox):
    assert len(Rest(sandbox, DEBTOR, SECOND_DEBTOR).data("/api/debtors")) == 2
    (only,) = Rest(sandbox, SECOND_DEBTOR).data("/api/debtors")
    assert only["name"] == "Duinrand Catering BV"


@pytest.mark.parametrize("chosen", [[], [SECOND_DEBTOR], [DEBTOR, 1]])
def test_invisible_debtors_cannot_be_chosen(sandbox: Sandbox, chosen: list[int]):
    answer = answer_page(sandbox, {"user": "salaris@demobv.example", "debtor": chosen, "answer": "allow"})
    assert answer.status_code == 400
    assert "Kies ten minste één debiteur" in answer.text


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"client_id": "another"}, "Unknown client"),
        ({"redirect_uri": "https://elsewhere.example/terug"}, "Invalid redirect_uri"),
        ({"redirect_uri": "http://localhost.elsewhere.example/"}, "Invalid redirect_uri"),
        ({"redirect_uri": f"{BACK}#part"}, "Invalid redirect_uri"),
        ({"redirect_uri": None}, "Invalid redirect_uri"),
        ({"response_type": "token"}, "Invalid response_type"),
        ({"scope": f"{SCOPES} debtor.info.read"}, "Invalid scope"),
        ({"scope": "offline_access"}, "Invalid scope"),
        ({"scope": None}, "Invalid scope"),
        ({"code_challenge_method": "S512"}, "Invalid code_challenge_method"),
        ({"user": "nobody@elsewhere.example"}, "Unknown user"),
    ],
)
def test_an_invalid_request_is_not_redirected(sandbox: Sandbox, changed: dict[str, str | None], word: str):
    answer = page(sandbox, **changed)
    assert answer.status_code == 400
    assert word in answer.text


# --- codes ---
def test_a_code_works_once(sandbox: Sandbox):
    code = allow(sandbox)
    assert with_code(sandbox, code).ok
    again = with_code(sandbox, code)
    assert (again.status_code, again.json()) == (400, {"error": "invalid_grant"})


def test_a_code_is_bound_to_its_redirect_uri(sandbox: Sandbox):
    assert with_code(sandbox, allow(sandbox), redirect_uri=f"{BACK}/").json() == {"error": "invalid_grant"}


def test_an_old_code_does_not_work(sandbox: Sandbox):
    code = allow(sandbox)
    sandbox.control("POST", "clock", {"advance_days": 1})
    assert with_code(sandbox, code).json() == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    ("challenge", "verifier", "fits"),
    [
        (CHALLENGE, VERIFIER, True),
        (CHALLENGE, VERIFIER + "x", False),
        (CHALLENGE, None, False),
        (None, VERIFIER, False),
        (None, None, True),
    ],
)
def test_a_challenge_requires_its_verifier(sandbox: Sandbox, challenge: str | None, verifier: str | None, fits: bool):
    code = allow(sandbox, code_challenge=challenge, code_challenge_method="S256" if challenge else None)
    answer = with_code(sandbox, code, **({"code_verifier": verifier} if verifier else {}))
    assert answer.ok is fits


# --- tokens ---
def test_the_token_response_follows_oauth(sandbox: Sandbox):
    answer = with_code(sandbox, allow(sandbox))
    assert answer.headers["Cache-Control"] == "no-store"
    told = answer.json()
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("Bearer", 3600, SCOPES)
    assert told["access_token"] != told["refresh_token"]


def test_without_offline_access_there_is_no_refresh_token(sandbox: Sandbox):
    assert "refresh_token" not in tokens(sandbox, scope="company.info.read")


@pytest.mark.parametrize(
    "auth", [None, (CLIENT, "wrong"), ("another", SECRET), (CLIENT, quote(SECRET).replace("-", "+"))]
)
def test_the_client_must_authenticate(sandbox: Sandbox, auth: tuple[str, str] | None):
    form = {"grant_type": "authorization_code", "code": allow(sandbox), "redirect_uri": BACK}
    answer = ask_token(sandbox, auth=auth, client_id=CLIENT, client_secret=SECRET, **form)
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert ask_token(sandbox, **form).ok  # a failed client authentication spends nothing


def test_client_id_and_secret_may_be_percent_encoded(sandbox: Sandbox):
    halves = [text.replace("-", "%2D") for text in (CLIENT, SECRET)]
    assert ask_token(
        sandbox, auth=tuple(halves), grant_type="authorization_code", code=allow(sandbox), redirect_uri=BACK
    ).ok


def test_other_grant_types_are_refused(sandbox: Sandbox):
    assert ask_token(sandbox, grant_type="client_credentials").json() == {"error": "unsupported_grant_type"}


def test_a_refresh_token_rotates_at_every_use(sandbox: Sandbox):
    first = tokens(sandbox)
    second = refresh(sandbox, first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert Rest(sandbox, token=second["access_token"]).data("/api/debtors")
    assert refresh(sandbox, first["refresh_token"]).json() == {"error": "invalid_grant"}
    assert refresh(sandbox, second["refresh_token"]).ok


def test_of_two_concurrent_refreshes_one_succeeds(sandbox: Sandbox):
    token = tokens(sandbox)["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: refresh(sandbox, token).status_code, range(8)))
    assert sorted(answers) == [200] + [400] * 7


def test_a_refresh_token_lasts_thirty_days(sandbox: Sandbox):
    token = tokens(sandbox)["refresh_token"]
    sandbox.control("POST", "clock", {"advance_days": 29})
    token = refresh(sandbox, token).json()["refresh_token"]
    sandbox.control("POST", "clock", {"advance_days": 30})
    assert refresh(sandbox, token).json() == {"error": "invalid_grant"}


def test_revoking_the_refresh_token_ends_the_consent(sandbox: Sandbox):
    given = tokens(sandbox)
    revocation = connect(sandbox, "revocation")
    bare = requests.post(revocation, data={"token": given["refresh_token"]}, timeout=10)
    assert bare.status_code == 401
    form = {"token": given["refresh_token"]}
    assert requests.post(revocation, data=form, auth=(CLIENT, SECRET), timeout=10).status_code == 200
    assert requests.post(revocation, data=form, auth=(CLIENT, SECRET), timeout=10).status_code == 200
    assert refresh(sandbox, given["refresh_token"]).json() == {"error": "invalid_grant"}
    assert Rest(sandbox, token=given["access_token"]).code("/api/debtors") == 40102


def test_consent_survives_a_restart_and_ends_at_reset(tmp_path: Path):
    with sandbox_process(tmp_path / "home") as sandbox:
        given = tokens(sandbox)
    with sandbox_process(tmp_path / "home") as sandbox:
        assert Rest(sandbox, token=given["access_token"]).data("/api/debtors")
        sandbox.reset()
        assert Rest(sandbox, token=given["access_token"]).code("/api/debtors") == 40102
        assert refresh(sandbox, given["refresh_token"]).status_code == 400


# --- faults ---
def test_a_refused_grant_is_not_spent(sandbox: Sandbox):
    token = tokens(sandbox)["refresh_token"]
    sandbox.fault(nmbrs_oauth_invalid_grant=True)
    assert refresh(sandbox, token).json() == {"error": "invalid_grant"}
    sandbox.fault(nmbrs_oauth_invalid_grant=False)
    assert refresh(sandbox, token).ok


def test_the_identity_server_can_be_down(sandbox: Sandbox):
    token = tokens(sandbox)["refresh_token"]
    sandbox.fault(nmbrs_oauth_down=True)
    assert page(sandbox).status_code == 503
    answer = refresh(sandbox, token)
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "text/html")
    sandbox.fault(nmbrs_oauth_down=False)
    assert refresh(sandbox, token).ok


def test_a_lost_answer_has_spent_the_refresh_token(sandbox: Sandbox):
    given = tokens(sandbox)
    sandbox.fault(nmbrs_oauth_answer_lost=True)
    with pytest.raises(requests.ConnectionError):
        refresh(sandbox, given["refresh_token"])
    sandbox.fault(nmbrs_oauth_answer_lost=False)
    assert refresh(sandbox, given["refresh_token"]).json() == {"error": "invalid_grant"}
    assert Rest(sandbox, token=given["access_token"]).data("/api/debtors")
