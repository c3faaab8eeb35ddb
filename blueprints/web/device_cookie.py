"""The cookie that recognises a browser; it does not authenticate."""

from flask import Response, after_this_request, current_app, g, request

from core.ids import random_token
from domain.accounts.devices import DeviceCookie

LIFE = 400 * 24 * 3600  # seconds; browsers limit cookies to this


def visit() -> DeviceCookie:
    """Return the device cookie of this browser; a new browser gets one with this response."""
    name, agent = current_app.config["DEVICE_COOKIE_NAME"], request.user_agent.string or ""
    secret = request.cookies.get(name) or g.get("device_secret")
    if secret is None:
        secret = g.device_secret = random_token()
        after_this_request(_hand_out)
    return DeviceCookie(secret[:200], agent)


def _hand_out(response: Response) -> Response:
    response.set_cookie(
        current_app.config["DEVICE_COOKIE_NAME"], g.device_secret, max_age=LIFE, path="/", httponly=True,
        secure=current_app.config["SESSION_COOKIE_SECURE"], samesite="Lax",
    )  # fmt: skip
    return response
