from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, PasswordField, SelectField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, Regexp, ValidationError

from blueprints.account.forms import ADDRESS, trimmed
from blueprints.team.presenter import ROLE_CHOICES
from blueprints.web.formatters import read_amount
from blueprints.web.lazy_texts import _l
from blueprints.web.saved_forms import RestorableForm


class RoleForm(RestorableForm):
    role = SelectField(_l("Rol"), choices=ROLE_CHOICES, default="preparer", validate_choice=True)


class InviteForm(RoleForm):
    email = StringField(
        _l("E-mailadres"),
        [
            InputRequired(_l("Vul een e-mailadres in.")),
            Length(max=254, message=_l("Dit e-mailadres is te lang.")),
            Regexp(ADDRESS, message=_l("Dit is geen e-mailadres. Het lijkt op naam@bedrijf.nl.")),
        ],
        filters=[trimmed],
    )
    to_sign = BooleanField(_l("Vraag deze persoon om zich als tweede ondertekenaar te identificeren"))


class JoinForm(FlaskForm):
    """For an invited person without an account; the e-mail address is that of the invitation."""

    name = StringField(
        _l("Je naam"),
        [DataRequired(_l("Vul je naam in.")), Length(max=100, message=_l("Hoogstens 100 tekens."))],
        filters=[trimmed],
    )
    password = PasswordField(_l("Wachtwoord"), [InputRequired(_l("Kies een wachtwoord."))])


def an_amount(form: FlaskForm, field: Field) -> None:
    """Validate an amount in the notation of the page's language."""
    if read_amount(field.data or "") is None:
        raise ValidationError(_("Vul een bedrag in, bijvoorbeeld 10.000,00."))


class FourEyesForm(RestorableForm):
    """The total from which two people approve, with or without cents."""

    amount = StringField(
        _l("Vanaf welk totaal keuren twee mensen goed?"),
        [
            InputRequired(_l("Vul een bedrag in, bijvoorbeeld 10.000,00.")),
            an_amount,
        ],
        filters=[trimmed],
    )

    @property
    def cents(self) -> int:
        """Return the amount in cents; only after validation."""
        return read_amount(self.amount.data or "") or 0


class HideForm(RestorableForm):
    """Browsers do not send an unchecked box: absent means no."""

    hidden = BooleanField(_l("Verberg namen, rekeningen en bedragen van regels voor wie voorbereidt"))


class GoForm(FlaskForm):
    """Only a submit button."""
