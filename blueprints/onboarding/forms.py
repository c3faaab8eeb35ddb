from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import EqualTo, InputRequired, Regexp

from blueprints.texts import _l


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


class GoForm(FlaskForm):
    """A button and nothing else."""
