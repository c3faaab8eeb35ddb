from flask import Blueprint, flash, request, session
from flask_babel import gettext as _
from flask_login import current_user

from blueprints.onboarding.forms import CodeForm, CoSignerForm, PinForm
from blueprints.onboarding.words import step_words
from blueprints.web import session_interface
from blueprints.web.authorization import ALL, OWNER, for_client, recently_authenticated_keeping
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
from domain.team import co_signer
from jobs import enqueue

blueprint = Blueprint("onboarding", __name__)

CALLBACK = "/identificatie/terug"


@blueprint.get("/registreren/bedrijf")
def find_company():
    """Search a company while typing or with the button. Choosing one fills in the registration form."""
    text, found, said = request.args.get("zoek", ""), [], None
    try:
        if len(text.strip()) >= onboarding.SEARCHED_FROM:
            rate_limits.consume_attempt("register.search", rate_limits.client_subnet(request.remote_addr or ""))
        found = onboarding.search_companies(text)
    except RegisterUnavailable:
        said = _("De KvK is nu niet bereikbaar. Vul naam en nummer zelf in.")
    except RateLimited:
        said = _("Je zoekt wel heel vaak. Wacht even, of vul naam en nummer zelf in.")
    nothing = not found and not said and len(text.strip()) >= onboarding.SEARCHED_FROM
    page, part = "onboarding/company.html", "onboarding/_companies.html"
    return render_fragment(page, part, text=text, found=found, said=said, nothing=nothing)


@blueprint.get("/<client>/welkom")
@for_client(ALL)
def welcome(membership):
    steps = onboarding.steps(membership.client, membership.user)
    rows = [(step, step_words(step)) for step in steps]
    done = onboarding.finished(membership.client, membership.user)
    left = sum(not step.done for step in steps)
    return render("onboarding/welcome.html", rows=rows, finished=done, left=left, total=len(steps))


@blueprint.route("/<client>/pincode", methods=["GET", "POST"])
@for_client(ALL)
@recently_authenticated_keeping(secret_too=True)
def set_pin(membership):
    form, user = PinForm(), membership.user
    known = pins.has_pin(user)
    if not form.validate_on_submit():
        device = current_device()
        locked = known and pins.is_pin_locked(user, device.id if device else None)
        return render("onboarding/pin.html", 422 if form.errors else 200, form=form, known=known, locked=locked)
    try:
        pins.set_pin(user, form.pin.data or "")
    except (PinNotSixDigits, PinTooCommon, PinIsBirthDate) as error:
        form.pin.errors = [message_for(error)]
        return render("onboarding/pin.html", 422, form=form, known=known, locked=False)
    except PinAlreadySet as error:
        flash(message_for(error), "warn")
        return redirect_to(f"/{membership.client.public_id}/identificatie")
    flash(_("Je pincode is ingesteld."), "good")
    return redirect_to(f"/{membership.client.public_id}/welkom")


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
                identification.start_identification(user, client, session_interface.oidc_binding(), _callback())
            )
        except DomainError as error:
            flash(message_for(error), "bad")
            return redirect_to(_identify_page(client))
    return _identify(membership)


def _identify(membership, status=200, code_form=None, invite_form=None):
    client, user = membership.client, membership.user
    standing = standing_authority(client, user)
    return render(
        "onboarding/identify.html",
        status,
        method=services().identity.name,
        identified=identification.is_identified(user),
        answer=standing.answer if standing else None,
        reason=authority(standing.reason) if standing else None,
        second=co_signer.co_signer_status(client, user),
        owner=membership.role == "owner",
        awaits_code=identification.pending_code_attempt(user, session.get("walk", "")) is not None,
        code_form=code_form or CodeForm(),
        invite_form=invite_form or CoSignerForm(formdata=None),
        onward=session.get("after_identification") or f"/{client.public_id}/welkom",
        again="verder" in request.args,
    )


@blueprint.post("/<client>/identificatie/code")
@for_client(ALL)
def confirm_code(membership):
    """Complete an identification that returned in another browser, with the code that it shows."""
    form, client = CodeForm(), membership.client
    if not form.validate_on_submit():
        return _identify(membership, 422, code_form=form)
    try:
        client, standing = identification.complete_with_code(
            membership.user, session.get("walk", ""), form.code.data or ""
        )
    except IdentityCodeWrong as error:
        if error.tries_left:
            form.code.errors = [message_for(error)]
            return _identify(membership, 422, code_form=form)
        flash(message_for(error), "bad")
        return redirect_to(_identify_page(client))
    except DomainError as error:
        flash(message_for(error), "bad")
        return redirect_to(_identify_page(client))
    mark_reauthenticated(current_user_row(), "identification")
    return _after(client, standing)


@blueprint.post("/<client>/identificatie/opnieuw")
@for_client(ALL)
def recheck_authority(membership):
    """Check the signing authority at KvK again, with the existing identification."""
    client = membership.client
    try:
        standing = identification.refresh_authority(client, membership.user)
    except DomainError as error:
        flash(message_for(error), "bad")
        return redirect_to(_identify_page(client))
    return _after(client, standing)


@blueprint.get(CALLBACK)
def identification_return():
    """Receive the redirect from the broker; its answer is then fetched and verified.

    A browser other than the one that started needs no login: it shows a code for the first one.
    """
    query = request.args.to_dict()
    try:
        client, standing = identification.complete_identification(query, session.get("walk", ""), _callback())
    except SessionMismatch:
        return _elsewhere(query)
    except DomainError as error:
        return _not_identified(error)
    mark_reauthenticated(current_user_row(), "identification")
    return _after(client, standing)


def _elsewhere(query):
    try:
        code = identification.receive_in_other_browser(query, _callback())
    except DomainError as error:
        return render("onboarding/elsewhere.html", 400, code=None, said=message_for(error))
    return render("onboarding/elsewhere.html", code=code, said=None)


def _not_identified(error):
    """Show the error: on the identification page if signed in, else on a page with a link to Bizcuit."""
    membership = accounts.first_membership(current_user_row()) if current_user.is_authenticated else None
    if membership is None:
        return render("onboarding/elsewhere.html", 400, code=None, said=message_for(error))
    flash(message_for(error), "bad")
    return redirect_to(_identify_page(membership.client))


# --- joint signing ---
@blueprint.post("/<client>/identificatie/samen")
@for_client(OWNER)
@recently_authenticated_keeping("email")
def invite_co_signer(membership):
    """Invite a co-signer by mail."""
    form, client = CoSignerForm(), membership.client
    if not form.validate_on_submit():
        return _identify(membership, 422, invite_form=form)
    try:
        co_signer.invite_co_signer(client, membership.user, form.email.data or "")
    except InvitationRefused as error:
        form.email.errors = [message_for(error)]
        return _identify(membership, 422, invite_form=form)
    enqueue("send_mails")
    flash(_("We hebben een uitnodiging gestuurd. Die werkt een week lang."), "good")
    return redirect_to(_identify_page(client))


def _identify_page(client):
    return f"/{client.public_id}/identificatie"


def _callback() -> str:
    return services().base_url + CALLBACK


def _after(client, standing):
    """Continue to where the person was going if authorised, else to the page that says why not."""
    if standing.answer != "yes":
        return redirect_to(_identify_page(client))
    flash(_("Je bent geïdentificeerd en mag voor %(name)s tekenen.", name=client.name), "good")
    return redirect_to(session.pop("after_identification", None) or f"/{client.public_id}/welkom")
