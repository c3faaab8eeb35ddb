from wtforms import StringField
from wtforms.validators import InputRequired, Regexp

from blueprints.web.forms import CompanyNameField, EmailField, Form, PasswordField, PersonNameField, digits
from blueprints.web.lazy_texts import _l


class SignInForm(Form):
    email = EmailField()
    password = PasswordField()


class RegisterForm(Form):
    name = PersonNameField()
    email = EmailField()
    password = PasswordField(missing=_l("Kies een wachtwoord."))
    company_name = CompanyNameField()
    kvk_number = StringField(
        _l("KvK-nummer"),
        [
            InputRequired(_l("Vul het KvK-nummer in.")),
            Regexp(r"^[0-9]{8}$", message=_l("Een KvK-nummer heeft acht cijfers.")),
        ],
        filters=[digits],
    )

    def filled(self) -> dict[str, str]:
        """Return the values by the parameter names of registration."""
        fields = (self.name, self.email, self.password, self.company_name, self.kvk_number)
        return {field.name: field.data or "" for field in fields}


class EmailForm(Form):
    """The form for the address that gets the mail."""

    email = EmailField()


class PasswordForm(Form):
    """Ask for the password of the signed-in user."""

    password = PasswordField()


class NewPasswordForm(Form):
    password = PasswordField(_l("Nieuw wachtwoord"), _l("Kies een wachtwoord."))


class ChangePasswordForm(NewPasswordForm):
    old = PasswordField(_l("Huidig wachtwoord"), _l("Vul je huidige wachtwoord in."))
