"""The signed-in user as a model instance, not Flask-Login's proxy."""

from typing import cast

from flask_login import current_user

from models import User


def current_user_row() -> User:
    """Return the signed-in user; only for views that require a login."""
    return cast(User, current_user._get_current_object())  # type: ignore[attr-defined]
