"""Show what is wrong with a submitted form on the page that a redirect leads to, so that a reload repeats no act.

For forms of which each submission counts: a PIN, or a code that a bank gives three tries. What was typed is not kept.
"""

from typing import Any

from flask import Response, request, session
from flask_wtf import FlaskForm

from blueprints.web.error_messages import message_for
from blueprints.web.forms import Form
from blueprints.web.responses import redirect_to
from blueprints.web.urls import split_address
from domain.common.errors import PinWrong

_KEY = "field_errors"


def redirect_with_errors(form: FlaskForm, url: str) -> Response:
    """Redirect to the page with this form, which shows the form's errors once."""
    errors = {name: [str(text) for text in texts] for name, texts in form.errors.items() if name}
    session[_KEY] = {"page": split_address(url).path, "errors": errors}
    return redirect_to(url)


def redirect_with_wrong_pin(form: FlaskForm, error: PinWrong) -> Response:
    """Redirect to the page itself, which shows at its PIN how many tries are left."""
    form._fields["pin"].errors = [message_for(error)]
    return redirect_with_errors(form, request.path)


class ResumedForm(Form):
    """A form that shows, on the page that a redirect leads to, what was wrong with it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        kept = session.get(_KEY) if request.method == "GET" else None
        if not kept or kept["page"] != request.path or not kept["errors"].keys() <= self._fields.keys():
            return
        del session[_KEY]
        for name, texts in kept["errors"].items():
            self._fields[name].errors = texts

    @property
    def status(self) -> int:
        """The HTTP status of the page with this form: 422 if it was just submitted, and refused."""
        return 422 if self.errors and request.method == "POST" else 200
