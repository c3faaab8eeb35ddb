"""A browser over plain HTTP: opens pages, submits forms, follows redirects between sites.

It fails where a person would: on a page with an error message, a form without the field, or a server error.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import lxml.html
import requests
from lxml import etree

TIMEOUT = 30  # seconds per response
# Error messages: beside a field, or above the form.
ERROR_PATHS = ("//*[contains(concat(' ', normalize-space(@class), ' '), ' error ')]", "//*[@role='alert']")

INLINE = {"a", "abbr", "b", "bdi", "code", "em", "i", "label", "small", "span", "strong", "sub", "sup", "u"}
UNREAD = {"head", "script", "style", "template", etree.Comment}


class PageError(Exception):
    """A page is not as expected; the message names the page and its error text."""


class HttpBrowser:
    """One person on one device: its cookies and open page."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False  # every address is on loopback
        self._session.headers["User-Agent"] = "Mozilla/5.0 (visitor; mobile)"
        self._session.headers["Accept-Language"] = "nl"

    def open(self, url: str, expect: int = 200) -> "Page":
        """GET a URL and follow redirects.

        Raises:
        - PageError: the final status is not `expect`.
        """
        return self._page(self._session.get(url, timeout=TIMEOUT), expect)

    def post(self, url: str, data: list[tuple[str, str]], referer: str, expect: int = 200) -> "Page":
        """POST a form of the page `referer` and follow redirects."""
        answer = self._session.post(url, data=data, timeout=TIMEOUT, headers=fetch_metadata(url, referer))
        return self._page(answer, expect)

    def json(self, method: str, url: str, body: Any = None) -> Any:
        """Call the sandbox's control API."""
        answer = self._session.request(method, url, json=body, timeout=TIMEOUT)
        if not answer.ok:
            raise PageError(f"{method} {url}: {answer.status_code} {answer.text[:200]}")
        return answer.json()

    def cookies(self) -> list[Any]:
        """Return the cookies of this device."""
        return list(self._session.cookies)

    def keep(self, cookie: Any) -> None:
        """Add a cookie of another browser."""
        self._session.cookies.set_cookie(cookie)

    def _page(self, answer: requests.Response, expect: int) -> "Page":
        page = Page(self, answer)
        if answer.status_code != expect:
            raise PageError(f"{answer.request.method} {page.url}: {answer.status_code} {page.said}")
        return page


def fetch_metadata(url: str, referer: str) -> dict[str, str]:
    """Return the headers that a browser sends about the origin of a form."""
    here, there = urlsplit(url), urlsplit(referer)
    same = (here.scheme, here.netloc) == (there.scheme, there.netloc)
    return {
        "Origin": f"{there.scheme}://{there.netloc}",
        "Sec-Fetch-Site": "same-origin" if same else "cross-site",
        "Sec-Fetch-Mode": "navigate",
    }


class Page:
    """An open page."""

    def __init__(self, visitor: HttpBrowser, answer: requests.Response) -> None:
        self.visitor, self.url, self.status = visitor, answer.url, answer.status_code
        self.tree = lxml.html.fromstring(answer.content.decode(answer.encoding or "utf-8", "replace") or "<html/>")

    @property
    def text(self) -> str:
        """Return all text on the page, with single spaces."""
        return words(self.tree)

    @property
    def said(self) -> str:
        """Return the error messages of the page, else its heading."""
        headings = [words(node) for node in self.tree.xpath("//h1 | //title")]
        return " · ".join(self.errors or headings[:1])

    @property
    def errors(self) -> list[str]:
        """Return the messages beside fields and above the form."""
        found = [words(node) for path in ERROR_PATHS for node in self.tree.xpath(path)]
        return list(dict.fromkeys(filter(None, found)))

    def expect_text(self, *texts: str) -> Self:
        """Check that all texts are on the page.

        Raises:
        - PageError
        """
        for text in texts:
            if " ".join(text.split()) not in self.text:
                raise PageError(f"{self.url} does not say {text!r} but: {self.said}")
        return self

    def link(self, part: str) -> "Page":
        """Follow the first link whose URL or text contains `part`."""
        for node in self.tree.iter("a"):
            if part in (node.get("href") or "") or part in words(node):
                return self.visitor.open(urljoin(self.url, node.get("href")))
        raise PageError(f"{self.url} has no link {part!r}")

    def form(self, part: str = "") -> "Form":
        """Return the first form whose action, id or text contains `part`."""
        for node in self.tree.iter("form"):
            marks = (node.get("action") or "", node.get("id") or "", words(node))
            if any(part in mark for mark in marks):
                return Form(self, node, values_of(self.tree, node))
        raise PageError(f"{self.url} has no form {part!r}; it says: {self.said}")


@dataclass
class Form:
    """A form of an open page, with its current values."""

    page: Page
    node: Any
    values: list[tuple[str, str]] = field(default_factory=list)

    def fill(self, **values: str) -> Self:
        """Set fields by name.

        Raises:
        - PageError: the form has no such field.
        """
        known = {node.get("name") for node in inputs_of(self.page.tree, self.node)}
        for name, value in values.items():
            if name not in known:
                raise PageError(f"{self.page.url}: the form has no field {name!r} but {sorted(known - {None})}")
            self.values = [pair for pair in self.values if pair[0] != name] + [(name, value)]
        return self

    def choose(self, part: str) -> Self:
        """Select the checkbox or radio button whose value or label contains `part`."""
        for node in self.node.xpath(".//input[@type='checkbox' or @type='radio']"):
            if any(part in mark for mark in (node.get("value") or "", label_of(self.page.tree, node))):
                name, value = node.get("name"), node.get("value", "on")
                alone = node.get("type") == "radio"
                self.values = [
                    pair for pair in self.values if pair != (name, value) and not (alone and pair[0] == name)
                ]
                self.values.append((name, value))
                return self
        raise PageError(f"{self.page.url}: the form has no choice {part!r}")

    def submit(self, button: str = "", expect: int = 200) -> Page:
        """Press the button whose id is `button`, or whose text, name or value contains it; the first one by default.

        Raises:
        - PageError: the resulting page shows an error.
        """
        button_says = self._button(button)
        name = button_says.get("name")
        values = self.values + ([(name, button_says.get("value") or "")] if name else [])
        action = button_says.get("formaction") or self.node.get("action") or ""
        url = urljoin(self.page.url, action)
        if (self.node.get("method") or "get").lower() == "get":
            answer = self.page.visitor.open(requests.Request("GET", url, params=values).prepare().url or url, expect)
        else:
            answer = self.page.visitor.post(url, values, self.page.url, expect)
        if answer.errors and expect == 200:
            raise PageError(f"{answer.url}: {answer.said}")
        return answer

    def _button(self, part: str) -> Mapping[str, str]:
        """Return the attributes of the button to press; empty for a form without buttons."""
        buttons = [node for node in inputs_of(self.page.tree, self.node) if is_button(node)]
        for node in buttons:
            marks = (words(node), *(node.get(name) or "" for name in ("name", "value", "id")))
            if part == node.get("id") or any(part in mark for mark in marks):
                return node.attrib
        if part:
            raise PageError(f"{self.page.url}: the form has no button {part!r}")
        return {}


def words(node: Any) -> str:
    """Return the visible text: blocks separated, with single spaces."""
    return " ".join("".join(pieces(node)).split())


def pieces(node: Any) -> Iterator[str]:
    """Yield the texts in order, with a space around each element that is not inline."""
    apart = "" if node.tag in INLINE else " "
    if node.tag not in UNREAD:
        yield apart + (node.text or "")
        for child in node:
            yield from pieces(child)
            yield child.tail or ""
        yield apart


def inputs_of(tree: Any, form: Any) -> list[Any]:
    """Return the fields and buttons of a form, including those elsewhere on the page that refer to it."""
    inside = form.xpath(".//input | .//select | .//textarea | .//button")
    mark = form.get("id")
    return inside + (tree.xpath("//*[@form=$mark]", mark=mark) if mark else [])


def label_of(tree: Any, node: Any) -> str:
    """Return the label of a field."""
    labels = node.xpath("ancestor::label") + tree.xpath("//label[@for=$id]", id=node.get("id") or "-")
    return " ".join([node.get("aria-label") or "", *(words(label) for label in labels)])


def is_button(node: Any) -> bool:
    kind = (node.get("type") or ("submit" if node.tag == "button" else "text")).lower()
    return node.tag in ("button", "input") and kind in ("submit", "image")


def values_of(tree: Any, form: Any) -> list[tuple[str, str]]:
    """Return what a browser would send for the form as it is."""
    found: list[tuple[str, str]] = []
    for node in inputs_of(tree, form):
        name = node.get("name")
        if name and node.get("disabled") is None and node.tag != "button":
            found += [(name, value) for value in values_of_field(node)]
    return found


def values_of_field(node: Any) -> list[str]:
    """Return the values that one field sends: none for an unchecked box."""
    if node.tag == "select":
        chosen = node.xpath(".//option[@selected]") or node.xpath("(.//option)[1]")
        return [option.get("value", option.text_content()) for option in chosen]
    if node.tag == "textarea":
        return [node.text_content()]
    kind = (node.get("type") or "text").lower()
    if kind in ("checkbox", "radio"):
        return [node.get("value", "on")] if node.get("checked") is not None else []
    return [] if kind in ("submit", "image", "button", "reset", "file") else [node.get("value") or ""]
