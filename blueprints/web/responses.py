"""Answers: a page or its fragment from one template, and going on to another page."""

from typing import Any

from flask import Response, g, make_response, redirect, render_template
from htmx_flask import request

from domain.overview import worklist
from domain.payments import queries


def _htmx() -> bool:
    """Whether htmx asks for a part of the page (not when it restores history or follows a boosted link)."""
    return bool(request.htmx) and not (request.htmx.history_restore_request or request.htmx.boosted)


def render(template: str, status: int = 200, **context: Any) -> Response:
    """A whole page, with the number of payments that wait for its tabs; or what htmx asked for."""
    if "client" in g and not _htmx():
        context.setdefault("recent_clients", worklist.recent_clients(g.membership))
        context.setdefault("payments_waiting", queries.count_waiting(g.client, g.membership.user))
    response = make_response(render_template(template, **context), status)
    response.vary.add("HX-Request")
    return response


def render_fragment(page: str, part: str, status: int = 200, **context: Any) -> Response:
    """The part when htmx asks, else the page that contains it."""
    return render(part if _htmx() else page, status, **context)


def not_modified(mark: str) -> bool:
    """Whether a page that looks again by itself has seen this already: answer it with 204 then."""
    return _htmx() and request.args.get("seen") == mark


def redirect_to(url: str) -> Response:
    """On to another page: 303, or told to htmx, which would follow a 303 by itself without the address bar."""
    if _htmx():
        response = make_response("", 204)
        response.headers["HX-Redirect"] = url
        return response
    return redirect(url, 303)  # type: ignore[return-value]
