from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length, Regexp

from blueprints.account.forms import ADDRESS, digits, trimmed
from blueprints.web.lazy_texts import _l
from blueprints.web.saved_forms import RestorableForm


class PinForm(FlaskForm):
    pin = PasswordField(
        _l("Kies een pincode"),
        [
            InputRequired(_l("Kies een pincode.")),
            Regexp(r"^[0-9]{6}$", message=_l("Een pincode is precies zes cijfers.")),
        ],
    )
    again = PasswordField(
        _l("Herhaal de pincode"),
        [
            InputRequired(_l("Herhaal je pincode.")),
            EqualTo("pin", message=_l("Dit is een andere pincode dan hierboven.")),
        ],
    )


class CodeForm(FlaskForm):
    """The code that the other browser shows."""

    code = StringField(
        _l("Code uit de andere browser"),
        [
            InputRequired(_l("Vul de code in.")),
            Regexp(r"^[0-9]{8}$", message=_l("De code is precies acht cijfers.")),
        ],
        filters=[digits],
    )


class InviteForm(RestorableForm):
    email = StringField(
        _l("E-mailadres van wie met je tekent"),
        [
            InputRequired(_l("Vul een e-mailadres in.")),
            Length(max=254, message=_l("Dit e-mailadres is te lang.")),
            Regexp(ADDRESS, message=_l("Dit is geen e-mailadres. Het lijkt op naam@bedrijf.nl.")),
        ],
        filters=[trimmed],
    )


class GoForm(FlaskForm):
    """Only a submit button."""
