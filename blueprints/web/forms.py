"""Form fields and forms shared by several blueprints, and the HTML attributes of a field."""

import re
from collections.abc import Sequence
from typing import Any

import wtforms
from flask_wtf import FlaskForm
from wtforms import Field, StringField
from wtforms.validators import DataRequired, InputRequired, Length, Regexp

from blueprints.web.lazy_texts import _l

EMAIL_PATTERN = r"^[^@\s]{1,64}@[^@\s]+\.[^@\s.]{2,}$"


def trimmed(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def digits(value: Any) -> Any:
    """Remove spaces, points and hyphens from a number as people type it: "6875 0110", "68.75.01.10"."""
    return re.sub(r"[\s.\-]", "", value) if isinstance(value, str) else value


class EmailField(wtforms.EmailField):
    """A required email address; `missing` is the error if it is empty."""

    def __init__(
        self, label: str = _l("E-mailadres"), missing: str = _l("Vul je e-mailadres in."), **options: Any
    ) -> None:
        validators = [
            InputRequired(missing),
            Length(max=254, message=_l("Dit e-mailadres is te lang.")),
            Regexp(EMAIL_PATTERN, message=_l("Dit is geen e-mailadres. Het lijkt op naam@bedrijf.nl.")),
        ]
        super().__init__(label, validators, filters=[trimmed], **options)


class PasswordField(wtforms.PasswordField):
    """A required secret, never rendered: components/forms.html tests this class name. `missing`: error if empty."""

    def __init__(
        self, label: str = _l("Wachtwoord"), missing: str = _l("Vul je wachtwoord in."),
        validators: Sequence[Any] = (), **options: Any,
    ) -> None:
        super().__init__(label, [InputRequired(missing), *validators], **options)


class PersonNameField(StringField):
    """The name of the person who fills in the form."""

    def __init__(self, label: str = _l("Je naam"), **options: Any) -> None:
        validators = [
            DataRequired(_l("Vul je naam in.")),
            Length(max=100, message=_l("Hoogstens 100 tekens.")),
        ]
        super().__init__(label, validators, filters=[trimmed], **options)


class ActionForm(FlaskForm):
    """Only a submit button and a CSRF token."""


def field_attributes(field: Field, hint: str = "", **attributes: Any) -> dict[str, Any]:
    """Return the HTML attributes of a field: those given that are not empty, and references to its hint and error.

    An invalid field is marked and refers to its error (WCAG 2.2, 3.3.1).
    """
    found = {name: value for name, value in attributes.items() if value}
    described_by = [f"{field.id}-hint"] if hint else []
    if field.errors:
        found["aria-invalid"] = "true"
        described_by.append(f"{field.id}-error")
    return found | ({"aria-describedby": " ".join(described_by)} if described_by else {})
