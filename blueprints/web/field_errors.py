"""Show what is wrong with a submitted form on the page that a redirect leads to, so that a reload repeats no act.

For forms whose submission counts at another place, such as a code that a bank gives three tries. What was typed is not
kept.
"""

from flask import Response, request, session
from flask_wtf import FlaskForm

from blueprints.web.responses import redirect_to
from blueprints.web.urls import split_address

_KEY = "field_errors"


def redirect_with_errors(form: FlaskForm, url: str) -> Response:
    """Redirect to the page with this form, which shows the form's errors once."""
    errors = {name: [str(text) for text in texts] for name, texts in form.errors.items() if name}
    session[_KEY] = {"page": split_address(url).path, "errors": errors}
    return redirect_to(url)


def restore_errors(form: FlaskForm) -> None:
    """Put the errors of the submission before on the form, if they are of this page and this form."""
    kept = session.get(_KEY)
    if not kept or kept["page"] != request.path:
        return
    del session[_KEY]
    for name, texts in kept["errors"].items():
        if name in form._fields:
            form._fields[name].errors = texts
