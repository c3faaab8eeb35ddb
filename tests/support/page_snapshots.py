"""Every state of every page that the tests of pages get to see, kept for a browser to look at afterwards.

BIZCUIT_KEEP_STATES names the folder. Two answers are one state when they are built of the same parts, however often
each of them, in the same language: three lines or five, whosever they are.
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
    """Keep this page when its state is new; several workers share the folder."""
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
    """Each element with all that it stands in."""
    if not isinstance(node.tag, str):
        return
    made_of = (f"[{name}={node.get(name)}]" for name in _MAKES_A_PART if name in node.attrib)
    here = f"{above}/{node.tag}{''.join(made_of)}"
    yield here
    for below in node:
        yield from _parts(below, here)
