"""New and changed accounts: *Nagevraagd, klopt* or *Nog niet betalen*."""

from flask import request

from blueprints.payments.blueprint import blueprint
from blueprints.payments.detail import render_current, render_problem
from blueprints.payments.presenters.payees import answered
from blueprints.web.acts import does
from blueprints.web.authorization import require_lines
from domain.common.errors import DomainError
from domain.payments import payee_answers


@blueprint.post("/<client>/betalingen/<reference>/rekeningen")
@does("answer_payees")
def answer_payees(membership, reference):
    """Answer the open questions of one box, or that about one line of it.

    The button that was pressed says how: an answer, with the line after a dash if it is about one.
    """
    require_lines(membership)
    answer, _, line = request.form.get("antwoord", "").partition("-")
    about = int(line) if line.isdecimal() else None
    try:
        count = payee_answers.answer_payees(membership, reference, request.form.get("seen", ""), answer, about)
    except DomainError as error:
        return render_problem(membership, reference, error)
    return render_current(membership, reference, spoken=answered(answer, count), focus=True)
