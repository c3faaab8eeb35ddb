"""Login and reauthentication in the session, and the device of the session."""

from flask import session
from flask_login import login_user

from blueprints.web import session_interface
from blueprints.web.device_cookie import visit
from domain.accounts import devices, pins
from domain.accounts import sessions as stored
from models import Device, User


def log_in(user: User, passkey: bool = False) -> None:
    """Log this user in on this device, with a new token. `passkey`: they used one, which confirms the device."""
    kept = session.get("reset_here")
    session.clear()  # removes data of an earlier user of this device
    session_interface.renew()
    device = devices.register_sign_in(user, visit())
    session_interface.on_device(device.id)
    login_user(user)
    if passkey:
        _own_device(user, device.id, "passkey")
    elif kept == user.id:  # the password was reset by mail in this session
        devices.confirm_device(device.id, "mail")


def mark_reauthenticated(user: User, how: str) -> None:
    """Record a reauthentication by password, passkey or identification; the latter two also confirm the device.

    The session gets a new token.
    """
    fresh = stored.mark_reauthenticated(session_interface.secret())
    if fresh is not None:
        session_interface.go_on_as(fresh)
    device = stored.device_of(session_interface.secret())
    if device is not None and how != "password":
        _own_device(user, device.id, how)


def _own_device(user: User, device_id: int, how: str) -> None:
    devices.confirm_device(device_id, how)
    pins.unlock(user, device_id)


def current_device() -> Device | None:
    """Return the device of this session."""
    return stored.device_of(session_interface.secret())
