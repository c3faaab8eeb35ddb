from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import InputRequired

from blueprints.texts import _l


class BankForm(FlaskForm):
    """The pressed button carries the bank."""

    bank = StringField(_l("Bank"), [InputRequired(_l("Kies een bank."))])


class GoForm(FlaskForm):
    """A button and nothing else."""
