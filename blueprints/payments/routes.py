from dataclasses import replace
from datetime import date

from flask import Blueprint, Response, abort, flash, request
from flask_babel import gettext as _

from blueprints import sessions
from blueprints.access import ALL, MAY_PAY, approving, for_client, psu, signed_in
from blueprints.account.passkeys import options
from blueprints.answers import goto, render, unchanged
from blueprints.members import words as member_words
from blueprints.payments.forms import ChangeForm, PayForm, PinForm
from blueprints.payments.line_query import lasting, looked, named, query
from blueprints.payments.presenters import lines as line_words
from blueprints.payments.presenters import signing as sign_words
from blueprints.payments.presenters import status as words
from blueprints.payments.presenters import warnings as unusual_words
from blueprints.proving import here
from blueprints.wake import wake
from blueprints.who import me
from blueprints.words import say
from core.clock import today_amsterdam
from domain import (
    approval,
    attempts,
    booked,
    by_hand,
    cancelling,
    confidential,
    four_eyes,
    name_checks,
    passkeys,
    payments,
    signing,
)
from domain.authorisations import Step
from domain.errors import (
    BatchChanged,
    CautionsUnopened,
    DateInvalid,
    DomainError,
    NotFound,
    PasskeyRefused,
    PinLocked,
    PinMissing,
    PinWrong,
)
from domain.found_lines import Look
from domain.four_eyes import Eyes
from domain.payments import Payment
from domain.release import SignedWith, release
from models import Approval, Release

blueprint = Blueprint("payments", __name__)

PAGE, MOST = 50, 1000


def address(membership, payment_or_reference, tail=""):
    reference = getattr(payment_or_reference, "reference", payment_or_reference)
    return f"/{membership.client.public_id}/betalingen/{reference}{tail}"


def page(template: str, membership, payment: Payment, status: int = 200, **more) -> Response:
    """What every template of one payment is given: no more of it than this member may see."""
    payment, eyes = confidential.for_member(membership, payment), _eyes(membership, payment)
    values = {
        "payment": payment, "here": address(membership, payment), "seen": _mark(payment, eyes),
        "words": words, "line_words": line_words, "unusual_words": unusual_words, "sign_words": sign_words,
        "eyes": eyes, "eyes_told": member_words.told(eyes) if eyes else None,
        "may_pay": membership.role in MAY_PAY, "problem": "", "done": "", "spoken": "", "focus": False, "query": query,
        "named": named,
        "names": None if payment.hidden else name_checks.shown(payment), "step": _step(payment),
        "hand": by_hand.shown(payment), "cancel": cancelling.shown(payment),
        "booking": booked.mark_of(payment.order.id) if payment.order else None,
    }  # fmt: skip
    return render(template, status, **{**values, **more})


def _step(payment: Payment) -> Step | None:
    """How it is signed, while it waits for that."""
    if payment.order is None or payment.by_hand:
        return None
    stands = None if payment.order.can_sign else cancelling.shown(payment)
    if not payment.order.can_sign and not (stands and stands.to_sign):
        return None
    return signing.step_of_order(payment.order.id)


def _eyes(membership, payment: Payment) -> Eyes | None:
    """Who approved and who is asked, where two approve."""
    return four_eyes.look(membership.client, membership.user, payment.id, payment.state, payment.total_cents)


def _mark(payment: Payment, eyes: Eyes | None) -> str:
    """What a page has seen of a payment that moves by itself."""
    step, hand = _step(payment), by_hand.shown(payment)
    stands = cancelling.shown(payment)
    told = (words.unanswered(payment), payment.run_missing, payment.unopened, words.names_differ(payment),
            bool(stands and stands.running), bool(stands and stands.to_sign))  # fmt: skip
    seen = f"{payment.state}-{payment.state_at.timestamp():.6f}-" + "".join(f"{one:d}" for one in told)
    return f"{seen}-{step.how if step else ''}-{len(hand.taken) if hand else ''}-{len(eyes.by) if eyes else ''}"


def _by_htmx() -> bool:
    return bool(request.headers.get("HX-Request"))


def as_it_stands(
    membership, reference: str, problem: str = "", up: bool = False, spoken: str = "", done: str = ""
) -> Response:
    """The payment as it stands now, with what went wrong or was done; for htmx the whole live part in place, `up` to
    be read. What somebody looks for stays."""
    if not _by_htmx():
        if problem or done:
            flash(problem or done, "bad" if problem else "good")
        return goto(address(membership, reference, query(looked(membership))))
    payment = payments.view(membership.client, reference, looked(membership))
    status = 422 if problem else 200
    response = page(
        "payments/_live_update.html", membership, payment, status, problem=problem, spoken=problem or spoken, focus=up,
        done=done,
    )  # fmt: skip
    response.headers["HX-Retarget"] = "#payment"
    response.headers["HX-Reswap"] = "outerHTML show:#payment:top" if up else "outerHTML"
    return response


def back(membership, reference: str, error: DomainError) -> Response:
    """From another page back to the payment, which says what is wrong; nothing has been paid."""
    if isinstance(error, NotFound):
        raise error
    flash(say(error), "bad")
    return goto(address(membership, reference))


# --- looking --------------------------------------------------------------------------------------
@blueprint.get("/<client>/betalingen")
@for_client(ALL)
def every(membership):
    """What waits, what goes on by itself, what is over."""
    shown = max(PAGE, min(request.args.get("toon", PAGE, int), MOST))
    rows = payments.batches(membership.client, limit=shown + 1)
    more = shown + PAGE if len(rows) > shown < MOST else 0
    groups = words.groups(rows[:shown], payments.approved_by_me(membership.client, membership.user))
    return render("payments/list.html", groups=groups, more=more, words=words)


@blueprint.get("/betalingen/<reference>")
@signed_in
def from_mail(reference):
    """The link in a mail: to the payment in its own client."""
    client = payments.client_of_reference(me(), reference)
    return goto(f"/{client.public_id}/betalingen/{reference}")


@blueprint.get("/<client>/betalingen/<reference>")
@for_client(ALL)
def one(membership, reference):
    """The payment; for who searches or turns a page only what was found."""
    payment = payments.view(membership.client, reference, looked(membership))
    wanted = _by_htmx() and request.headers.get("HX-Target") == "found"
    if not wanted or payment.found is None or not _sees_lines(membership):
        return page("payments/payment.html", membership, payment)
    turned = request.headers.get("HX-Trigger") in ("vorige", "volgende")
    answer = page("payments/_results_update.html", membership, payment, turned=turned)
    answer.headers["HX-Replace-Url"] = address(membership, payment, lasting(payment.found.look))
    return answer


@blueprint.get("/<client>/betalingen/<reference>/status")
@for_client(ALL)
def status(membership, reference):
    """The payment's live part when it has changed since the page last looked; nothing otherwise."""
    payment = payments.view(membership.client, reference, looked(membership))
    order_id = payments.order_to_ask(payment)
    if order_id is not None:
        wake("follow_order", order_id)
    if not _by_htmx():
        return goto(address(membership, payment))
    if unchanged(_mark(payment, _eyes(membership, payment))):
        return "", 204
    return page("payments/_live_update.html", membership, payment)


# --- changing -------------------------------------------------------------------------------------
@blueprint.post("/<client>/betalingen/<reference>/regels/<int:line_id>")
@for_client(ALL)
def judge(membership, reference, line_id):
    """✗ or ✓; the line, the total and the button follow at once."""
    verdicts = {"refuse": approval.refuse_line, "accept": approval.accept_line}
    verdict = verdicts.get(request.args.get("verdict", ""))
    if verdict is None:
        abort(400)
    _require_lines(membership)
    try:
        judged = verdict(membership.client, membership.user, reference, line_id)
    except NotFound:
        raise
    except DomainError as error:
        return as_it_stands(membership, reference, say(error), up=True)
    if not _by_htmx():
        return goto(address(membership, reference, f"{query(looked(membership))}#regel-{line_id}"))
    after = payments.view(membership.client, reference, looked(membership))
    if request.form.get("shown") != judged.before or after.digest != judged.after:
        # somebody else is at work too: the button may not carry the digest of lines that this page shows differently
        return as_it_stands(membership, reference, say(BatchChanged()), up=True)
    row = payments.line(after.id, line_id)
    if not judged.alone:
        return as_it_stands(membership, reference, spoken=line_words.judged(row, after))
    return page("payments/_line_update.html", membership, after, row=row)


def _sees_lines(membership) -> bool:
    return confidential.sees_lines(membership.role, membership.client)


def _require_lines(membership) -> None:
    """Who does not see the lines judges none of them."""
    if not _sees_lines(membership):
        abort(403)


@blueprint.post("/<client>/betalingen/<reference>/alles")
@for_client(ALL)
def accept_all(membership, reference):
    """Takes back every ✗."""
    _require_lines(membership)
    try:
        back = approval.accept_all(membership.client, membership.user, reference)
    except DomainError as error:
        if isinstance(error, NotFound):
            raise
        return as_it_stands(membership, reference, say(error), up=True)
    done = line_words.all_back(payments.view(membership.client, reference, Look()), back)
    return as_it_stands(membership, reference, spoken=done, done=done)


@blueprint.route("/<client>/betalingen/<reference>/wijzigen", methods=["GET", "POST"])
@for_client(ALL)
def change(membership, reference):
    """The pencil: another day, another account."""
    payment = payments.view(membership.client, reference, Look())
    if payment.state not in ("open", "approved"):
        return goto(address(membership, payment))
    accounts = payments.account_choices(membership.client)
    form = ChangeForm(account=payment.account.id)
    form.account.choices = [(account.id, account.iban) for account in accounts]
    if form.validate_on_submit() and _changed(membership, payment, form):
        flash(_("De betaling is aangepast."), "good")
        return goto(address(membership, payment))
    return _sheet(membership, payment, form, accounts)


def _changed(membership, payment: Payment, form: ChangeForm) -> bool:
    """Change day and account, or say beside the field why not. The proposed day, left alone, stays a proposal."""
    day = form.execution_date.data
    if day == payment.execution_date and not payment.date_fixed:
        day = None
    try:
        approval.change(membership.client, membership.user, payment.reference, day, form.account.data)
    except DomainError as error:
        if isinstance(error, NotFound):
            raise
        field = form.execution_date if isinstance(error, DateInvalid) else form.account
        field.errors = [say(error)]
        return False
    return True


def _sheet(membership, payment: Payment, form: ChangeForm, accounts: list) -> Response:
    """The month that is asked for, or that of the day which was chosen so far."""
    asked = request.args.get("execution_date", type=date.fromisoformat)
    chosen = form.execution_date.data or asked or payment.execution_date
    month = _month(request.args.get("maand"), chosen)
    weeks, today = payments.calendar(replace(payment, execution_date=chosen), month), today_amsterdam()
    elsewhere = chosen >= today and words.chosen_elsewhere(chosen, weeks)
    return page(
        "payments/change.html", membership, payment, 422 if form.errors else 200, form=form, accounts=accounts,
        month=month, weeks=weeks, before=_beside(month, -1), after=_beside(month, 1), today=today,
        kept=chosen if elsewhere else None,
    )  # fmt: skip


def _month(text: str | None, chosen: date) -> date:
    """The first day of the month that is asked for, within the year in which a day can be chosen."""
    try:
        month = date.fromisoformat(f"{text}-01") if text else chosen.replace(day=1)
    except ValueError:
        month = chosen.replace(day=1)
    first, last = _months()
    return min(max(month, first), last)


def _months() -> tuple[date, date]:
    now = today_amsterdam().replace(day=1)
    return now, now.replace(year=now.year + 1)


def _beside(month: date, step: int) -> str:
    """The month before or after, as an address writes it; empty when nothing can be chosen there."""
    number = month.year * 12 + month.month - 1 + step
    beside, (first, last) = date(number // 12, number % 12 + 1, 1), _months()
    return f"{beside:%Y-%m}" if first <= beside <= last else ""


# --- what has to be read first ---
@blueprint.route("/<client>/betalingen/<reference>/lezen", methods=["GET", "POST"])
@for_client(ALL)
def read(membership, reference):
    """What is so unusual that it must be read before *Betaal* works. Who may pay says that it was read."""
    payment = payments.view(membership.client, reference)
    if request.method == "POST":
        if membership.role not in MAY_PAY:
            abort(403)
        approval.open_cautions(membership.client, membership.user, reference, request.form.getlist("seen"))
        return goto(address(membership, payment))
    if not payment.cautions:
        return goto(address(membership, payment))
    return page("payments/warnings.html", membership, payment)


# --- approving ------------------------------------------------------------------------
@blueprint.post("/<client>/betalingen/<reference>/betalen")
@for_client(MAY_PAY)
@approving
def pay(membership, reference):
    """Betaal: where the bank signs this releases; under delegated signing the pin comes first."""
    payment = payments.view(membership.client, reference)
    shown = PayForm().shown.data or ""
    if payment.state != "open":  # pressed twice: how it stands is the answer
        return as_it_stands(membership, reference, up=True)
    try:
        if shown != payment.digest:
            raise BatchChanged
        if not payment.lines_payable:
            approval.discard(membership.client, membership.user, reference)
        elif payment.unopened:
            raise CautionsUnopened
        elif payment.needs_pin:
            return goto(address(membership, payment, f"/pincode?shown={shown}"))
        else:
            _approved(release(membership, reference, shown, "session", psu()))
    except NotFound:
        raise
    except DomainError as error:
        return as_it_stands(membership, reference, say(error), up=True)
    return as_it_stands(membership, reference, up=True)


def _approved(row: Release | Approval) -> None:
    """It goes to the bank now; or a second person is told that it waits for them."""
    if isinstance(row, Approval):
        wake("send_mails")
    else:
        wake("send_order", row.batch_id)


@blueprint.route("/<client>/betalingen/<reference>/pincode", methods=["GET", "POST"])
@for_client(MAY_PAY)
@approving
def pin(membership, reference):
    """What is signed is what was shown: the digest comes along from the payment's page.

    Total, count, day, account and reference stand where the pin is typed.
    """
    payment = payments.view(membership.client, reference, Look())
    if payment.state != "open" or not payment.needs_pin or not payment.lines_payable:
        return goto(address(membership, payment))
    form = PinForm(shown=request.args.get("shown"))
    if not form.shown.data:
        return goto(address(membership, payment))
    if form.shown.data != payment.digest:
        return back(membership, reference, BatchChanged())
    if payment.unopened:
        return back(membership, reference, CautionsUnopened())
    if not form.validate_on_submit():
        return _pin_page(membership, payment, form)
    attempts.spend("pin.user", membership.user_id)
    try:
        row = release(membership, reference, form.shown.data, "pin", psu(), form.pin.data, device=here())
    except PinWrong as error:
        form.pin.errors = [say(error)]
        return _pin_page(membership, payment, form)
    except (PinLocked, PinMissing) as error:
        flash(say(error), "bad")
        wake("send_mails")
        return goto(f"/{membership.client.public_id}/pincode")
    except DomainError as error:
        return back(membership, reference, error)
    attempts.forget("pin.user", membership.user_id)
    _approved(row)
    return goto(address(membership, payment))


@blueprint.post("/<client>/betalingen/<reference>/passkey/vraag")
@for_client(MAY_PAY)
@approving
def ask_passkey(membership, reference):
    """What a passkey signs is made of the payment that was shown."""
    if request.form.get("shown") != payments.view(membership.client, reference).digest:
        abort(409)
    return options(passkeys.ask_release(membership.user, sessions.key(), request.form["shown"]))


@blueprint.post("/<client>/betalingen/<reference>/passkey")
@for_client(MAY_PAY)
@approving
def sign_with_passkey(membership, reference):
    """A passkey in the place of the pin: it signs this very payment."""
    shown, signed = request.form.get("shown", ""), SignedWith(request.form.get("answer", ""), sessions.key())
    try:
        row = release(membership, reference, shown, "passkey", psu(), passkey=signed)
    except PasskeyRefused as error:
        flash(say(error), "bad")
        return goto(address(membership, reference, f"/pincode?shown={shown}"))
    except DomainError as error:
        return back(membership, reference, error)
    _approved(row)
    return goto(address(membership, reference))


def _pin_page(membership, payment: Payment, form: PinForm) -> Response:
    template = "payments/_pin.html" if _by_htmx() else "payments/pin.html"
    return page(
        template, membership, payment, 422 if form.errors else 200, form=form,
        has_passkey=passkeys.any_of(membership.user),
    )  # fmt: skip


@blueprint.post("/<client>/betalingen/<reference>/opnieuw")
@for_client(MAY_PAY)
def again(membership, reference):
    """The same payment once more after a refusal: as a new order, approved anew."""
    try:
        approval.reopen(membership.client, membership.user, reference)
    except DomainError as error:
        return back(membership, reference, error)
    return goto(address(membership, reference))
