"""Form fields and forms shared by several blueprints, and the HTML attributes of a field."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import wtforms
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import Field, StringField
from wtforms.validators import DataRequired, InputRequired, Length, Regexp, StopValidation

from blueprints.web.lazy_texts import _l
from core.hidden_characters import drop_hidden, has_hidden

EMAIL_PATTERN = r"^[^@\s]{1,64}@[^@\s]+\.[^@\s.]{2,}$"


def trimmed(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def digits(value: Any) -> Any:
    """Remove spaces, points and hyphens from a number as people type it: "6875 0110", "68.75.01.10"."""
    return re.sub(r"[\s.\-]", "", value) if isinstance(value, str) else value


def composed(value: Any) -> Any:
    """Return a typed text in composed form (NFC) without spaces around it; every kind of space becomes a plain one."""
    if not isinstance(value, str):
        return value
    spaces = "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in value)
    return unicodedata.normalize("NFC", spaces).strip()


def refuse_hidden(_form: Any, field: Field) -> None:
    """Refuse characters that nobody sees. The field is shown again without them, to be looked at and sent.

    Raises:
    - StopValidation
    """
    if isinstance(field.data, str) and has_hidden(field.data):
        field.data = drop_hidden(field.data).strip()
        raise StopValidation(_("We hebben onzichtbare tekens verwijderd. Controleer de tekst en verstuur opnieuw."))


class Form(FlaskForm):
    """The base of every form: what is typed in a text field has no hidden characters, in one form of writing.

    A password or pin is taken exactly as it is typed (OWASP ASVS 5.0, 6.2.8).
    """

    class Meta(FlaskForm.Meta):
        def bind_field(self, form: Any, unbound_field: Any, options: Any) -> Field:
            field = super().bind_field(form, unbound_field, options)
            if isinstance(field, StringField) and not isinstance(field, wtforms.PasswordField):
                field.filters = (composed, *field.filters)
                field.validators = (refuse_hidden, *field.validators)
            return field

        def render_field(self, field: Field, render_kw: Any) -> Any:
            if isinstance(field.data, str):  # what was filled in for somebody is theirs to send
                field.data = drop_hidden(field.data)
            return super().render_field(field, render_kw)


class EmailField(wtforms.EmailField):
    """A required email address; `missing` is the error if it is empty."""

    def __init__(
        self, label: str = _l("E-mailadres"), missing: str = _l("Vul je e-mailadres in."), **options: Any
    ) -> None:
        validators = [
            InputRequired(missing),
            Length(max=254, message=_l("Dit e-mailadres is te lang.")),
            Regexp(EMAIL_PATTERN, message=_l("Vul een geldig e-mailadres in, bijvoorbeeld naam@bedrijf.nl.")),
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
            Length(max=100, message=_l("Maximaal 100 tekens.")),
        ]
        super().__init__(label, validators, filters=[trimmed], **options)


class CompanyNameField(StringField):
    """The name under which a company stands in Bizcuit."""

    def __init__(self, label: str = _l("Naam van je bedrijf"), **options: Any) -> None:
        validators = [
            DataRequired(_l("Vul de naam van je bedrijf in.")),
            Length(max=140, message=_l("Maximaal 140 tekens.")),
        ]
        super().__init__(label, validators, filters=[trimmed], **options)


class ActionForm(Form):
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
