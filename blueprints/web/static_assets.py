"""Serve static files under URLs with a hash of their content, so that browsers may cache them forever."""

from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from flask import Flask, Response, current_app, request, url_for

# Headers without use for files that are never revalidated or downloaded.
_UNASKED = ("Last-Modified", "Content-Disposition", "Accept-Ranges")
FOR_EVER = "public, max-age=31536000, immutable"


# Files that are served as one: on a phone each request costs more than the bytes.
JOINED = {
    "css/bizcuit.css": ["css/tokens.css", "css/base.css", "css/chrome.css", "css/components.css"],
    "js/bizcuit.js": [
        "js/live.js", "js/busy.js", "js/reveal.js", "js/copy.js", "js/swipe.js", "js/install.js", "js/pwa.js",
    ],
}  # fmt: skip
SERVED = ("static", "stylesheet", "script")  # the endpoints of static files


@lru_cache(maxsize=256)
def _version(paths: tuple[Path, ...], changed_at: tuple[int, ...]) -> str:
    return sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:10]


def _paths(name: str) -> tuple[Path, ...]:
    folder = Path(current_app.static_folder or "static")
    return tuple(folder / one for one in JOINED.get(name, [name]))


def version_of(name: str) -> str:
    """Return the version of a static file: ten hex digits of the SHA-256 of its content."""
    paths = _paths(name)
    return _version(paths, tuple(path.stat().st_mtime_ns for path in paths))


def static_url(name: str) -> str:
    """Return the versioned URL of a file under static/, such as "js/live.js"."""
    return url_for("static", filename=name, v=version_of(name))


def _keep_versioned(response: Response) -> Response:
    if request.endpoint not in SERVED or response.status_code not in (200, 304):
        return response
    asked = request.args.get("v")
    if asked and asked == version_of(request.path.removeprefix(f"{current_app.static_url_path}/")):
        response.headers["Cache-Control"] = FOR_EVER
        for name in _UNASKED:
            response.headers.pop(name, None)
    return response


def _texts(name: str) -> list[str]:
    return [path.read_text() for path in _paths(name)]


def stylesheet() -> Response:
    return Response("".join(_texts("css/bizcuit.css")), mimetype="text/css")


def script() -> Response:
    """Return all scripts in one file; a block per module keeps their names separate."""
    return Response("".join(f"{{\n{text}}}\n" for text in _texts("js/bizcuit.js")), mimetype="text/javascript")


def init_assets(app: Flask) -> None:
    """Add `static_url` to the templates, and caching of versioned files."""
    app.jinja_env.globals["static_url"] = static_url
    app.add_url_rule("/static/css/bizcuit.css", view_func=stylesheet)
    app.add_url_rule("/static/js/bizcuit.js", view_func=script)
    app.after_request(_keep_versioned)
