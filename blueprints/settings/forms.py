from wtforms import BooleanField, PasswordField, SelectField, StringField
from wtforms.validators import DataRequired, InputRequired, Length

from blueprints.web.choices import choices
from blueprints.web.field_errors import ResumedForm
from blueprints.web.forms import CompanyNameField, EmailField, Form, PersonNameField
from blueprints.web.forms import PasswordField as OwnPasswordField
from blueprints.web.i18n import LANGUAGES
from blueprints.web.lazy_texts import _l
from blueprints.web.saved_forms import RestorableForm

# By how much the total may differ.
SPAN_LABELS = {
    0: _l("Nee, ik open elke betaling"),
    1: _l("Ja, tot 1% verschil in het totaal"),
    2: _l("Ja, tot 2% verschil in het totaal"),
    5: _l("Ja, tot 5% verschil in het totaal"),
    10: _l("Ja, tot 10% verschil in het totaal"),
}


class PaymentPreferencesForm(RestorableForm):
    """The payment preferences. Browsers do not send an unchecked box, so absent means no."""

    batch_booking = BooleanField(_l("Boek een betaling als één bedrag, zonder namen op het afschrift"))
    name_check = BooleanField(_l("Laat de bank de namen controleren voor de betaling"))
    payees_asked_by_other = BooleanField(
        _l("Wie een nieuw rekeningnummer controleert, mag die betaling niet goedkeuren")
    )
    usual_span_percent = SelectField(
        _l("Goedkeuren vanuit Overzicht, als alles is als de vorige keer"), coerce=int, choices=choices(SPAN_LABELS)
    )


class LanguageForm(Form):
    language = SelectField(choices=choices({code: code for code in LANGUAGES}))


class EmployeeForm(RestorableForm):
    """An employee whose data an owner copies, by name or account number."""

    employee = StringField(
        _l("Naam of rekeningnummer van de medewerker"),
        [DataRequired(_l("Vul een naam of rekeningnummer in.")), Length(max=140, message=_l("Maximaal 140 tekens."))],
    )


class NameForm(RestorableForm):
    """The own name, as colleagues see it."""

    name = PersonNameField()


class EmailChangeForm(RestorableForm):
    """The new address, with the password of the account."""

    email = EmailField(_l("Nieuw e-mailadres"))
    password = OwnPasswordField()


class CompanyNameForm(RestorableForm):
    """The name of the company, as it stands on pages and in mails."""

    name = CompanyNameField()


class PinConfirmForm(ResumedForm):
    """Something that ends an account, confirmed with the PIN."""

    pin = PasswordField(_l("Pincode"), [InputRequired(_l("Voer je pincode in."))])
