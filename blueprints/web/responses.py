"""Render pages and fragments, and redirect, for browsers and htmx."""

import re
from typing import Any

from flask import Response, g, make_response, redirect, render_template
from htmx_flask import request

from domain.overview import worklist

MORE_LINKS = ("meer", "ouder", "nieuwer")  # ids of the links to more of what a page lists
_INDENTATION = re.compile(r"\s*\n\s*")


def asks_fragment() -> bool:
    """Return whether htmx asks for a fragment (not for a restored history entry or a boosted link)."""
    return bool(request.htmx) and not (request.htmx.history_restore_request or request.htmx.boosted)


def vary_on(response: Response, header: str) -> None:
    """Say that the answer depends on a request header, for whoever keeps it: nobody keeps an answer to a POST."""
    if request.method in ("GET", "HEAD"):
        response.vary.add(header)


def render(template: str, status: int = 200, **context: Any) -> Response:
    """Render a page, with the data of its navigation unless htmx asks for a fragment."""
    if "client" in g and not asks_fragment():
        clients, waiting = worklist.load_navigation(g.membership)
        context = {"recent_clients": clients, "payments_waiting": waiting} | context
    response = make_response(render_template(template, **context), status)
    vary_on(response, "HX-Request")
    return response


def render_fragment(page: str, part: str, status: int = 200, **context: Any) -> Response:
    """Render the fragment for htmx, else the page that contains it."""
    return render(part if asks_fragment() else page, status, **context)


def is_search() -> bool:
    """Return whether htmx asks for what a search finds, or for more of it (`components/search.html`)."""
    return asks_fragment() and request.htmx.target == "found"


def render_search(part: str, url: str, **context: Any) -> Response:
    """Return what was found, with the focus on it if a link asked for more.

    The address bar gets `url`: the page without what was typed, which may be a name.
    """
    response = render(part, turned=request.htmx.trigger in MORE_LINKS, **context)
    response.headers["HX-Replace-Url"] = url
    return response


def dense(response: Response) -> Response:
    """Return an answer without the indentation of its templates: a ✗ on a slow mobile connection is a few bytes less.
    Not for one with `pre` or a filled `textarea`, where spaces count.
    """
    response.set_data(_INDENTATION.sub(" ", response.get_data(as_text=True)))
    return response


def not_modified(mark: str) -> bool:
    """Return whether a polling page already shows this state; answer it with 204 then."""
    return asks_fragment() and request.args.get("seen") == mark


def redirect_to(url: str) -> Response:
    """Redirect with 303, or with HX-Redirect for htmx: it would follow a 303 without changing the address bar."""
    if asks_fragment():
        response = make_response("", 204)
        response.headers["HX-Redirect"] = url
        return response
    return redirect(url, 303)  # type: ignore[return-value]
