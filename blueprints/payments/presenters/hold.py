"""What a payment's page says while payments are held."""

from flask_babel import gettext as _

from blueprints.payments.presenters.status import is_outcome_unknown
from blueprints.web.parts import Note
from domain.payments.payment_views import Payment
from models import PaymentHold
from models.states import BatchState, HoldCause

# States in which something would still go to the bank.
MAY_WAIT = (BatchState.OPEN, BatchState.APPROVED, BatchState.SENDING, BatchState.NAME_CHECK, BatchState.AT_BANK)


def present_hold(hold: PaymentHold, payment: Payment) -> Note:
    """Return why payments stand still, and what becomes of this one."""
    return Note("warn", _("Betalingen zijn gepauzeerd"), f"{_why(hold)} {_meanwhile(payment)}".rstrip())


def _why(hold: PaymentHold) -> str:
    if hold.cause == HoldCause.RESTORE:
        return _(
            "We hebben een reservekopie teruggezet. We controleren eerst bij je bank en Nmbrs wat er sindsdien is "
            "gebeurd. Zo wordt niets dubbel betaald."
        )
    reason = hold.reason.strip()
    return reason if reason.endswith((".", "!", "?")) else f"{reason}."


def _meanwhile(payment: Payment) -> str:
    if payment.state == BatchState.OPEN:
        return _("Je kunt deze betaling al goedkeuren. De betaling wordt verstuurd zodra de pauze voorbij is.")
    if is_outcome_unknown(payment):
        return ""
    if payment.state in (BatchState.APPROVED, BatchState.SENDING):
        return _("Je betaling wordt verstuurd zodra de pauze voorbij is. Je hoeft niets te doen.")
    return _("Ondertekenen kan zodra de pauze voorbij is.")
