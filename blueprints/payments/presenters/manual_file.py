"""The payment file of an account without a bank link, for the payment's page."""

from dataclasses import dataclass

from flask_babel import gettext as _

from blueprints.payments.presenters.status import file_note
from blueprints.web.formatters import moment
from blueprints.web.parts import Note
from domain.orders.manual_submission import ManualSubmission
from domain.payments.payment_views import Payment


@dataclass(frozen=True)
class ManualFile:
    """`note` is what to do with the file, `earlier` who downloaded it before the last time.

    `may_report`: this person may report the outcome.
    """

    msg_id: str
    note: Note | None
    earlier: list[str]
    may_report: bool


def present_file(manual: ManualSubmission, payment: Payment, can_pay: bool) -> ManualFile:
    """Return the file for a page of this payment."""
    earlier = [_("Eerder: %(moment)s door %(name)s", moment=moment(one.at), name=one.by) for one in manual.taken[1:]]
    return ManualFile(manual.msg_id, _note(manual, payment, can_pay), earlier, can_pay and manual.may_say)


def _note(manual: ManualSubmission, payment: Payment, can_pay: bool) -> Note | None:
    if manual.taken:
        last = manual.taken[0]
        title = _("Gedownload op %(moment)s door %(name)s", moment=moment(last.at), name=last.by)
        return Note("warn", title, file_note(payment))
    if not manual.may_take:
        return None
    text = _("Iemand die mag betalen uploadt het betaalbestand bij de bank. Er is nog niets betaald.")
    if can_pay:
        text = _(
            "Download het betaalbestand, upload het bij internetbankieren en onderteken het daar. Er is nog niets "
            "betaald."
        )
    return Note("info", _("Upload het bestand bij je bank"), text)
