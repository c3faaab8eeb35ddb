"""Gives each request an id for the log, and tells it in a header, so that a proxy's log can name the same one."""

from flask import Flask, Response, g

from core import log_context

HEADER = "X-Request-ID"


def init_request_ids(app: Flask) -> None:
    """Call before anything that may log."""
    app.before_request(_begin)
    app.after_request(_tell)
    app.teardown_request(_end)


def _begin() -> None:
    g.request_id = log_context.begin_request()


def _tell(response: Response) -> Response:
    if "request_id" in g:
        response.headers[HEADER] = g.request_id
    return response


def _end(_: BaseException | None) -> None:
    log_context.end_request()
