from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, SelectField, StringField
from wtforms.validators import InputRequired, ValidationError

from blueprints.team.presenter import ROLE_CHOICES
from blueprints.web.formatters import read_amount
from blueprints.web.forms import EmailField, Form, PasswordField, PersonNameField, trimmed
from blueprints.web.lazy_texts import _l
from blueprints.web.saved_forms import RestorableForm
from models.states import Role


class RoleForm(RestorableForm):
    role = SelectField(_l("Rol"), choices=ROLE_CHOICES, default=Role.PREPARER, validate_choice=True)


class InviteForm(RoleForm):
    email = EmailField(missing=_l("Vul een e-mailadres in."))
    to_sign = BooleanField(_l("Vraag deze persoon om zich als mede-ondertekenaar te identificeren"))


class JoinForm(Form):
    """For an invited person without an account; the e-mail address is that of the invitation."""

    name = PersonNameField()
    password = PasswordField(missing=_l("Kies een wachtwoord."))


def require_amount(form: FlaskForm, field: Field) -> None:
    """Require an amount in the notation of the page's language.

    Raises:
    - ValidationError
    """
    if read_amount(field.data or "") is None:
        raise ValidationError(_("Vul een bedrag in, bijvoorbeeld 10.000,00."))


class FourEyesForm(RestorableForm):
    """The total from which two people approve, with or without cents."""

    amount = StringField(
        _l("Vanaf welk totaal is dubbele goedkeuring nodig?"),
        [InputRequired(_l("Vul een bedrag in, bijvoorbeeld 10.000,00.")), require_amount],
        filters=[trimmed],
    )

    @property
    def cents(self) -> int:
        """Return the amount in cents; only after validation."""
        return read_amount(self.amount.data or "") or 0


class HideForm(RestorableForm):
    """Whether salaries are hidden from preparers. Browsers do not send an unchecked box: absent means no."""

    hidden = BooleanField(_l("Verberg namen, rekeningen en bedragen van regels voor voorbereiders"))
