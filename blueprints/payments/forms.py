from typing import Any

from wtforms import DateField, HiddenField, PasswordField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from blueprints.web.forms import Form
from blueprints.web.lazy_texts import _l

# Replace the English messages of WTForms.
_NO_DAY: dict[str, Any] = {"invalid_value_message": _l("Kies een dag in de kalender.")}
_CHOOSE = _l("Kies een rekening uit de lijst.")
_NO_ACCOUNT: dict[str, Any] = {"invalid_value_message": _CHOOSE, "invalid_choice_message": _CHOOSE}


class PayForm(Form):
    """The approval, with the digest of what was shown."""

    shown = HiddenField(validators=[InputRequired()])


class PinForm(PayForm):
    pin = PasswordField(_l("Pincode"), [InputRequired(_l("Voer je pincode in."))])


class ConfirmForm(Form):
    """A report about a payment, or a request to the bank, confirmed with the PIN."""

    pin = PasswordField(_l("Pincode"), [InputRequired(_l("Voer je pincode in."))])


class ChangeForm(Form):
    """Date and account; without a date the earliest possible one."""

    execution_date = DateField(_l("Uitvoeren op"), [Optional()], **_NO_DAY)
    account = SelectField(_l("Bankrekening"), [InputRequired(_CHOOSE)], coerce=int, **_NO_ACCOUNT)


class BankLoginForm(Form):
    """Credentials for the bank, if it asks for them; they are not stored."""

    bank_user = StringField(_l("Gebruikersnaam bij je bank"), [Length(max=100)])
    bank_password = PasswordField(_l("Wachtwoord bij je bank"), [Length(max=200)])


class MethodForm(Form):
    """An SCA method; the bank supplies the choices."""

    method = StringField(_l("Hoe onderteken je?"), [InputRequired(_l("Kies hoe je ondertekent."))])


class CodeForm(Form):
    code = StringField(
        _l("Code van je bank"),
        [InputRequired(_l("Vul de code in.")), Length(max=64, message=_l("Deze code is te lang."))],
    )
