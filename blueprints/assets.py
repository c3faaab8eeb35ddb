"""Static files under addresses that carry the hash of their content, so that they may be kept for ever."""

from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from flask import Flask, Response, current_app, request, url_for

# What is never asked for again needs no second mark of its age, nor a name to be saved under.
_UNASKED = ("Last-Modified", "Content-Disposition", "Accept-Ranges")
FOR_EVER = "public, max-age=31536000, immutable"


@lru_cache(maxsize=256)
def _version(path: str, changed_at: int) -> str:
    return sha256(Path(path).read_bytes()).hexdigest()[:10]


def version_of(name: str) -> str:
    """The first ten hex digits of the SHA-256 of a file under static/."""
    path = Path(current_app.static_folder or "static") / name
    return _version(str(path), path.stat().st_mtime_ns)


def static_url(name: str) -> str:
    """The address of a file under static/ ("css/base.css") with the version of its content."""
    return url_for("static", filename=name, v=version_of(name))


def _keep_versioned(response: Response) -> Response:
    if request.endpoint != "static" or response.status_code not in (200, 304):
        return response
    asked = request.args.get("v")
    if asked and asked == version_of((request.view_args or {})["filename"]):
        response.headers["Cache-Control"] = FOR_EVER
        for name in _UNASKED:
            response.headers.pop(name, None)
    return response


def init_assets(app: Flask) -> None:
    """Gives templates `static_url` and lets browsers keep what was asked for by its version."""
    app.jinja_env.globals["static_url"] = static_url
    app.after_request(_keep_versioned)
