"""The pages that take a file: how many bytes they read, before anything reads the form."""

from collections.abc import Callable
from typing import Any

from flask import Flask, request

from blueprints.web.current_user import current_user

_FORM_BYTES = 64 * 1024  # of the form around the file


def takes_file(most_bytes: int) -> Callable[[Any], Any]:
    """Let a view read a form with a file of so many bytes. Other pages keep the bound of the application."""

    def mark(view: Any) -> Any:
        view.most_bytes = most_bytes + _FORM_BYTES
        return view

    return mark


def init_uploads(app: Flask) -> None:
    """Set the bound before the form is read, which CSRF protection does. Who is not signed in uploads nothing."""

    @app.before_request
    def _allow() -> None:
        most_bytes = getattr(app.view_functions.get(request.endpoint or ""), "most_bytes", None)
        if most_bytes is not None and current_user.is_authenticated:
            request.max_content_length = most_bytes
