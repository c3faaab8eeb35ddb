"""Flask's session in the database; the cookie contains only a token."""

from typing import Any

from flask import Flask, Response, session
from flask.sessions import SessionInterface, SessionMixin
from htmx_flask.requests import HtmxAwareRequest
from peewee import PeeweeException
from werkzeug.datastructures import CallbackDict

from core.ids import random_token
from domain.accounts import sessions


class StoredSession(CallbackDict, SessionMixin):
    """A session with its token; `renew` starts another, `go_on_as` continues it under a new token (ASVS 7.2.4)."""

    def __init__(self, data: dict | None = None, secret: str | None = None) -> None:
        super().__init__(data, self._touched)
        self.secret = secret
        self.modified = False
        self.retired: str | None = None
        self.replaced = False  # the browser must get the new token
        self.device_id: int | None = None
        self.failure: PeeweeException | None = None  # why the database could not tell it

    @staticmethod
    def _touched(changed: Any) -> None:
        changed.modified = True

    def renew(self) -> None:
        self.retired, self.secret, self.modified = self.secret, None, True

    def go_on_as(self, secret: str) -> None:
        self.secret, self.replaced, self.modified = secret, True, True


def _by_itself(request: HtmxAwareRequest) -> bool:
    """Return whether the page polls by itself, which is no user activity (PSD2 RTS art. 4(3)(d))."""
    return request.path.endswith("/status") and bool(request.htmx)


class StoredSessions(SessionInterface):
    def open_session(self, app: Flask, request: HtmxAwareRequest) -> StoredSession:
        secret = request.cookies.get(app.config["SESSION_COOKIE_NAME"])
        try:
            row = sessions.load_session(secret, not _by_itself(request)) if secret else None
        except PeeweeException as error:  # raised again as soon as a page can say so: without a session none can
            unknown = StoredSession()
            unknown.failure = error
            return unknown
        return StoredSession(row.data, secret) if row else StoredSession()

    def save_session(self, app: Flask, session: StoredSession, response: Response) -> None:  # type: ignore[override]
        if session.failure:
            return  # the browser keeps its cookie
        name = self.get_cookie_name(app)
        if session.retired:
            sessions.delete_session(session.retired)
        if session.modified and not session and session.secret is None:
            response.delete_cookie(name, path="/", secure=self.get_cookie_secure(app), httponly=True, samesite="Lax")
            return
        if not session.modified:
            return
        user = session.get("_user_id")
        user_id = int(user) if user else None
        if session.secret is None:
            session.secret = sessions.start_session(dict(session), user_id, session.device_id)
            self._give(app, response, session.secret, user_id)
            return
        sessions.save_session(session.secret, dict(session))
        if session.replaced:
            self._give(app, response, session.secret, user_id)

    def _give(self, app: Flask, response: Response, secret: str, user_id: int | None) -> None:
        response.set_cookie(
            self.get_cookie_name(app), secret, max_age=sessions.cookie_seconds(user_id), path="/", httponly=True,
            secure=self.get_cookie_secure(app), samesite="Lax",
        )  # fmt: skip


def require_known() -> None:
    """Raise what kept the database from telling the session of this request, if anything did."""
    failure = session.failure  # type: ignore[attr-defined]
    if failure:
        raise failure


def renew() -> None:
    """Replace the token of this session, at login and logout."""
    session.renew()  # type: ignore[attr-defined]


def go_on_as(secret: str) -> None:
    """Continue this session under a new token, which the browser gets with this response."""
    session.go_on_as(secret)  # type: ignore[attr-defined]


def on_device(device_id: int) -> None:
    """Bind the session that is about to start to this device."""
    session.device_id = device_id  # type: ignore[attr-defined]


def secret() -> str | None:
    """Return the token of this session, as in its cookie."""
    return session.secret  # type: ignore[attr-defined]


def oidc_binding() -> str:
    """Return the value that binds an OIDC request to this session; created at first use."""
    if "walk" not in session:
        session["walk"] = random_token()
    return session["walk"]
