"""Rules for every response of the product: valid HTML, accessible names, and security headers."""

import re
from collections import Counter
from hashlib import sha256
from urllib.parse import urlsplit

import html5lib
from lxml import etree
from werkzeug.test import TestResponse

from tests.support import page_snapshots

HEADERS = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}
OF_PAGES = {
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "worker-src": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "object-src": "'none'",
}
# A fragment fetched by a script may do nothing at all if it is opened as a page.
PART_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def check(answer: TestResponse, sandbox_url: str) -> None:
    """Fail if the response breaks a rule."""
    part = "HX-Request" in answer.request.headers
    found = {name: answer.headers.get(name) for name in HEADERS | OF_PAGES}
    wanted = HEADERS | (dict.fromkeys(OF_PAGES) if part else OF_PAGES)
    assert found == wanted, f"{answer.request.path}: headers {found}"
    assert answer.headers.get("Cache-Control") == "no-store", answer.request.path
    assert "Access-Control-Allow-Origin" not in answer.headers, answer.request.path
    if answer.data and _is_text(answer.mimetype or ""):  # OWASP ASVS 5.0, 4.1.1
        assert answer.mimetype_params.get("charset", "").lower() == "utf-8", f"{answer.request.path}: no charset"
    if answer.mimetype != "text/html":
        return
    policy = answer.headers.get("Content-Security-Policy", "")
    if part:
        assert policy == PART_POLICY, answer.request.path
    else:
        check_policy(policy, sandbox_url)
    if answer.data and not 300 <= answer.status_code < 400:
        text = answer.get_data(as_text=True)
        fragment = part and "<body" not in text
        assert fragment or not part or answer.status_code >= 400, "a whole page where a part was asked for"
        faults = _judged_once(text, answer, fragment)
        assert not faults, f"{answer.request.method} {answer.request.path}: {faults}"


def _is_text(kind: str) -> bool:
    return kind.startswith("text/") or kind.endswith(("/xml", "+xml"))


# Texts and URLs, which no rule depends on: pages that differ in nothing else are checked once. Quotes, brackets,
# entities and all other attributes (id, for, name, type, class, lang) stay.
_URLS = "href|action|formaction|value|datetime|hx-get|hx-post"
_FREE = re.compile(
    rf"""(?<=>)(?P<text>[^<>"]+)(?=<)|(?<=\s)(?P<name>(?:{_URLS})=|hx-headers='{{"X-CSRFToken":\s)"(?P<value>[^"]*)\""""
)
_WORD = re.compile(r"(?<![&#\w])[\w.+/=:@-]+")
_judged: dict[tuple[bytes, bool], list[str]] = {}


def masked(text: str) -> str:
    """Return the page with one word in place of each text, value and URL (also of tokens and digests)."""
    return _FREE.sub(_mask, text)


def _mask(found: re.Match[str]) -> str:
    if (words := found["text"]) is not None:
        return _one_word(words)
    return f'{found["name"]}"{_one_word(found["value"])}"'


def _one_word(text: str) -> str:
    return "w" if "&" not in text and _WORD.search(text) else _WORD.sub("w", text)


def _judged_once(text: str, answer: TestResponse, fragment: bool) -> list[str]:
    """Return the faults of a page. A page with the same structure as an earlier one is not parsed again."""
    key = sha256(masked(text).encode()).digest(), fragment
    if key not in _judged:
        page_snapshots.keep(answer, text)
        _judged[key] = faults_of(text, fragment)
    return _judged[key]


def check_policy(text: str, sandbox_url: str) -> None:
    """Check the content security policy.

    Only our own origin is allowed; forms may also go to the banks and the broker, here the sandbox.
    """
    told = dict(part.strip().partition(" ")[::2] for part in text.split(";"))  # type: ignore
    targets = told.pop("form-action", "").split()  # type: ignore
    assert told == POLICY, text
    assert targets == ["'self'", f"http://{urlsplit(sandbox_url).netloc}"], text


def faults_of(text: str, fragment: bool = False) -> list[str]:
    """Return the faults of a page; empty if there are none."""
    whole = f"<!doctype html><title>-</title><body>{text}" if fragment else text
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("lxml"), namespaceHTMLElements=False)
    root = parser.parse(whole).getroot()
    parsed = [f"{position}: {code} {detail}" for position, code, detail in parser.errors]
    nodes = [node for node in root.iter() if isinstance(node.tag, str)]
    found = parsed + _doubled_ids(nodes) + _unlabelled(nodes) + _nameless(nodes) + _forms(nodes) + _inline(nodes)
    return found if fragment else found + _whole(nodes) + _labels_of_nothing(nodes)


def _whole(nodes: list[etree._Element]) -> list[str]:
    """Check what a page has exactly once: heading, title, main part, language and a link to help."""
    counted = Counter(str(node.tag) for node in nodes)
    found = [f"{counted[tag]} {tag}" for tag in ("h1", "title", "main") if counted[tag] != 1]
    if not any(node.tag == "title" and (node.text or "").strip() for node in nodes):
        found.append("no words in the title")
    if nodes[0].get("lang") not in ("nl", "en"):
        found.append(f"language {nodes[0].get('lang')!r}")
    helped = [node for node in nodes if node.tag == "footer" and node.get("class") == "help"]
    if [len(list(one.iter("a"))) for one in helped] != [4]:  # whom to ask, terms, privacy, who processes data
        found.append("nowhere to find help")
    return found


def _doubled_ids(nodes: list[etree._Element]) -> list[str]:
    counted = Counter(node.get("id") for node in nodes if node.get("id") is not None)
    return [f"id {name} {times} times" for name, times in counted.items() if times > 1]


def _unlabelled(nodes: list[etree._Element]) -> list[str]:
    labels = {node.get("for") for node in nodes if node.tag == "label"}
    found = []
    for node in nodes:
        if node.tag not in ("input", "select", "textarea") or node.get("type") in ("hidden", "submit", "button"):
            continue
        inside = any(parent.tag == "label" for parent in node.iterancestors())
        if not (inside or node.get("aria-label") or node.get("aria-labelledby") or node.get("id") in labels):
            found.append(f"{node.tag} {node.get('name')} without a label")
    return found


def _labels_of_nothing(nodes: list[etree._Element]) -> list[str]:
    """Check that each label belongs to a field on the page. A fragment may contain only one of the two."""
    ids = {node.get("id") for node in nodes}
    return [f"label for {node.get('for')}, which is not there" for node in nodes
            if node.tag == "label" and node.get("for") is not None and node.get("for") not in ids]  # fmt: skip


def _nameless(nodes: list[etree._Element]) -> list[str]:
    """Check that every button and link has a text or an aria-label."""
    pressed = [node for node in nodes if node.tag == "button" or (node.tag == "a" and node.get("href") is not None)]
    return [f"{node.tag} without a name" for node in pressed
            if not ("".join(node.itertext()).strip() or node.get("aria-label"))]  # fmt: skip


def _forms(nodes: list[etree._Element]) -> list[str]:
    """Check that each form states its method, and that a POST form has one CSRF token."""
    found = []
    for form in (node for node in nodes if node.tag == "form"):
        method = (form.get("method") or "").lower()
        if method not in ("get", "post"):
            found.append(f"form {form.get('action')} with method {method!r}")
        tokens = [field for field in form.iter("input") if field.get("name") == "csrf_token"]
        if (method == "post") != (len(tokens) == 1):
            found.append(f"{method} form {form.get('action')} with {len(tokens)} tokens")
    return found


def _inline(nodes: list[etree._Element]) -> list[str]:
    found = []
    for node in nodes:
        if node.tag == "style" or (node.tag == "script" and not node.get("src")):
            found.append(f"inline {node.tag}")
        named = [name for name in node.attrib if str(name) == "style" or str(name).startswith(("on", "hx-on"))]
        found += [f"{node.tag} with {name!s}" for name in named]
    return found
