"""What the security log tells of a request: where it comes from, and that it was refused."""

from flask import Flask, Response, g, request

from domain.common import security_log
from domain.common.errors import DomainError
from domain.common.security_log import REFUSED, record_security_event

# Statuses of refusals. 422 is a form that is shown again with its errors.
_REFUSALS = frozenset({400, 403, 404, 405, 413, 422, 429})


def init_security_log(app: Flask) -> None:
    """Call before anything that may refuse a request."""
    app.before_request(_note_origin)
    app.after_request(_note_refusal)


def _note_origin() -> None:
    security_log.origin.set({
        "address": request.remote_addr, "endpoint": request.endpoint, "method": request.method,
    })  # fmt: skip


def _note_refusal(response: Response) -> Response:
    """Log a refused request of a known page. Unknown addresses are what scanners ask for, and say nothing."""
    if response.status_code in _REFUSALS and request.endpoint is not None:
        record_security_event("request", REFUSED, status=response.status_code, **_who())
    return response


def note_problem(error: DomainError) -> None:
    """Log that a rule of the business refused what a member asked."""
    record_security_event("rule", REFUSED, why=type(error).__name__, **_who())


def _who() -> dict[str, int]:
    """Return who is asking, from what this request looked up already: asking the database may be what failed."""
    user = g.get("_login_user")
    found = {"user": user.id} if user is not None and user.is_authenticated else {}
    return found | ({"client": g.client.id} if "client" in g else {})
