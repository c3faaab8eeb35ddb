from flask import Blueprint, flash, request, session, url_for
from flask_babel import gettext as _
from flask_login import current_user

from blueprints.onboarding.forms import CodeForm, CoSignerForm, PinForm
from blueprints.onboarding.presenter import company_task, step_task
from blueprints.web import session_interface
from blueprints.web.acts import does
from blueprints.web.authorization import ALL, for_client
from blueprints.web.current_user import current_user_row
from blueprints.web.error_messages import authority, message_for
from blueprints.web.forms import ActionForm
from blueprints.web.responses import redirect_to, render, render_fragment
from blueprints.web.step_up import current_device, mark_reauthenticated
from blueprints.web.urls import safe_local_path
from domain.accounts import accounts, pins, rate_limits
from domain.common.errors import (
    DomainError,
    IdentityCodeWrong,
    InvitationRefused,
    PinAlreadySet,
    PinIsBirthDate,
    PinNotSixDigits,
    PinTooCommon,
    RateLimited,
    RegisterUnavailable,
    SessionMismatch,
)
from domain.common.services import services
from domain.identity import identification
from domain.identity.signing_authority import latest_decision as standing_authority
from domain.overview import onboarding
from domain.team import co_signer, wrong_identification
from jobs import enqueue
from models.states import AuthorityAnswer, Role

blueprint = Blueprint("onboarding", __name__)


@blueprint.get("/registreren/bedrijf")
def find_company():
    """Search a company while typing or with the button. Choosing one fills in the registration form."""
    text, found, problem = request.args.get("zoek", ""), [], ""
    try:
        if len(text.strip()) >= onboarding.SEARCHED_FROM:
            rate_limits.consume_attempt("register.search", rate_limits.client_subnet(request.remote_addr or ""))
        found = onboarding.search_companies(text)
    except RegisterUnavailable:
        problem = _("De KvK is nu niet bereikbaar. Vul naam en nummer zelf in.")
    except RateLimited:
        problem = _("Te veel zoekopdrachten. Wacht even of vul naam en nummer zelf in.")
    return render_fragment(
        "onboarding/company.html", "onboarding/_companies.html", text=text, problem=problem,
        found=[company_task(one.name, one.kvk_number) for one in found],
        searched=len(text.strip()) >= onboarding.SEARCHED_FROM,
    )


@blueprint.get("/<client>/welkom")
@for_client(ALL)
def welcome(membership):
    steps = onboarding.steps(membership.client, membership.user)
    rows = [step_task(step) for step in steps]
    return render(
        "onboarding/welcome.html", rows=rows, current=next((row for row in rows if row.url), None),
        finished=onboarding.finished(membership.client, membership.user),
        left=sum(not step.done for step in steps), total=len(steps),
    )


@blueprint.route("/<client>/pincode", methods=["GET", "POST"])
@does("pin", secret_too=True)
def set_pin(membership):
    form, user = PinForm(), membership.user
    known = pins.has_pin(user)
    if not form.validate_on_submit():
        device = current_device()
        locked = known and pins.is_pin_locked(user, device.id if device else None)
        return render("onboarding/set_pin.html", 422 if form.errors else 200, form=form, known=known, locked=locked)
    try:
        pins.set_pin(user, form.pin.data or "")
    except (PinNotSixDigits, PinTooCommon, PinIsBirthDate) as error:
        form.pin.errors = [message_for(error)]
        return render("onboarding/set_pin.html", 422, form=form, known=known, locked=False)
    except PinAlreadySet as error:
        flash(message_for(error), "warn")
        return redirect_to(url_for("onboarding.identify"))
    flash(_("Je pincode is ingesteld."), "good")
    return redirect_to(url_for("onboarding.welcome"))


@blueprint.route("/<client>/identificatie", methods=["GET", "POST"])
@for_client(ALL)
def identify(membership):
    """Explain what is shared and go to the broker; the page also shows the last result."""
    client, user, form = membership.client, membership.user, ActionForm()
    if request.method == "GET" and (onward := safe_local_path(request.args.get("verder"))):
        session["after_identification"] = onward
    if form.validate_on_submit():
        try:
            return redirect_to(
                identification.start_identification(user, client, session_interface.oidc_binding(), _redirect_uri())
            )
        except DomainError as error:
            flash(message_for(error), "bad")
            return redirect_to(_identify_url(client))
    return _identify_page(membership)


def _identify_page(membership, status=200, code_form=None, invite_form=None):
    client, user = membership.client, membership.user
    identified = identification.is_identified(user)
    standing = standing_authority(client, user) if identified else None
    return render(
        "onboarding/identify.html",
        status,
        method=services().identity.name,
        identified=identified,
        can_withdraw=identified and wrong_identification.can_withdraw(user),
        answer=standing.answer if standing else None,
        reason=authority(standing.reason) if standing else None,
        co_signer=co_signer.co_signer_status(client, user),
        owner=membership.role == Role.OWNER,
        awaits_code=identification.pending_code_attempt(user, session.get("walk", "")) is not None,
        code_form=code_form or CodeForm(),
        invite_form=invite_form or CoSignerForm(formdata=None),
        onward=session.get("after_identification") or url_for("onboarding.welcome"),
        again="verder" in request.args,
    )


@blueprint.post("/<client>/identificatie/code")
@for_client(ALL)
def confirm_code(membership):
    """Complete an identification that returned in another browser, with the code that it shows."""
    form, client = CodeForm(), membership.client
    if not form.validate_on_submit():
        return _identify_page(membership, 422, code_form=form)
    try:
        client, standing = identification.complete_with_code(
            membership.user, session.get("walk", ""), form.code.data or ""
        )
    except IdentityCodeWrong as error:
        if error.tries_left:
            form.code.errors = [message_for(error)]
            return _identify_page(membership, 422, code_form=form)
        flash(message_for(error), "bad")
        return redirect_to(_identify_url(client))
    except DomainError as error:
        flash(message_for(error), "bad")
        return redirect_to(_identify_url(client))
    mark_reauthenticated(current_user_row(), "identification")
    return _redirect_after(client, standing)


@blueprint.post("/<client>/identificatie/opnieuw")
@for_client(ALL)
def recheck_authority(membership):
    """Check the signing authority at KvK again, with the existing identification."""
    client = membership.client
    try:
        standing = identification.refresh_authority(client, membership.user)
    except DomainError as error:
        flash(message_for(error), "bad")
        return redirect_to(_identify_url(client))
    return _redirect_after(client, standing)


@blueprint.get("/identificatie/terug")
def identification_return():
    """Receive the redirect from the broker; its answer is then fetched and verified.

    A browser other than the one that started needs no login: it shows a code for the first one.
    """
    query = request.args.to_dict()
    try:
        client, standing = identification.complete_identification(query, session.get("walk", ""), _redirect_uri())
    except SessionMismatch:
        return _other_browser_page(query)
    except DomainError as error:
        return _not_identified(error)
    mark_reauthenticated(current_user_row(), "identification")
    return _redirect_after(client, standing)


def _other_browser_page(query):
    try:
        code = identification.receive_in_other_browser(query, _redirect_uri())
    except DomainError as error:
        return render("onboarding/elsewhere.html", 400, code=None, problem=message_for(error))
    return render("onboarding/elsewhere.html", code=code, problem="")


def _not_identified(error):
    """Show the error: on the identification page if signed in, else on a page with a link to Bizcuit."""
    membership = accounts.first_membership(current_user_row()) if current_user.is_authenticated else None
    if membership is None:
        return render("onboarding/elsewhere.html", 400, code=None, problem=message_for(error))
    flash(message_for(error), "bad")
    return redirect_to(_identify_url(membership.client))


# --- joint signing ---
@blueprint.post("/<client>/identificatie/samen")
@does("members", "email")
def invite_co_signer(membership):
    """Invite a co-signer by mail."""
    form, client = CoSignerForm(), membership.client
    if not form.validate_on_submit():
        return _identify_page(membership, 422, invite_form=form)
    try:
        co_signer.invite_co_signer(client, membership.user, form.email.data or "")
    except InvitationRefused as error:
        form.email.errors = [message_for(error)]
        return _identify_page(membership, 422, invite_form=form)
    enqueue("send_mails")
    flash(_("De uitnodiging is verstuurd. De link werkt een week."), "good")
    return redirect_to(_identify_url(client))


def _identify_url(client):
    return url_for("onboarding.identify", client=client.public_id)


def _redirect_uri() -> str:
    return services().base_url + url_for("onboarding.identification_return")


def _redirect_after(client, standing):
    """Continue to where the person was going if authorised, else to the page that says why not."""
    if standing.answer != AuthorityAnswer.AUTHORISED:
        return redirect_to(_identify_url(client))
    flash(_("Je bent geïdentificeerd en mag voor %(name)s tekenen.", name=client.name), "good")
    onward = session.pop("after_identification", None)
    return redirect_to(onward or url_for("onboarding.welcome", client=client.public_id))
