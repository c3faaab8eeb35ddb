from flask import Blueprint, Response, flash, url_for
from flask_babel import gettext as _

from blueprints.team import presenter
from blueprints.team.forms import HideForm, InviteForm, RoleForm
from blueprints.web.acts import does
from blueprints.web.authorization import ALL, for_client
from blueprints.web.error_messages import message_for
from blueprints.web.forms import ActionForm
from blueprints.web.responses import redirect_to, render
from domain.common.errors import DomainError, InvitationRefused, NotFound
from domain.payments import four_eyes
from domain.team import invitations, members, salary_visibility
from jobs import enqueue
from models.states import Role

blueprint = Blueprint("team", __name__)


def redirect_to_members(message: str, tone: str = "good") -> Response:
    """Redirect to the list with a message, and send the queued mails."""
    enqueue("send_mails")
    flash(message, tone)
    return redirect_to(url_for("team.list_members"))


@blueprint.get("/<client>/mensen")
@for_client(ALL)
def list_members(membership):
    """List members, pending invitations and who sees salaries."""
    client = membership.client
    owner = membership.role == Role.OWNER
    found = members.members(client)
    pending = invitations.pending_invitations(client) if owner else []
    change = four_eyes.pending_threshold_change(client)
    return render(
        "team/members.html", membership=membership, owner=owner, change=change,
        change_text=presenter.threshold_text(change.threshold_cents) if change else "",
        members=[presenter.member_task(one, membership.id, may_change=owner) for one in found],
        invitations=[(one.id, presenter.invitation_task(one)) for one in pending],
        threshold_text=presenter.threshold_text(client.dual_approval_from_cents),
        see_salaries=[one.name for one in found if one.sees_salaries],
        see_totals=[one.name for one in found if not one.sees_salaries],
        hide=HideForm(hidden=client.hide_lines_from_preparers),
    )


@blueprint.route("/<client>/mensen/uitnodigen", methods=["GET", "POST"])
@does("members", "email", "role", "to_sign")
def invite(membership):
    form = InviteForm()
    if not form.validate_on_submit():
        return render("team/invite.html", 422 if form.errors else 200, form=form)
    asked = form.email.data or "", form.role.data, bool(form.to_sign.data)
    try:
        row = invitations.invite_member(membership.client, membership.user, *asked)
    except InvitationRefused as error:
        (form.role if error.reason == "role" else form.email).errors = [message_for(error)]
        return render("team/invite.html", 422, form=form)
    return redirect_to_members(_(
        "%(email)s heeft een uitnodiging gekregen. De link werkt een week.", email=row.email))


@blueprint.post("/<client>/mensen/uitnodigingen/<int:invitation_id>/opnieuw")
@does("members")
def resend_invitation(membership, invitation_id):
    invitations.resend(membership.client, membership.user, invitation_id)
    return redirect_to_members(_("De uitnodiging is opnieuw verstuurd. De vorige link werkt niet meer."))


@blueprint.post("/<client>/mensen/uitnodigingen/<int:invitation_id>/intrekken")
@does("members")
def revoke_invitation(membership, invitation_id):
    invitations.revoke_invitation(membership.client, membership.user, invitation_id)
    return redirect_to_members(_("De uitnodiging is ingetrokken. De link werkt niet meer."))


@blueprint.route("/<client>/mensen/<int:member_id>", methods=["GET", "POST"])
@does("members", "role")
def detail(membership, member_id):
    """Show a member and change their role."""
    who = members.get_member(membership.client, member_id)
    form = RoleForm(role=who.role)
    shown = {"who": who, "form": form, "is_self": who.id == membership.id}
    if not form.validate_on_submit():
        return render("team/member.html", 422 if form.errors else 200, **shown)
    try:
        changed = members.change_role(membership.client, membership.user, member_id, form.role.data)
    except NotFound:
        raise
    except DomainError as error:
        form.role.errors = [message_for(error)]
        return render("team/member.html", 422, **shown)
    return redirect_to_members(_("De rol is gewijzigd.") if changed else _("Er is niets veranderd."))


@blueprint.route("/<client>/mensen/<int:member_id>/verwijderen", methods=["GET", "POST"])
@does("members")
def remove_member(membership, member_id):
    """Remove a member, after a confirmation page."""
    who, form = members.get_member(membership.client, member_id), ActionForm()
    if not form.validate_on_submit():
        return render("team/remove.html", who=who)
    try:
        members.remove_member(membership.client, membership.user, member_id)
    except NotFound:
        raise
    except DomainError as error:
        return redirect_to_members(message_for(error), "bad")
    if who.id == membership.id:
        flash(_("Je hebt geen toegang meer tot %(name)s.", name=membership.client.name), "good")
        return redirect_to(url_for("account.start"))
    return redirect_to_members(_("%(name)s heeft geen toegang meer.", name=who.user.name))


@blueprint.post("/<client>/mensen/regels")
@does("members", "hidden")
def hide_lines(membership):
    """Set whether preparers can see salaries."""
    hidden = bool(HideForm().hidden.data)
    changed = salary_visibility.hide_lines(membership, hidden)
    if not changed:
        return redirect_to_members(_("Er is niets veranderd."))
    if hidden:
        return redirect_to_members(_("Voorbereiders zien vanaf nu alleen totaal en aantal."))
    return redirect_to_members(_("Voorbereiders zien vanaf nu ook de regels."))
