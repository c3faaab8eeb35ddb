from wtforms import BooleanField, EmailField, PasswordField, SelectField, StringField
from wtforms.validators import AnyOf, DataRequired, Length

from blueprints.web.forms import Form, trimmed
from blueprints.web.lazy_texts import _l
from blueprints.web.saved_forms import RestorableForm

# How many hours the old webhook URL remains valid.
KEPT = [("0", _l("Meteen ongeldig")), ("1", _l("1 uur")), ("24", _l("1 dag")), ("168", _l("7 dagen")),
        ("720", _l("30 dagen"))]  # fmt: skip


class ConnectForm(RestorableForm):
    email = EmailField(
        _l("E-mailadres"),
        [DataRequired(_l("Vul het e-mailadres van je Nmbrs-account in.")), Length(max=254)],
        filters=[trimmed],
    )
    token = PasswordField(
        _l("Token"), [DataRequired(_l("Plak hier het token uit Nmbrs.")), Length(max=500)], filters=[trimmed]
    )


class TokenForm(Form):
    token = PasswordField(
        _l("Nieuw token"), [DataRequired(_l("Plak hier het token uit Nmbrs.")), Length(max=500)], filters=[trimmed]
    )


class MappingForm(Form):
    """One choice per company in a field company-<id>; `company_mapping.parse_choices` reads them."""


class ConfirmForm(Form):
    """Repeats the choices for companies with another KvK number, and asks to confirm them."""

    confirmed = BooleanField(_l("Ja, deze administratie wil ik vanaf deze rekening betalen"))


class PaydayForm(Form):
    payday = SelectField(_l("Betaaldag"))


class AddressForm(RestorableForm):
    keep = StringField(
        _l("Hoelang blijft het oude adres werken?"), [AnyOf([hours for hours, _words in KEPT], _l("Kies hoelang."))]
    )
