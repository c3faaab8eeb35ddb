"""The application and who walks in, in this process: Flask's own client, and an eye on every answer."""

import re
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from core.clock import utcnow
from core.ids import token
from domain.accounts import sessions
from domain.common.encryption import lookup
from models import Device, User
from tests.support import page_rules
from tests.support.sandbox import Sandbox

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Person:
    """Someone with a browser that keeps cookies; every answer they get is held to the rules of the house."""

    def __init__(self, site: "Site", user: User | None = None):
        self.site = site
        self.client = site.app.test_client()
        if user is not None:
            data = {"_user_id": str(user.id), "_fresh": True}
            secret = token()
            self.client.set_cookie("bzd", secret)
            device = Device.create(
                user=user, token_hash=lookup(secret), agent="", confirmed_at=utcnow(), confirmed_by="mail"
            )
            self.client.set_cookie("bz", sessions.start(data, user.id, device.id))

    @property
    def cookie(self) -> str | None:
        found = self.client.get_cookie("bz")
        return found.value if found else None

    def get(self, path: str, **options: Any) -> TestResponse:
        return self._checked(self.client.get(path, **options), options)

    def post(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        """As a form of ours is sent: with this session's token."""
        filled = {"csrf_token": self.token(), **(data or {})}
        return self._checked(self.client.post(path, data=filled, **options), options)

    def bare_post(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        """As whoever forges a form sends it: without a token."""
        return self._checked(self.client.post(path, data=data or {}, **options), options)

    def token(self) -> str:
        found = TOKEN.search(self.get("/registreren").get_data(as_text=True))
        assert found, "the page carries no token"
        return found[1]

    def _checked(self, answer: TestResponse, options: dict[str, Any]) -> TestResponse:
        page_rules.check(answer, self.site.sandbox.url, "HX-Request" in (options.get("headers") or {}))
        return answer


class Site:
    """The application, with who walks in."""

    def __init__(self, app: Flask, sandbox: Sandbox):
        self.app = app
        self.sandbox = sandbox

    def person(self, user: User | None = None) -> Person:
        """Nobody in particular, or this user, signed in."""
        return Person(self, user)
