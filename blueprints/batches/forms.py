from flask_wtf import FlaskForm
from wtforms import DateField, HiddenField, PasswordField, SelectField
from wtforms.validators import InputRequired, Optional

from blueprints.texts import _l


class PayForm(FlaskForm):
    """Betaal: carries the digest of what was shown."""

    shown = HiddenField(validators=[InputRequired()])


class PinForm(PayForm):
    pin = PasswordField(_l("Pincode"), [InputRequired(_l("Voer je pincode in."))])


class ChangeForm(FlaskForm):
    """Day and account; without a day the first that is possible."""

    execution_date = DateField(_l("Uitvoeren op"), [Optional()])
    account = SelectField(_l("Bankrekening"), [InputRequired(_l("Kies een bankrekening."))], coerce=int)
