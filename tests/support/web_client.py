"""A user with a browser, in this process: Flask's test client, with every response checked against the page rules.

    who = site.person(demo.user)                # signed in on a confirmed device
    page = who.open("/x/betalingen")            # a page that must exist
    answer = who.post(path, {"pin": "135790"})  # a form, with this session's CSRF token

What needs a real browser (scripts, service worker, layout) is tested in tests/browser.
"""

import json
import re
from functools import cached_property
from typing import Any

import lxml.html
from flask import Flask, Response
from flask.testing import FlaskClient
from lxml.html import HtmlElement
from werkzeug.test import TestResponse

from core.clock import utcnow
from core.ids import random_token
from domain.accounts import sessions
from domain.common.encryption import blind_index
from models import Device, User
from tests.support import page_rules
from tests.support.sandbox import Sandbox

NBSP = "\u00a0"
HTMX = {"HX-Request": "true"}


class Page(TestResponse, Response):
    """A response, with accessors for what a user sees."""

    @property
    def html(self) -> str:
        return self.get_data(as_text=True)

    @property
    def whole(self) -> bool:
        """Whether this is a whole page, not a fragment."""
        return "<body" in self.html

    @cached_property
    def tree(self) -> HtmlElement:
        return lxml.html.fromstring(self.html if self.whole else f"<div>{self.html}</div>")

    @property
    def text(self) -> str:
        """The text that a user reads, on one line, no-break spaces as spaces."""
        return re.sub(r"\s+", " ", self.tree.text_content()).strip()

    @property
    def main(self) -> HtmlElement:
        return self.tree.xpath("//main")[0]

    def one(self, selector: str) -> HtmlElement:
        """Return the only element that matches this CSS selector."""
        found = self.tree.cssselect(selector)
        assert len(found) == 1, f"{selector}: {len(found)} found"
        return found[0]

    def all(self, selector: str) -> list[HtmlElement]:
        return self.tree.cssselect(selector)

    def says(self, selector: str) -> str:
        return re.sub(r"\s+", " ", self.one(selector).text_content()).strip()

    def value(self, selector: str, name: str = "value") -> str:
        """Return an attribute of the only element that matches; it must exist."""
        found = self.one(selector).get(name)
        assert found is not None, f"{selector} has no {name}"
        return found

    @property
    def location(self) -> str:
        """The redirect target, for a browser with or without scripts; empty if there is none."""
        return self.headers.get("Location") or self.headers.get("HX-Redirect") or ""


class WebClient:
    """One user with one browser that keeps cookies. `user` None: not signed in."""

    def __init__(self, site: "Site", user: User | None = None) -> None:
        self.site = site
        self.client = FlaskClient(site.app, Page)
        self._token: tuple[str | None, str] = (None, "")  # the session's cookie, and its token
        if user is not None:
            self._sign_in(user)

    def _sign_in(self, user: User) -> None:
        """Start a session on a device that the user has confirmed."""
        secret = random_token()
        device = Device.create(
            user=user, token_hash=blind_index(secret), user_agent="", confirmed_at=utcnow(), confirmed_by="mail"
        )
        self.client.set_cookie("bzd", secret)
        self.client.set_cookie(
            "bz", sessions.start_session({"_user_id": str(user.id), "_fresh": True}, user.id, device.id)
        )

    @property
    def cookie(self) -> str | None:
        found = self.client.get_cookie("bz")
        return found.value if found else None

    @property
    def token(self) -> str:
        """The CSRF token of the last page in this session."""
        if self._token[0] != self.cookie or not self._token[1]:
            self.get("/wachtwoord-vergeten")
        return self._token[1]

    def get(
        self, path: str, htmx: bool = False, *, headers: dict[str, str] | None = None,
        query_string: dict[str, str] | str | None = None,
    ) -> Page:  # fmt: skip
        return self._send("GET", path, htmx, headers, query_string=query_string)

    def open(self, path: str) -> Page:
        """Return a page that must exist; redirects are followed."""
        page = self.get(path)
        for _ in range(5):
            if page.status_code not in (302, 303):
                break
            page = self.get(page.location)
        assert page.status_code == 200, f"{path}: {page.status_code}"
        return page

    def post(
        self, path: str, data: dict[str, Any] | None = None, *, htmx: bool = False,
        headers: dict[str, str] | None = None, **fields: Any,
    ) -> Page:  # fmt: skip
        """Submit a form with this session's CSRF token; with `htmx`, as htmx does."""
        filled = {"csrf_token": self.token, **(data or {}), **fields}
        sent = ({"X-CSRFToken": self.token} if htmx else {}) | (headers or {})
        return self._send("POST", path, htmx, sent, data=filled)

    def bare_post(
        self, path: str, data: dict[str, Any] | None = None, *, headers: dict[str, str] | None = None
    ) -> Page:
        """Submit a form without a CSRF token, as a forged request does."""
        return self._send("POST", path, False, headers, data=data or {})

    def _send(self, method: str, path: str, htmx: bool, headers: dict[str, str] | None, **options: Any) -> Page:
        sent = (HTMX if htmx else {}) | (headers or {})
        answer: Page = self.client.open(path, method=method, headers=sent, **options)  # type: ignore[assignment]
        page_rules.check(answer, self.site.sandbox.url)
        if answer.mimetype == "text/html" and answer.whole:
            for told in answer.tree.xpath("//body/@hx-headers"):  # pages of a broken server have none
                self._token = self.cookie, json.loads(told)["X-CSRFToken"]
        return answer


class Site:
    """The application and its visitors."""

    def __init__(self, app: Flask, sandbox: Sandbox) -> None:
        self.app = app
        self.sandbox = sandbox

    def person(self, user: User | None = None) -> WebClient:
        """Return the browser of this user, signed in; without a user, of an anonymous visitor."""
        return WebClient(self, user)
