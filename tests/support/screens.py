"""Somebody's browser in tests of pages: Flask's own client, signed in, that looks twice at every page it gets.

who = Browser(app, demo.user)
page = who.open("/x/betalingen")         # a whole page, checked
answer = who.press(page, "#regels", ...)  # a form, as a plain browser sends it
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import lxml.html
from flask import Flask
from lxml.html import HtmlElement
from werkzeug.test import TestResponse

from domain.accounts import sessions
from models import User
from tests.support import page_snapshots
from tests.support.factories import make_device

NBSP = "\u00a0"


@dataclass
class Page:
    """An answer, read."""

    answer: TestResponse
    tree: HtmlElement

    @property
    def status(self) -> int:
        return self.answer.status_code

    @property
    def text(self) -> str:
        """What a person reads, on one line, no-break spaces as spaces."""
        return re.sub(r"\s+", " ", self.tree.text_content()).strip()

    @property
    def main(self) -> HtmlElement:
        return self.tree.xpath("//main")[0]

    def one(self, selector: str) -> HtmlElement:
        """The only element of this CSS selector."""
        found = self.tree.cssselect(selector)
        assert len(found) == 1, f"{selector}: {len(found)} found"
        return found[0]

    def all(self, selector: str) -> list[HtmlElement]:
        return self.tree.cssselect(selector)

    def says(self, selector: str) -> str:
        return re.sub(r"\s+", " ", self.one(selector).text_content()).strip()

    def value(self, selector: str, name: str = "value") -> str:
        """An attribute of the only element of this selector; it has to be there."""
        found = self.one(selector).get(name)
        assert found is not None, f"{selector} has no {name}"
        return found

    @property
    def location(self) -> str:
        return self.answer.headers.get("Location") or self.answer.headers.get("HX-Redirect") or ""


class Browser:
    """One person, one window. `user` None: not signed in."""

    def __init__(self, app: Flask, user: User | None = None) -> None:
        self.client = app.test_client()
        self.token = ""
        if user is not None:
            device = make_device(user)
            self.secret = sessions.start({"_user_id": str(user.id), "_fresh": True}, user.id, device.id)
            self.client.set_cookie(app.config["SESSION_COOKIE_NAME"], self.secret)

    def get(self, path: str, htmx: bool = False) -> Page:
        return self._read(self.client.get(path, headers={"HX-Request": "true"} if htmx else {}), htmx)

    def open(self, path: str) -> Page:
        """A page that has to be there; redirects are followed."""
        page = self.get(path)
        for _ in range(5):
            if page.status not in (302, 303):
                break
            page = self.get(page.location)
        assert page.status == 200, f"{path}: {page.status}"
        return page

    def post(self, path: str, htmx: bool = False, **data: Any) -> Page:
        """Send a form with the token of the last page."""
        headers = {"HX-Request": "true", "X-CSRFToken": self.token} if htmx else {}
        return self._read(self.client.post(path, data={"csrf_token": self.token, **data}, headers=headers), htmx)

    def _read(self, answer: TestResponse, htmx: bool) -> Page:
        body = answer.get_data(as_text=True)
        page = Page(answer, lxml.html.fromstring(body if "<body" in body else f"<div>{body}</div>"))
        if "<body" in body:
            assert not htmx or answer.status_code >= 400, "a whole page where a part was asked"
            self.token = json.loads(page.tree.xpath("//body/@hx-headers")[0])["X-CSRFToken"]
            assert faults(page) == []
            page_snapshots.keep(answer, body)
        return page


def faults(page: Page) -> list[str]:
    """What is wrong with any page of ours, whoever asked for it."""
    tree = page.tree
    ids = Counter(tree.xpath("//@id"))
    named = set(ids)
    wrong = [f"id {one} stands there {count} times" for one, count in ids.items() if count > 1]
    wrong += [] if len(tree.xpath("//h1")) == 1 else [f"{len(tree.xpath('//h1'))} h1"]
    wrong += [] if tree.xpath("string(//title)").strip() else ["no title"]
    wrong += [f"label for {one}, which is not there" for one in set(tree.xpath("//label/@for")) - named]
    wrong += [f"form without csrf: {form.get('action')}" for form in tree.xpath("//form[@method='post']")
              if not form.xpath(".//input[@name='csrf_token']")]  # fmt: skip
    wrong += [f"style in line: {node.tag}" for node in tree.xpath("//*[@style]")]
    wrong += [f"script in line: {node.tag}" for node in tree.xpath("//script[not(@src)]|//*[@onclick]")]
    wrong += [f"button without a name: {lxml.html.tostring(node)[:80]!r}" for node in tree.xpath("//button|//a[@href]")
              if not (node.text_content().strip() or node.get("aria-label"))]  # fmt: skip
    return wrong
