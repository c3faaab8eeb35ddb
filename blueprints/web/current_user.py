"""Who is signed in, as the row itself and not as a stand-in for it."""

from typing import cast

from flask_login import current_user

from models import User


def current_user_row() -> User:
    """The signed-in user; only for views that ask for one."""
    return cast(User, current_user._get_current_object())  # type: ignore[attr-defined]
