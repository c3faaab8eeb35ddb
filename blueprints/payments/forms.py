from typing import Any

from flask_babel import gettext as _
from wtforms import DateField, Field, HiddenField, PasswordField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, Optional, ValidationError

from blueprints.web.choices import choices
from blueprints.web.field_errors import ResumedForm
from blueprints.web.formatters import read_amount
from blueprints.web.forms import Form, trimmed
from blueprints.web.lazy_texts import _l
from blueprints.web.saved_forms import RestorableForm
from domain.payments.putting_away import PutAway

# Replace the English messages of WTForms.
_NO_DAY: dict[str, Any] = {"invalid_value_message": _l("Kies een dag in de kalender.")}
_CHOOSE = _l("Kies een rekening uit de lijst.")
_NO_ACCOUNT: dict[str, Any] = {"invalid_value_message": _CHOOSE, "invalid_choice_message": _CHOOSE}


class PayForm(ResumedForm):
    """The approval, with the digest of what was shown."""

    shown = HiddenField(validators=[InputRequired()])


class PinForm(PayForm):
    pin = PasswordField(_l("Pincode"), [InputRequired(_l("Voer je pincode in."))])


class PutAwayForm(ResumedForm):
    """Why a payment is not paid."""

    reason = RadioField(
        _l("Waarom betaal je deze niet?"), [InputRequired(_l("Kies een reden."))], validate_choice=True,
        choices=choices({
            PutAway.DOUBLE.value: _l("Dubbele betaling"),
            PutAway.PAID_ELSEWHERE.value: _l("Al op een andere manier betaald"),
            PutAway.WRONG_RUN.value: _l("Fout in de salarisrun"),
            PutAway.OTHER.value: _l("Andere reden"),
        }),
    )  # fmt: skip


class ConfirmForm(ResumedForm):
    """A report about a payment, or a request to the bank, confirmed with the PIN."""

    pin = PasswordField(_l("Pincode"), [InputRequired(_l("Voer je pincode in."))])


class ExcessForm(RestorableForm):
    """An amount beyond what is owed, and why, confirmed with the PIN."""

    amount = StringField(_l("Bedrag"), filters=[trimmed])
    reason = StringField(
        _l("Reden"),
        [DataRequired(_l("Vul een reden in.")), Length(max=200, message=_l("Maximaal 200 tekens."))],
        filters=[trimmed],
    )
    pin = PasswordField(_l("Pincode"), [InputRequired(_l("Voer je pincode in."))])

    def validate_amount(self, field: Field) -> None:
        if not read_amount(field.data or ""):
            raise ValidationError(_("Vul een bedrag in, bijvoorbeeld 10.000,00."))

    @property
    def cents(self) -> int:
        """Return the amount in cents; only after validation."""
        return read_amount(self.amount.data or "") or 0


class DoubtForm(Form):
    """What is wrong in the payroll run, in a few words."""

    words = TextAreaField(
        _l("Wat klopt er niet?"),
        [DataRequired(_l("Schrijf kort wat er niet klopt.")), Length(max=200, message=_l("Maximaal 200 tekens."))],
        filters=[trimmed],
    )


class ChangeForm(Form):
    """Date and account; without a date the earliest possible one."""

    execution_date = DateField(_l("Uitvoeren op"), [Optional()], **_NO_DAY)
    account = SelectField(_l("Bankrekening"), [InputRequired(_CHOOSE)], coerce=int, **_NO_ACCOUNT)


class BankLoginForm(ResumedForm):
    """Credentials for the bank, if it asks for them; they are not stored."""

    bank_user = StringField(_l("Gebruikersnaam bij je bank"), [Length(max=100)])
    bank_password = PasswordField(_l("Wachtwoord bij je bank"), [Length(max=200)])


class MethodForm(ResumedForm):
    """An SCA method; the bank supplies the choices."""

    method = StringField(_l("Hoe wil je ondertekenen?"), [InputRequired(_l("Kies hoe je ondertekent."))])


class CodeForm(ResumedForm):
    code = StringField(
        _l("Code van je bank"),
        [InputRequired(_l("Vul de code in.")), Length(max=64, message=_l("Deze code is te lang."))],
    )
