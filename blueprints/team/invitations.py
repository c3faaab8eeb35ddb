"""Accept an invitation: the link and the e-mail address must match."""

from flask import flash, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from blueprints.team.forms import JoinForm
from blueprints.team.presenter import ROLES
from blueprints.team.routes import blueprint
from blueprints.web.current_user import current_user_row
from blueprints.web.error_messages import message_for
from blueprints.web.forms import ActionForm
from blueprints.web.i18n import language
from blueprints.web.responses import redirect_to, render
from domain.common.errors import InvitationRefused, LinkExpired, WeakPassword
from domain.team import invitations
from jobs import enqueue
from models.states import Role


@blueprint.route("/uitnodiging/<token>", methods=["GET", "POST"])
def join(token):
    """Show the invitation; only a POST changes anything, because mail scanners open links."""
    invitation = invitations.find_valid_invitation(token)
    if invitation is None:
        return render("team/join.html", 410, invitation=None)
    mine, known = current_user.is_authenticated, invitations.has_account(invitation)
    form = ActionForm() if mine or known else JoinForm()
    shown = {
        "invitation": invitation, "form": form, "known": known,
        "sign_in_url": url_for("account.sign_in", verder=request.path), "role": ROLES[invitation.role],
        "masked": invitations.mask_email(invitation.email),
    }  # fmt: skip
    if not form.validate_on_submit() or (known and not mine):
        return render("team/join.html", 422 if form.errors else 200, **shown)
    try:
        joined = (
            _joined(token, form)
            if isinstance(form, JoinForm)
            else invitations.accept_invitation(token, current_user_row())
        )
    except WeakPassword as error:
        form["password"].errors = [message_for(error)]
        return render("team/join.html", 422, **shown)
    except (InvitationRefused, LinkExpired) as error:
        flash(message_for(error), "bad")
        return redirect_to(request.path)
    return _welcome(joined, invitation)


def _joined(token, form):
    return invitations.accept_with_new_account(token, form.name.data or "", form.password.data or "", language())


def _welcome(joined, invitation):
    enqueue("send_mails")
    client_id = joined.client.public_id
    if invitation.as_co_signer:
        flash(_("Je hebt nu toegang. Identificeer je, dan kunnen jullie samen tekenen."), "good")
        return redirect_to(url_for("onboarding.identify", client=client_id))
    flash(_("Je hebt nu toegang tot %(name)s.", name=joined.client.name), "good")
    view = "overview.overview" if joined.role == Role.PREPARER else "onboarding.welcome"
    return redirect_to(url_for(view, client=client_id))
