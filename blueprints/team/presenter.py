"""Texts about members, their roles and dual approval."""

from typing import Any

from flask import url_for
from flask_babel import gettext as _

from blueprints.web.choices import choices
from blueprints.web.error_messages import wish_changed
from blueprints.web.formatters import day, euro
from blueprints.web.lazy_texts import _l
from blueprints.web.parts import Task
from core.hidden_characters import isolate
from domain.payments.four_eyes import DualApprovalStatus
from domain.team.members import MemberView
from models import Invitation
from models.states import Role

ROLES: dict[str, Any] = {
    Role.OWNER: _l("eigenaar"),
    Role.APPROVER: _l("goedkeurder"),
    Role.PREPARER: _l("voorbereider"),
}
ROLE_CHOICES = choices({
    Role.OWNER: _l("Eigenaar: mag betalen en alles instellen"),
    Role.APPROVER: _l("Goedkeurder: bekijkt, wijzigt en keurt goed"),
    Role.PREPARER: _l("Voorbereider: bekijkt en wijzigt, betaalt nooit"),
})  # fmt: skip


def named(name: str, is_self: bool) -> str:
    """Return the member's name, marked "(jij)" if it is the user's own."""
    return f"{name} ({_('jij')})" if is_self else name


def member_task(member: MemberView, viewer_id: int, may_change: bool) -> Task:
    """Return the row of a member; `viewer_id`: the membership id of the viewer."""
    seen = _("laatst gezien %(when)s", when=day(member.seen_at))
    known = _("geïdentificeerd") if member.identified else _("niet geïdentificeerd")
    return Task(
        url=url_for("team.detail", member_id=member.id) if may_change else "",
        icon="person",
        title=named(member.name, member.id == viewer_id),
        text=f"{ROLES[member.role]} · {known} · {seen}",
        tone="good" if member.identified else "",
    )


def invitation_task(invitation: Invitation) -> Task:
    """Return the row of a pending invitation."""
    until = _("werkt tot %(when)s", when=day(invitation.expires_at))
    return Task("", "mail", invitation.email, f"{ROLES[invitation.role]} · {until}")


def threshold_text(cents: int | None) -> str:
    """Return from which amount two people approve."""
    if cents is None:
        return _("Eén persoon keurt een betaling goed.")
    if cents == 0:
        return _("Elke betaling wordt door twee mensen goedgekeurd.")
    return _("Vanaf %(sum)s moeten twee mensen een betaling goedkeuren.", sum=euro(cents))


def dual_approval_note(eyes: DualApprovalStatus) -> tuple[str, str]:
    """Return title and text about the status of a dual approval, for this viewer."""
    by, asked = ", ".join(map(isolate, eyes.approved_by)), _or(eyes.eligible)
    if not eyes.open:
        return _("Goedgekeurd door %(by)s", by=_(" en ").join(map(isolate, eyes.approved_by))), ""
    if eyes.stuck:
        text = _("Laat iemand anders de wijziging doen of nodig nog iemand uit die mag betalen.")
        return _("Te weinig mensen mogen deze betaling goedkeuren"), text
    if eyes.approved_by_me:
        return _("Je hebt goedgekeurd"), _("Er is nog een goedkeuring nodig, van %(asked)s.", asked=asked)
    if eyes.changed_by_me:
        text = _("Wie als laatste iets wijzigt, mag niet zelf goedkeuren. Goedkeuren kan door %(asked)s.", asked=asked)
        return _("Twee anderen moeten deze betaling goedkeuren"), text
    if eyes.voided:
        return wish_changed(eyes.voided), _(
            "De eerdere goedkeuring is niet meer geldig. Goedkeuren kan door %(asked)s.", asked=asked)
    if eyes.approved_by and eyes.asks_me:
        return _("Goedgekeurd door %(by)s", by=by), _("Er is nog één goedkeuring nodig. Jij kunt goedkeuren.")
    if eyes.approved_by:
        return _("Goedgekeurd door %(by)s", by=by), _("Er is nog een goedkeuring nodig, van %(asked)s.", asked=asked)
    return _("Twee mensen moeten deze betaling goedkeuren"), _("Goedkeuren kan door %(asked)s.", asked=asked)


def _or(names: tuple[str, ...]) -> str:
    shown = [isolate(name) for name in names]
    return _(" of ").join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))
