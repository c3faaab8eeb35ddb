"""Addresses of our own are made by `url_for`: no view and no template spells one by hand.

A path is written once, in the decorator of its view. Whoever changes it there changes it everywhere.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment

ROOT = Path(__file__).parent.parent
# What a browser is told to open or fetch.
ATTRIBUTES = "href|src|action|formaction|poster|hx-get|hx-post|hx-put|hx-patch|hx-delete"
# What defines an address, by the name of the call.
ROUTES = {"get", "post", "put", "patch", "delete", "route", "add_url_rule"}
ALLOWED = {
    # A session is opened before the request is routed, so its view is not known yet.
    "blueprints/web/session_interface.py": {"/status"},
}


# --- Python ---
def python_addresses(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of every string that spells a path, or a query after one."""
    tree = ast.parse(text)
    left_out = {id(one) for node in ast.walk(tree) for one in _definitions(node)}
    for node in ast.walk(tree):
        if id(node) in left_out:
            continue
        if isinstance(node, ast.JoinedStr):
            yield from ((node.lineno, part) for part in _parts(node) if re.match(r"/[\w<]|\?\w+=|#", part))
            left_out |= {id(one) for one in node.values}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_path(node.value):
            yield node.lineno, node.value


def _is_path(text: str) -> bool:
    return bool(re.match(r"/[\w<]", text) or re.match(r"\?\w+=", text))


def _parts(node: ast.JoinedStr) -> list[str]:
    """Return the fixed parts of an f-string that a value may precede; a fragment only after a value."""
    parts = [str(one.value) if isinstance(one, ast.Constant) else "" for one in node.values]
    return [part for place, part in enumerate(parts) if part and (place or not part.startswith("#"))]


def _definitions(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what stands in the definition of a route, and docstrings."""
    if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ROUTES:
        yield from (one for argument in node.args for one in ast.walk(argument))
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
        yield node.body[0].value  # type: ignore[attr-defined]


# --- templates ---
def template_addresses(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of every path in an attribute, after a value, or in a string of an expression."""
    before = ""
    for line, kind, value in Environment().lexer.tokeniter(text, None):
        if kind == "string" and re.match(r"/\w|/$|\?\w+=|#\w", value[1:-1]):
            yield line, value
        if kind == "data":
            for found in re.findall(rf"""(?:{ATTRIBUTES})=["'](/[^"']*)""", value):
                yield line, found
            if before == "variable_end" and re.match(r"/\w|\?\w+=|#\w", value):
                yield line, value.split()[0]
        before = kind


# --- the house ---
def handmade(root: Path) -> list[str]:
    """Return every address that is spelled by hand, as `file:line: text`."""
    found = []
    for path in sorted([*(root / "blueprints").rglob("*.py"), *(root / "templates").rglob("*.*")]):
        name, read = str(path.relative_to(root)), python_addresses if path.suffix == ".py" else template_addresses
        allowed = ALLOWED.get(name, set())
        found += [f"{name}:{line}: {text}" for line, text in read(path.read_text("utf-8")) if text not in allowed]
    return found


def test_every_address_is_made_by_url_for():
    assert handmade(ROOT) == []


def test_nothing_is_allowed_that_is_not_there():
    for name, texts in ALLOWED.items():
        assert {text for _line, text in python_addresses((ROOT / name).read_text("utf-8"))} == texts


@pytest.mark.parametrize(
    "text",
    [
        'redirect_to("/overzicht")', 'redirect_to(f"/{client.public_id}/saldo")', 'x = f"{here}/saldo"',
        'x = here + "/saldo"', 'x = f"{url}?verder={onward}"', 'x = url_for("a.b") + "?toon=50"',
        'x = f"{url}#seintje"',
    ],
)  # fmt: skip
def test_an_address_in_python_is_found(text: str):
    assert len(list(python_addresses(text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        '@blueprint.get("/<client>/saldo")\ndef view(): ...', 'blueprint.add_url_rule(f"/{path}", "name")',
        '"""Lead to /saldo."""', 'x = f"{scheme}://{host}"', 'x = f"static/{name}"', 'x = path.startswith("/")',
        'x = "text/html"', 'x = f"{total} / {count}"', 'x = f"#{number}"',
    ],
)  # fmt: skip
def test_other_text_in_python_is_left_alone(text: str):
    assert list(python_addresses(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        '<a href="/overzicht">', "<form action='/uitloggen'>", '<a href="{{ here }}/saldo">',
        "{{ task(here ~ '/saldo') }}",
        "{% set here = '/' ~ client.public_id %}", '<a href="{{ url }}?verder={{ onward }}">', '<a hx-get="/saldo">',
        "{{ button_link(url ~ '#seintje') }}",
    ],
)  # fmt: skip
def test_an_address_in_a_template_is_found(text: str):
    assert len(list(template_addresses(text))) >= 1


@pytest.mark.parametrize(
    "text",
    [
        "{{ url_for('banking.balances', verder=here) }}", '<a href="#main">', '<a href="mailto:{{ support_email }}">',
        "{# /saldo #}", "<p>{{ done }} / {{ total }}</p>", "{{ static_url('js/live.js') }}", '<br/>',
    ],
)  # fmt: skip
def test_other_text_in_a_template_is_left_alone(text: str):
    assert list(template_addresses(text)) == []
