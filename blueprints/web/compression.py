"""Answers made small on their way, where the browser wants that: a phone in a lift has little.

A page holds a secret (the form's token) beside what somebody may have written into its address, so that the length
of a compressed one tells something of the secret (BREACH). Each gets a name of a random length in its gzip header,
as Django's pages do: the length that is seen then says next to nothing. And a page of which another site wrote the
address, with text in it, is not compressed at all. Static files hold no secret and are pressed
as hard as can be (brotli where the browser knows it), once.
"""

import gzip
import secrets
from functools import lru_cache
from io import BytesIO

import brotli
from flask import Flask, Response, request

from blueprints.web.static_assets import SERVED

KINDS = frozenset(
    {
        "text/html", "text/css", "text/javascript", "application/javascript", "application/json",
        "application/manifest+json", "image/svg+xml", "text/plain",
    }
)  # fmt: skip
SMALLEST = 500  # bytes; below it there is nothing to win
MOST_PADDING = 100
QUICK, HARD = 6, 9


def init_compression(app: Flask) -> None:
    """Every answer of the app that a browser asks for and that is worth it."""
    app.after_request(compressed)


def compressed(response: Response) -> Response:
    if response.mimetype not in KINDS or "Content-Encoding" in response.headers:
        return response
    response.vary.add("Accept-Encoding")
    form = _form(request.endpoint in SERVED)
    if request.method == "HEAD" or response.status_code in (204, 206, 304) or form is None:
        return response
    response.direct_passthrough = False
    body = response.get_data()
    if len(body) < SMALLEST:
        return response
    once = request.endpoint in SERVED
    response.set_data(_pressed_once(body, form) if once else pressed(body, QUICK, secrets.randbelow(MOST_PADDING)))
    response.headers["Content-Encoding"] = form
    tag, _ = response.get_etag()
    if tag:  # the same file in another form: no longer equal byte for byte
        response.set_etag(tag, weak=True)
    return response


def _form(static: bool) -> str | None:
    """What this browser reads: brotli for a file, which cannot be padded and need not be; else gzip, or neither."""
    if static and request.accept_encodings["br"]:
        return "br"
    if not static and _asked_by_another_site():
        return None
    return "gzip" if request.accept_encodings["gzip"] else None


def _asked_by_another_site() -> bool:
    """Another site chose what stands in the address, and that may stand in the page."""
    return request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site") and bool(request.query_string)


@lru_cache(maxsize=128)
def _pressed_once(body: bytes, form: str) -> bytes:
    return brotli.compress(body, quality=11) if form == "br" else pressed(body, HARD, 0)


def pressed(body: bytes, level: int, padding: int) -> bytes:
    """The body as gzip, longer by `padding` bytes that mean nothing."""
    made = BytesIO()
    with gzip.GzipFile(filename="a" * padding, mode="wb", compresslevel=level, fileobj=made, mtime=0) as file:
        file.write(body)
    return made.getvalue()
