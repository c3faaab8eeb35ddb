from wtforms import StringField
from wtforms.validators import InputRequired, Length

from blueprints.web.forms import Form
from blueprints.web.lazy_texts import _l
from blueprints.web.saved_forms import RestorableForm


class BankForm(Form):
    """Chooses a bank: each bank is a submit button, whose value is its id."""

    bank = StringField(_l("Bank"), [InputRequired(_l("Kies een bank."))])


class ManualAccountForm(RestorableForm):
    """An account without a bank link."""

    iban = StringField(_l("Rekeningnummer (IBAN)"), [InputRequired(_l("Vul het rekeningnummer in.")), Length(max=50)])
    holder = StringField(
        _l("Op naam van"), [InputRequired(_l("Vul de naam van de rekeninghouder in.")), Length(max=70)]
    )
