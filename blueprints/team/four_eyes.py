"""Dual approval (four eyes): its threshold, and confirming a weaker one."""

from flask import request
from flask_babel import gettext as _

from blueprints.team.forms import FourEyesForm
from blueprints.team.presenter import threshold_text
from blueprints.team.routes import blueprint, redirect_to_members
from blueprints.web.acts import does
from blueprints.web.error_messages import message_for
from blueprints.web.formatters import amount
from blueprints.web.responses import render
from domain.common.errors import DomainError, TooFewApprovers
from domain.payments import four_eyes


@blueprint.route("/<client>/mensen/vier-ogen", methods=["GET", "POST"])
@does("four_eyes", "amount")
def four_eyes_page(membership):
    """Set the threshold or turn it off. A weaker setting needs the confirmation of another person."""
    now = membership.client.dual_approval_from_cents
    form = FourEyesForm(amount=amount(now) if now is not None else None)
    shown = {"form": form, "is_on": now is not None, "threshold_text": threshold_text(now)}
    off = request.method == "POST" and "uit" in request.form
    if not off and not form.validate_on_submit():
        return render("team/four_eyes.html", 422 if form.errors else 200, **shown)
    try:
        outcome = four_eyes.set_threshold(membership, None if off else form.cents)
    except TooFewApprovers as error:
        form.amount.errors = [message_for(error)]
        return render("team/four_eyes.html", 422, **shown)
    messages = {
        "changed": _("Opgeslagen. Geldt vanaf de volgende goedkeuring."),
        "same": _("Er is niets veranderd."),
        "asked": _("Iemand anders die mag betalen, moet hiermee akkoord gaan. Tot dan verandert er niets."),
    }
    return redirect_to_members(messages[outcome])


@blueprint.post("/<client>/mensen/vier-ogen/<key>/akkoord")
@does("answer_four_eyes")
def confirm_four_eyes_change(membership, key):
    return _answer(
        membership, four_eyes.confirm_threshold_change, key, _("Je bent akkoord gegaan. Dit geldt vanaf nu.")
    )


@blueprint.post("/<client>/mensen/vier-ogen/<key>/niet")
@does("answer_four_eyes")
def decline_four_eyes_change(membership, key):
    return _answer(membership, four_eyes.decline_threshold_change, key, _("Er is niets gewijzigd."))


def _answer(membership, answer, key, message):
    try:
        answer(membership, key)
    except DomainError as error:
        return redirect_to_members(message_for(error), "bad")
    return redirect_to_members(message)
