import re
from typing import Any

from flask_wtf import FlaskForm
from wtforms import Field, PasswordField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, Regexp

from blueprints.web.lazy_texts import _l

ADDRESS = r"^[^@\s]{1,64}@[^@\s]+\.[^@\s.]{2,}$"


def trimmed(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def digits(value: Any) -> Any:
    """Remove separators from a number as people type it, such as "6875 0110" or "68.75.01.10"."""
    return re.sub(r"[\s.\-]", "", value) if isinstance(value, str) else value


def _email() -> Field:
    return StringField(
        _l("E-mailadres"),
        [
            InputRequired(_l("Vul je e-mailadres in.")),
            Length(max=254, message=_l("Dit e-mailadres is te lang.")),
            Regexp(ADDRESS, message=_l("Dit is geen e-mailadres. Het lijkt op naam@bedrijf.nl.")),
        ],
        filters=[trimmed],
    )


class SignInForm(FlaskForm):
    email = _email()
    password = PasswordField(_l("Wachtwoord"), [InputRequired(_l("Vul je wachtwoord in."))])


class RegisterForm(FlaskForm):
    name = StringField(
        _l("Je naam"),
        [DataRequired(_l("Vul je naam in.")), Length(max=100, message=_l("Hoogstens 100 tekens."))],
        filters=[trimmed],
    )
    email = _email()
    password = PasswordField(_l("Wachtwoord"), [InputRequired(_l("Kies een wachtwoord."))])
    company_name = StringField(
        _l("Naam van je bedrijf"),
        [DataRequired(_l("Vul de naam van je bedrijf in.")), Length(max=140, message=_l("Hoogstens 140 tekens."))],
        filters=[trimmed],
    )
    kvk_number = StringField(
        _l("KvK-nummer"),
        [
            InputRequired(_l("Vul het KvK-nummer in.")),
            Regexp(r"^[0-9]{8}$", message=_l("Een KvK-nummer is precies acht cijfers.")),
        ],
        filters=[digits],
    )

    def filled(self) -> dict[str, str]:
        """Return the values by the parameter names of registration."""
        fields = (self.name, self.email, self.password, self.company_name, self.kvk_number)
        return {field.name: field.data or "" for field in fields}


class ResendForm(FlaskForm):
    email = _email()


class PasswordForm(FlaskForm):
    """Ask for the password of the signed-in user."""

    password = PasswordField(_l("Wachtwoord"), [InputRequired(_l("Vul je wachtwoord in."))])


class NewPasswordForm(FlaskForm):
    password = PasswordField(_l("Nieuw wachtwoord"), [InputRequired(_l("Kies een wachtwoord."))])


class ChangePasswordForm(NewPasswordForm):
    old = PasswordField(_l("Huidig wachtwoord"), [InputRequired(_l("Vul je huidige wachtwoord in."))])


class ConfirmForm(FlaskForm):
    """Only the CSRF token."""
