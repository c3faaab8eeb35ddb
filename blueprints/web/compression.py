"""Compress responses, for slow mobile connections.

A page contains a secret (the CSRF token) and may contain text from its URL, so its compressed length could reveal the
secret (BREACH). So each gzip header has a file name of random length, as in Django, and a page that another site linked
to with a query string is not compressed at all. Static files contain no secret and are compressed once, at the highest
level (Brotli if supported).
"""

import gzip
import secrets
from functools import lru_cache
from io import BytesIO

import brotli
from flask import Flask, Response, request

from blueprints.web.responses import vary_on
from blueprints.web.static_assets import SERVED

KINDS = frozenset(
    {
        "text/html", "text/css", "text/javascript", "application/javascript", "application/json",
        "application/manifest+json", "image/svg+xml", "text/plain",
    }
)  # fmt: skip
SMALLEST = 500  # bytes; below this compression gains nothing
MOST_PADDING = 100
QUICK, HARD = 6, 9


def init_compression(app: Flask) -> None:
    """Compress every response that is large enough."""
    app.after_request(compressed)


def compressed(response: Response) -> Response:
    if response.mimetype not in KINDS or "Content-Encoding" in response.headers:
        return response
    vary_on(response, "Accept-Encoding")
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
    if tag:  # not byte-identical to the uncompressed file
        response.set_etag(tag, weak=True)
    return response


def _form(static: bool) -> str | None:
    """Return the encoding: Brotli for a static file (it cannot be padded), else gzip or None."""
    if static and request.accept_encodings["br"]:
        return "br"
    if not static and _asked_by_another_site():
        return None
    return "gzip" if request.accept_encodings["gzip"] else None


def _asked_by_another_site() -> bool:
    """Return whether another site may have chosen the query string, which may appear in the page."""
    return request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site") and bool(request.query_string)


@lru_cache(maxsize=128)
def _pressed_once(body: bytes, form: str) -> bytes:
    return brotli.compress(body, quality=11) if form == "br" else pressed(body, HARD, 0)


def pressed(body: bytes, level: int, padding: int) -> bytes:
    """Return the body as gzip, with `padding` meaningless bytes added."""
    made = BytesIO()
    with gzip.GzipFile(filename="a" * padding, mode="wb", compresslevel=level, fileobj=made, mtime=0) as file:
        file.write(body)
    return made.getvalue()
