from wtforms import StringField
from wtforms.validators import EqualTo, InputRequired, Regexp

from blueprints.web.field_errors import ResumedForm
from blueprints.web.forms import EmailField, Form, PasswordField, digits
from blueprints.web.lazy_texts import _l
from blueprints.web.saved_forms import RestorableForm


class PinForm(Form):
    pin = PasswordField(
        _l("Kies een pincode"),
        _l("Kies een pincode."),
        [Regexp(r"^[0-9]{6}$", message=_l("Een pincode heeft zes cijfers."))],
    )
    again = PasswordField(
        _l("Herhaal de pincode"),
        _l("Herhaal je pincode."),
        [EqualTo("pin", message=_l("De pincodes zijn niet gelijk."))],
    )


class CodeForm(Form):
    """The code shown in the other browser."""

    code = StringField(
        _l("Code uit de andere browser"),
        [
            InputRequired(_l("Vul de code in.")),
            Regexp(r"^[0-9]{8}$", message=_l("Vul precies acht cijfers in.")),
        ],
        filters=[digits],
    )


class WithdrawalForm(ResumedForm):
    """The password, to withdraw an identification with somebody else's card."""

    password = PasswordField(_l("Je wachtwoord"))


class CoSignerForm(RestorableForm):
    email = EmailField(_l("E-mailadres van de mede-ondertekenaar"), _l("Vul een e-mailadres in."))
