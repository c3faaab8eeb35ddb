from flask import Blueprint, flash
from flask_babel import gettext as _

from blueprints.team import presenter
from blueprints.team.forms import HideForm, InviteForm, RoleForm
from blueprints.web.authorization import ALL, OWNER, for_client, recently_authenticated, recently_authenticated_keeping
from blueprints.web.error_messages import message_for
from blueprints.web.forms import ActionForm
from blueprints.web.responses import redirect_to, render
from domain.common.errors import DomainError, InvitationRefused, NotFound
from domain.payments import four_eyes
from domain.team import invitations, members, salary_visibility
from jobs import enqueue

blueprint = Blueprint("team", __name__)


def place(membership, tail=""):
    return f"/{membership.client.public_id}/mensen{tail}"


def back(membership, said, tone="good"):
    """Redirect to the list with a message, and send the queued mails."""
    enqueue("send_mails")
    flash(said, tone)
    return redirect_to(place(membership))


@blueprint.get("/<client>/mensen")
@for_client(ALL)
def list_members(membership):
    """List members, pending invitations and who sees salaries."""
    client = membership.client
    owner = membership.role == "owner"
    return render(
        "team/members.html", membership=membership, members=members.members(client), words=presenter, owner=owner,
        invitations=invitations.pending_invitations(client) if owner else [],
        asked=four_eyes.pending_threshold_change(client),
        hide=HideForm(hidden=client.lines_hidden), here=place(membership),
    )  # fmt: skip


@blueprint.route("/<client>/mensen/uitnodigen", methods=["GET", "POST"])
@for_client(OWNER)
@recently_authenticated_keeping("email", "role", "to_sign")
def invite(membership):
    form = InviteForm()
    shown = {"form": form, "here": place(membership)}
    if not form.validate_on_submit():
        return render("team/invite.html", 422 if form.errors else 200, **shown)
    asked = form.email.data or "", form.role.data, bool(form.to_sign.data)
    try:
        row = invitations.invite_member(membership.client, membership.user, *asked)
    except InvitationRefused as error:
        (form.role if error.reason == "role" else form.email).errors = [message_for(error)]
        return render("team/invite.html", 422, **shown)
    return back(membership, _("%(email)s heeft een uitnodiging gekregen. Die werkt een week.", email=row.email))


@blueprint.post("/<client>/mensen/uitnodigingen/<int:invitation_id>/opnieuw")
@for_client(OWNER)
@recently_authenticated
def resend_invitation(membership, invitation_id):
    invitations.resend(membership.client, membership.user, invitation_id)
    return back(membership, _("De uitnodiging is opnieuw verstuurd. De vorige link werkt niet meer."))


@blueprint.post("/<client>/mensen/uitnodigingen/<int:invitation_id>/intrekken")
@for_client(OWNER)
@recently_authenticated
def revoke_invitation(membership, invitation_id):
    invitations.revoke_invitation(membership.client, membership.user, invitation_id)
    return back(membership, _("De uitnodiging is ingetrokken. De link werkt niet meer."))


@blueprint.route("/<client>/mensen/<int:member_id>", methods=["GET", "POST"])
@for_client(OWNER)
@recently_authenticated_keeping("role")
def detail(membership, member_id):
    """Change the role of a member; the page also links to removal."""
    who = members.get_member(membership.client, member_id)
    form = RoleForm(role=who.role)
    shown = {"who": who, "form": form, "here": place(membership), "words": presenter, "myself": who.id == membership.id}
    if not form.validate_on_submit():
        return render("team/member.html", 422 if form.errors else 200, **shown)
    try:
        changed = members.change_role(membership.client, membership.user, member_id, form.role.data)
    except NotFound:
        raise
    except DomainError as error:
        form.role.errors = [message_for(error)]
        return render("team/member.html", 422, **shown)
    return back(membership, _("De rol is veranderd.") if changed else _("Er is niets veranderd."))


@blueprint.route("/<client>/mensen/<int:member_id>/verwijderen", methods=["GET", "POST"])
@for_client(OWNER)
@recently_authenticated
def remove_member(membership, member_id):
    """Remove a member, after a confirmation page."""
    who, form = members.get_member(membership.client, member_id), ActionForm()
    if not form.validate_on_submit():
        return render("team/remove.html", who=who, here=place(membership), words=presenter)
    try:
        members.remove_member(membership.client, membership.user, member_id)
    except NotFound:
        raise
    except DomainError as error:
        return back(membership, message_for(error), "bad")
    if who.id == membership.id:
        flash(_("Je doet niet meer mee in %(name)s.", name=membership.client.name), "good")
        return redirect_to("/")
    return back(membership, _("%(name)s heeft geen toegang meer.", name=who.user.name))


@blueprint.post("/<client>/mensen/regels")
@for_client(OWNER)
@recently_authenticated_keeping("hidden")
def hide_lines(membership):
    """Set whether preparers can see salaries."""
    hidden = bool(HideForm().hidden.data)
    changed = salary_visibility.hide_lines(membership, hidden)
    if not changed:
        return back(membership, _("Er is niets veranderd."))
    if hidden:
        return back(membership, _("Wie voorbereidt, ziet vanaf nu alleen totaal en aantal."))
    return back(membership, _("Wie voorbereidt, ziet vanaf nu ook de regels."))
