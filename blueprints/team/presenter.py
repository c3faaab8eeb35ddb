"""Texts about roles and dual approval."""

from flask_babel import gettext as _

from blueprints.web.formatters import euro
from blueprints.web.lazy_texts import _l
from domain.payments.four_eyes import DualApprovalStatus

ROLES = {"owner": _l("eigenaar"), "approver": _l("mag betalen"), "preparer": _l("bereidt voor")}
ROLE_CHOICES = [
    ("owner", _l("Eigenaar: mag betalen en alles instellen")),
    ("approver", _l("Mag betalen: bekijkt, wijzigt en keurt goed")),
    ("preparer", _l("Bereidt voor: bekijkt en wijzigt, betaalt nooit")),
]


def from_amount(cents: int | None) -> str:
    """Return when two people approve."""
    if cents is None:
        return _("Eén persoon keurt een betaling goed.")
    if cents == 0:
        return _("Elke betaling wordt door twee mensen goedgekeurd.")
    return _("Vanaf %(sum)s keuren twee mensen een betaling goed.", sum=euro(cents))


def told(eyes: DualApprovalStatus) -> tuple[str, str]:
    """Return title and text about the status of a dual approval, for this viewer."""
    by, asked = ", ".join(eyes.approved_by), _or(eyes.eligible)
    if not eyes.open:
        return _("Goedgekeurd door %(by)s", by=_(" en ").join(eyes.approved_by)), ""
    if eyes.stuck:
        text = _("Laat iemand die niet goedkeurt de wijziging doen, of nodig nog iemand uit die mag betalen.")
        return _("Er zijn te weinig mensen die deze betaling mogen goedkeuren"), text
    if eyes.approved_by_me:
        return _("Jij hebt goedgekeurd"), _("Er is nog een goedkeuring nodig, van %(asked)s.", asked=asked)
    if eyes.changed_by_me:
        text = _("Wie als laatste iets wijzigt, keurt niet zelf goed. Gevraagd: %(asked)s.", asked=asked)
        return _("Twee anderen keuren deze betaling goed"), text
    if eyes.approved_by and eyes.asks_me:
        return _("Goedgekeurd door %(by)s", by=by), _("Er is nog één goedkeuring nodig. Jij kunt die geven.")
    if eyes.approved_by:
        return _("Goedgekeurd door %(by)s", by=by), _("Er is nog een goedkeuring nodig, van %(asked)s.", asked=asked)
    return _("Twee mensen keuren deze betaling goed"), _("Gevraagd: %(asked)s.", asked=asked)


def _or(names: tuple[str, ...]) -> str:
    return _(" of ").join(filter(None, (", ".join(names[:-1]), *names[-1:])))
