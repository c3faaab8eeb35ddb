"""Store a submitted form in the session during reauthentication, and restore it afterwards.

Nothing is submitted automatically: the person sees the values and presses the button again. Only fields that a view
names are stored, never a password, PIN or token.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from flask import Response, flash, request, session
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict

from blueprints.web.forms import Form
from blueprints.web.responses import redirect_to
from blueprints.web.urls import split_address
from core.clock import utcnow

_LASTS = timedelta(minutes=15)
_KEY, _LONGEST = "typed", 500


def keep(page: str, names: Iterable[str], secret: bool) -> None:
    """Store these fields of the submitted form for its page.

    `secret`: the form also has a field that is not stored.
    """
    session[_KEY] = {
        "page": split_address(page).path, "values": {name: _plain(name) for name in names}, "secret": secret,
        "until": (utcnow() + _LASTS).isoformat(), "proved": False,
    }  # fmt: skip


def _plain(name: str) -> list[str]:
    """Return the values without control characters, which the database refuses."""
    return ["".join(filter(str.isprintable, value[:_LONGEST])) for value in request.form.getlist(name)]


def go_on(onward: str) -> Response:
    """Redirect to the original page after reauthentication, with a message about what is left to do."""
    kept = session.pop(_KEY, None)
    if kept is None or kept["page"] != split_address(onward).path:
        flash(_("Bevestigd. Je kunt verder."), "good")
        return redirect_to(onward)
    session[_KEY] = kept | {"proved": True}
    flash(_said(kept), "good")
    return redirect_to(onward)


def _said(kept: dict[str, Any]) -> str:
    if kept["secret"]:
        return _(
            "Bevestigd. Vul je token of pincode nog een keer in."
        )
    if kept["values"]:
        return _(
            "Bevestigd. Tik nog een keer op de knop. Wat je invulde, staat er nog."
        )
    return _("Bevestigd. Tik nog een keer op de knop.")


def _again(form: FlaskForm) -> MultiDict[str, str] | None:
    """Return the stored values for this form on this page, once; None if there are none."""
    kept = session.get(_KEY)
    if not kept or not kept["proved"] or kept["page"] != request.path or not kept["values"]:
        return None
    if not kept["values"].keys() <= form._fields.keys():  # another form on the same page
        return None
    del session[_KEY]
    return MultiDict(kept["values"]) if datetime.fromisoformat(kept["until"]) > utcnow() else None


class RestorableForm(Form):
    """A form that restores its values after reauthentication."""

    class Meta(Form.Meta):
        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> Any:
            found = super().wrap_formdata(form, formdata)
            return _again(form) if found is None and request.method == "GET" else found
