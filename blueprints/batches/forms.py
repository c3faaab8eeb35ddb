from typing import Any

from flask_wtf import FlaskForm
from wtforms import DateField, HiddenField, PasswordField, SelectField
from wtforms.validators import InputRequired, Optional

from blueprints.texts import _l

# WTForms' own words for these are English.
_NO_DAY: dict[str, Any] = {"invalid_value_message": _l("Kies een dag in de kalender.")}
_CHOOSE = _l("Kies een rekening uit de lijst.")
_NO_ACCOUNT: dict[str, Any] = {"invalid_value_message": _CHOOSE, "invalid_choice_message": _CHOOSE}


class PayForm(FlaskForm):
    """Betaal: carries the digest of what was shown."""

    shown = HiddenField(validators=[InputRequired()])


class PinForm(PayForm):
    pin = PasswordField(_l("Pincode"), [InputRequired(_l("Voer je pincode in."))])


class ChangeForm(FlaskForm):
    """Day and account; without a day the first that is possible."""

    execution_date = DateField(_l("Uitvoeren op"), [Optional()], **_NO_DAY)
    account = SelectField(_l("Bankrekening"), [InputRequired(_CHOOSE)], coerce=int, **_NO_ACCOUNT)
