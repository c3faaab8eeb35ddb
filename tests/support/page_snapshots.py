"""Stores each distinct page that the tests of pages see, so that a browser can check it afterwards.

BIZCUIT_KEEP_STATES names the folder. Two pages count as the same if they consist of the same parts in the same
language, however often each part occurs and whatever its text.
"""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import lxml.html
from lxml.html import HtmlElement
from werkzeug.test import TestResponse

_MAKES_A_PART = ("class", "role", "type", "aria-current", "aria-invalid", "hidden", "disabled", "checked")


def keep(answer: TestResponse, text: str) -> None:
    """Store this page if its structure is new. Several workers share the folder."""
    folder = os.environ.get("BIZCUIT_KEEP_STATES")
    if folder is None or "<html" not in text:
        return
    root = lxml.html.document_fromstring(text)
    parts = "\n".join([root.get("lang", ""), *sorted(set(_parts(root, "")))])
    words = answer.request.path.strip("/").split("/")[-1] or "begin"
    file = Path(folder) / f"{sha256(parts.encode()).hexdigest()[:12]}.html"
    try:
        with file.open("x") as new:
            new.write(f"{text}\n<!-- {answer.request.method} …/{words}: {os.environ.get('PYTEST_CURRENT_TEST')} -->")
    except FileExistsError:
        return


def _parts(node: HtmlElement, above: str) -> Iterator[str]:
    """Return the path of each element with its relevant attributes."""
    if not isinstance(node.tag, str):
        return
    made_of = (f"[{name}={node.get(name)}]" for name in _MAKES_A_PART if name in node.attrib)
    here = f"{above}/{node.tag}{''.join(made_of)}"
    yield here
    for below in node:
        yield from _parts(below, here)
