"""The text for each action at the bottom of a payment's page: the label of its button, or why there is none."""

from flask_babel import gettext as _

from blueprints.payments.actions import Action
from blueprints.payments.presenters.signing import sign_label
from blueprints.web.formatters import euro
from blueprints.web.lazy_texts import _l
from domain.orders.sca_state import ScaStep
from domain.payments.payment_views import Payment

# If there is no button.
NOTES = {
    Action.PREPARE_ONLY: _l("Je mag betalingen voorbereiden. Iemand die mag betalen keurt ze goed."),
    Action.AWAIT_SECOND_APPROVAL: _l("Wacht op een tweede goedkeuring"),
    Action.LEAVE_TO_OTHERS: _l(
        "Je hebt deze betaling als laatste gewijzigd. Iemand anders moet de betaling goedkeuren."
    ),
    Action.LEAVE_ANSWERED: _l(
        "Je hebt een rekeningnummer gecontroleerd. Iemand anders moet de betaling goedkeuren."
    ),
    Action.AWAIT_RUN: _l("Deze run staat niet meer in Nmbrs. Betalen is nu niet mogelijk."),
}
LABELS = {
    Action.READ_WARNINGS: _l("Bekijk eerst de waarschuwingen"),
    Action.ANSWER_PAYEES: _l("Controleer eerst de rekeningnummers"),
    Action.SETTLE_DOUBTS: _l("Wacht op antwoord"),
    Action.DISCARD: _l("Niet betalen"),
    Action.DOWNLOAD_FILE: _l("Download het bestand"),
    Action.DOWNLOAD_FILE_AGAIN: _l("Nog een keer downloaden"),
    Action.REOPEN: _l("Opnieuw klaarzetten"),
}


def action_note(action: Action) -> str:
    """Return why there is no button; "" if there is one or nothing to say."""
    return str(NOTES.get(action, ""))


def action_label(action: Action, payment: Payment, step: ScaStep | None) -> str:
    """Return the label of the button or link; "" if there is none."""
    if action in (Action.APPROVE, Action.APPROVE_WITH_PIN):
        return _("Betaal %(sum)s", sum=euro(payment.total_cents))
    if action is Action.SIGN and step is not None:
        return sign_label(payment, step)
    return str(LABELS.get(action, ""))
