from flask import Blueprint, flash, request, session
from flask_babel import gettext as _

from blueprints import sessions
from blueprints.access import ALL, for_client, signed_in
from blueprints.answers import goto, render
from blueprints.onboarding.forms import GoForm, PinForm
from blueprints.onboarding.words import step_words
from blueprints.paths import own_path
from blueprints.proving import here, proved
from blueprints.who import me
from blueprints.words import authority, say
from domain import accounts, identification, onboarding, pins
from domain.errors import DomainError, PinAlreadySet, PinIsBirthDate, PinNotSixDigits, PinTooCommon
from domain.world import world

blueprint = Blueprint("onboarding", __name__)

CALLBACK = "/identificatie/terug"


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
def pin(membership):
    form, user = PinForm(), membership.user
    known = pins.known(user)
    if not form.validate_on_submit():
        device = here()
        locked = known and pins.locked(user, device.id if device else None)
        return render("onboarding/pin.html", 422 if form.errors else 200, form=form, known=known, locked=locked)
    try:
        pins.set_pin(user, form.pin.data or "")
    except (PinNotSixDigits, PinTooCommon, PinIsBirthDate) as error:
        form.pin.errors = [say(error)]
        return render("onboarding/pin.html", 422, form=form, known=known, locked=False)
    except PinAlreadySet as error:
        flash(say(error), "warn")
        return goto(f"/{membership.client.public_id}/identificatie")
    flash(_("Je pincode is ingesteld."), "good")
    return goto(f"/{membership.client.public_id}/welkom")


@blueprint.route("/<client>/identificatie", methods=["GET", "POST"])
@for_client(ALL)
def identify(membership):
    """What is shared and why; then to the broker. Where it ended last time stands on the same page."""
    client, user, form = membership.client, membership.user, GoForm()
    if request.method == "GET" and (onward := own_path(request.args.get("verder"))):
        session["after_identification"] = onward
    if form.validate_on_submit():
        try:
            return goto(identification.begin(user, client, sessions.key(), _callback()))
        except DomainError as error:
            flash(say(error), "bad")
            return goto(f"/{client.public_id}/identificatie")
    standing = identification.standing(client, user)
    return render(
        "onboarding/identify.html",
        form=form,
        identified=identification.identified(user),
        answer=standing.answer if standing else None,
        reason=authority(standing.reason) if standing else None,
        onward=session.get("after_identification") or f"/{client.public_id}/welkom",
        again="verder" in request.args,
    )


@blueprint.post("/<client>/identificatie/opnieuw")
@for_client(ALL)
def ask_register_again(membership):
    """The KvK once more, with the identification that is there."""
    client = membership.client
    try:
        standing = identification.ask_again(client, membership.user)
    except DomainError as error:
        flash(say(error), "bad")
        return goto(f"/{client.public_id}/identificatie")
    return _after(client, standing)


@blueprint.get(CALLBACK)
@signed_in
def identified():
    """The way back from the broker. It proves nothing by itself: the broker's answer is fetched and checked."""
    try:
        client, standing = identification.finish(request.args.to_dict(), sessions.key(), _callback())
    except DomainError as error:
        flash(say(error), "bad")
        membership = accounts.first_membership(me())
        return goto(f"/{membership.client.public_id}/identificatie" if membership else "/inloggen")
    proved(me(), "identification")
    return _after(client, standing)


def _callback() -> str:
    return world().base_url + CALLBACK


def _after(client, standing):
    """Allowed: on to where someone was going. Otherwise the page that says why not, or not yet."""
    if standing.answer != "yes":
        return goto(f"/{client.public_id}/identificatie")
    flash(_("Je bent geïdentificeerd en mag voor %(name)s tekenen.", name=client.name), "good")
    return goto(session.pop("after_identification", None) or f"/{client.public_id}/welkom")
