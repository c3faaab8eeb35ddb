"""Every error has a page: what happened, that nothing was paid, and a way forward."""

import re
from io import BytesIO

import pytest

from domain.accounts import sessions
from tests.support.factories import Demo
from tests.support.web_client import WebClient


def says(page: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>\s*<p>(.*?)</p>", page, re.DOTALL)
    assert found
    return f"{found[1]}: {found[2]}"


def test_an_unsupported_method(owner: WebClient, demo: Demo):
    answer = owner.post(f"/{demo.client.public_id}/overzicht")
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) >= {"GET", "HEAD"}
    assert says(answer.html).startswith("Niet mogelijk: ")


@pytest.mark.parametrize("size", [17_000_000])
def test_a_too_large_request(owner: WebClient, demo: Demo, size: int):
    path = f"/{demo.client.public_id}/betalingen/{demo.batch().reference}/bestand"
    answer = owner.post(path, {"bestand": (BytesIO(b"x" * size), "status.xml")})
    assert answer.status_code == 413
    told = says(answer.html)
    assert told.startswith("Het bestand is te groot: ")
    assert "niets veranderd of betaald" in told


def test_an_invalid_csrf_token(owner: WebClient, demo: Demo):
    answer = owner.post(f"/{demo.client.public_id}/betalingen/{demo.batch().reference}/regels/1?verdict=other")
    assert answer.status_code == 400
    assert "Er is niets veranderd of betaald." in says(answer.html)


def test_an_unexpected_error_is_logged_and_its_page_tells_nothing_of_it(
    owner: WebClient, demo: Demo, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def fail(*_: object) -> None:
        raise RuntimeError("select secret from vault")

    monkeypatch.setattr(sessions, "list_sessions", fail)
    answer = owner.get(f"/{demo.client.public_id}/instellingen")
    assert answer.status_code == 500 and "voordat je iets opnieuw doet" in says(answer.html)
    assert not re.search("select secret|RuntimeError|Traceback|list_sessions", answer.html)
    assert "RuntimeError: select secret from vault" in caplog.text, "operators see what it was"
    monkeypatch.undo()
    assert owner.get(f"/{demo.client.public_id}/instellingen").status_code == 200, "the program goes on"
