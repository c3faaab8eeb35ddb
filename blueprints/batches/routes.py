from datetime import date

from flask import Blueprint, Response, abort, flash, request
from flask_babel import gettext as _

from blueprints.access import ALL, MAY_PAY, for_client, psu, signed_in
from blueprints.answers import goto, render
from blueprints.batches import words
from blueprints.batches.forms import ChangeForm, PayForm, PinForm
from blueprints.wake import wake
from blueprints.who import me
from blueprints.words import say
from core.clock import today_amsterdam
from domain import approval, following, payments
from domain.errors import DateInvalid, DomainError, NotFound, PinLocked, PinMissing, PinWrong
from domain.payments import Payment
from domain.release import release

blueprint = Blueprint("batches", __name__)


def _address(membership, payment_or_reference, tail=""):
    reference = getattr(payment_or_reference, "reference", payment_or_reference)
    return f"/{membership.client.public_id}/betalingen/{reference}{tail}"


def _page(template: str, membership, payment: Payment, status: int = 200, **more) -> Response:
    """What every template of one payment is given."""
    values = {
        "payment": payment, "here": _address(membership, payment), "words": words, "seen": _mark(payment),
        "may_pay": membership.role in MAY_PAY, "form": PayForm(shown=payment.digest),
    }  # fmt: skip
    return render(template, status, **{**values, **more})


def _mark(payment: Payment) -> str:
    """What a page has seen of a payment that moves by itself."""
    can_sign = payment.order.can_sign if payment.order else False
    return f"{payment.state}-{payment.state_at.timestamp():.6f}-{int(can_sign)}"


@blueprint.get("/<client>/betalingen")
@for_client(ALL)
def every(membership):
    rows = payments.batches(membership.client)
    return render("batches/list.html", rows=rows, words=words)


@blueprint.get("/betalingen/<reference>")
@signed_in
def from_mail(reference):
    """The link in a mail: to the payment in its own client."""
    client = payments.client_of_reference(me(), reference)
    return goto(f"/{client.public_id}/betalingen/{reference}")


@blueprint.get("/<client>/betalingen/<reference>")
@for_client(ALL)
def one(membership, reference):
    return _page("batches/payment.html", membership, payments.view(membership.client, reference))


@blueprint.get("/<client>/betalingen/<reference>/status")
@for_client(ALL)
def status(membership, reference):
    """The payment's live part when it has changed since the page last looked; nothing otherwise."""
    payment = payments.view(membership.client, reference)
    order_id = payments.order_to_ask(payment)
    if order_id is not None:
        wake("follow_order", order_id)
    if request.args.get("seen") == _mark(payment):
        return "", 204
    if not request.headers.get("HX-Request"):
        return goto(_address(membership, payment))
    return _page("batches/_moved.html", membership, payment)


@blueprint.post("/<client>/betalingen/<reference>/regels/<int:line_id>")
@for_client(ALL)
def judge(membership, reference, line_id):
    """✗ or ✓; the line, the total and the button follow at once."""
    verdicts = {"refuse": approval.refuse_line, "accept": approval.accept_line}
    verdict = verdicts.get(request.args.get("verdict", ""))
    if verdict is None:
        abort(400)
    try:
        verdict(membership.client, membership.user, reference, line_id)
    except NotFound:
        raise
    except DomainError as error:
        flash(say(error), "warn")
        return goto(_address(membership, reference))
    if not request.headers.get("HX-Request"):
        return goto(_address(membership, reference, f"#regel-{line_id}"))
    payment = payments.view(membership.client, reference)
    row = next(line for line in payment.lines if line.id == line_id)
    return _page("batches/_judged.html", membership, payment, row=row)


@blueprint.post("/<client>/betalingen/<reference>/alles")
@for_client(ALL)
def accept_all(membership, reference):
    approval.accept_all(membership.client, membership.user, reference)
    return goto(_address(membership, reference))


@blueprint.route("/<client>/betalingen/<reference>/wijzigen", methods=["GET", "POST"])
@for_client(ALL)
def change(membership, reference):
    """The pencil: another day, another account."""
    payment = payments.view(membership.client, reference)
    if payment.state not in ("open", "approved"):
        return goto(_address(membership, payment))
    accounts = payments.account_choices(membership.client)
    form = ChangeForm(account=payment.account.id)
    form.account.choices = [(account.id, account.iban) for account in accounts]
    if form.validate_on_submit():
        try:
            chosen = form.execution_date.data
            approval.change(membership.client, membership.user, reference, chosen, form.account.data)
        except DomainError as error:
            field = form.execution_date if isinstance(error, DateInvalid) else form.account
            field.errors = [say(error)]
        else:
            flash(_("De betaling is aangepast."), "good")
            return goto(_address(membership, payment))
    month = _month(request.args.get("maand"), payment.execution_date)
    return _page(
        "batches/change.html", membership, payment, 422 if form.errors else 200, form=form, accounts=accounts,
        month=month, weeks=payments.calendar(payment, month), before=_beside(month, -1), after=_beside(month, 1),
        today=today_amsterdam(),
    )  # fmt: skip


def _month(text: str | None, chosen: date) -> date:
    try:
        return date.fromisoformat(f"{text}-01") if text else chosen.replace(day=1)
    except ValueError:
        return chosen.replace(day=1)


def _beside(month: date, step: int) -> str:
    """The month before or after, as an address writes it; empty when nothing can be chosen there."""
    number = month.year * 12 + month.month - 1 + step
    beside, now = date(number // 12, number % 12 + 1, 1), today_amsterdam().replace(day=1)
    return f"{beside:%Y-%m}" if now <= beside <= now.replace(year=now.year + 1) else ""


@blueprint.post("/<client>/betalingen/<reference>/betalen")
@for_client(MAY_PAY)
def pay(membership, reference):
    """Betaal: where the bank signs this releases; under delegated signing the pin comes first."""
    payment = payments.view(membership.client, reference)
    if payment.state == "open" and not payment.lines_payable:
        approval.discard(membership.client, membership.user, reference)
        return goto(_address(membership, payment))
    if payment.needs_pin:
        return goto(_address(membership, payment, "/pincode"))
    form = PayForm()
    try:
        row = release(membership, reference, form.shown.data or "", "session", psu())
    except DomainError as error:
        return _refused(membership, reference, error)
    wake("send_order", row.batch_id)
    return goto(_address(membership, payment))


def _refused(membership, reference, error: DomainError) -> Response:
    """Back to the payment, which says what is wrong; nothing has been paid."""
    if isinstance(error, NotFound):
        raise error
    flash(say(error), "bad")
    return goto(_address(membership, reference))


@blueprint.route("/<client>/betalingen/<reference>/pincode", methods=["GET", "POST"])
@for_client(MAY_PAY)
def pin(membership, reference):
    """What is signed is what is shown: total, count, day, account and reference stand where the pin is typed."""
    payment = payments.view(membership.client, reference)
    if payment.state != "open" or not payment.needs_pin:
        return goto(_address(membership, payment))
    form = PinForm(shown=payment.digest)
    if form.validate_on_submit():
        try:
            row = release(membership, reference, form.shown.data or "", "pin", psu(), form.pin.data)
        except PinWrong as error:
            form.pin.errors = [say(error)]
        except (PinLocked, PinMissing) as error:
            flash(say(error), "bad")
            return goto(f"/{membership.client.public_id}/pincode")
        except DomainError as error:
            return _refused(membership, reference, error)
        else:
            wake("send_order", row.batch_id)
            return goto(_address(membership, payment))
    form.shown.data = payment.digest
    return _page("batches/pin.html", membership, payment, 422 if form.errors else 200, form=form)


@blueprint.post("/<client>/betalingen/<reference>/ondertekenen")
@for_client(MAY_PAY)
def sign(membership, reference):
    """To the bank's own page, where this is signed."""
    try:
        return goto(following.begin_signing(membership.client, membership.user, reference, psu()))
    except DomainError as error:
        return _refused(membership, reference, error)


@blueprint.get("/bank/ondertekend/<state>")
@signed_in
def signed(state):
    """Back from the bank: this proves nothing; the page shows what the bank says when asked."""
    client, reference = following.finish_signing(state, me())
    return goto(f"/{client.public_id}/betalingen/{reference}")


@blueprint.post("/<client>/betalingen/<reference>/opnieuw")
@for_client(MAY_PAY)
def again(membership, reference):
    """The same payment once more after a refusal: as a new order, approved anew."""
    try:
        approval.reopen(membership.client, membership.user, reference)
    except DomainError as error:
        return _refused(membership, reference, error)
    return goto(_address(membership, reference))

