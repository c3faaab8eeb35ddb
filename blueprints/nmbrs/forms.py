from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, Length

from blueprints.account.forms import trimmed
from blueprints.texts import _l


class ConnectForm(FlaskForm):
    email = StringField(
        _l("E-mailadres"),
        [DataRequired(_l("Vul het e-mailadres van je Nmbrs-account in.")), Length(max=254)],
        filters=[trimmed],
    )
    token = PasswordField(
        _l("Token"), [DataRequired(_l("Plak hier het token uit Nmbrs.")), Length(max=500)], filters=[trimmed]
    )


class MappingForm(FlaskForm):
    """One choice per company, under the name company-<id>; the routes read them."""
