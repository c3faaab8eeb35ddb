"""SCA at the bank in each approach, wrong codes, and how it ends. Against the sandbox's bank."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest

from domain.common.errors import (
    InvalidScaCode,
    NotFound,
    NotOpen,
    ScaInProgress,
    SigningFailed,
)
from domain.orders import sca, sca_state
from domain.payroll import reopening
from models import AuditEvent, BankCall, BankOrder, Batch
from tests.support.books import require_right_books
from tests.support.factories import PSU, Demo
from tests.support.sandbox import Sandbox
from tests.support.sca import (
    Killed,
    begin,
    choose,
    claims_run_out,
    dies_after,
    enter,
    lives,
    step_of,
    with_challenge,
    wrong,
)
from tests.support.signing import (
    at_the_bank,
    followed,
    in_the_app,
    reader,
    second_signs,
    signing_by,
    text_message,
)
from tests.support.tampering_proxy import Meddler

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


@pytest.fixture(autouse=True)
def the_books_are_right(demo: Demo, request: pytest.FixtureRequest):
    yield
    require_right_books(request)


# --- each way -------------------------------------------------------------------------------------
def test_redirect_sca(demo: Demo):
    batch = at_the_bank(demo)
    step = begin(demo, batch)
    assert (step.how, bool(step.url)) == ("page", True)
    assert begin(demo, batch) == step, "the same page, however often it is asked"
    assert BankCall.select().where(BankCall.operation == "authorise").count() == 1


def test_decoupled_sca(demo: Demo, sandbox: Sandbox):
    signing_by(sandbox, "decoupled")
    batch = at_the_bank(demo)
    step = begin(demo, batch)
    assert step.how == "app"
    assert "Open de app van uw bank" in step.message
    assert not step.may_give_up, "in the app it could still be approved"
    assert followed(batch).state == "at_bank"
    assert in_the_app(sandbox) == 1
    assert followed(batch).state == "signed"


def test_decoupled_sca_refused_in_the_app(demo: Demo, sandbox: Sandbox):
    signing_by(sandbox, "decoupled")
    batch = at_the_bank(demo)
    in_the_app(sandbox, "weigeren")
    assert followed(batch).state in ("rejected", "failed")
    reopening.reopen_payment(demo.client, demo.user, batch.reference)
    assert demo.view(batch).state == "open"


def test_embedded_sca_with_a_card_reader(demo: Demo, sandbox: Sandbox):
    signing_by(sandbox, "embedded")
    batch = at_the_bank(demo)
    step = begin(demo, batch)
    assert (step.how, [one["authenticationMethodId"] for one in step.methods]) == ("method", ["lezer", "sms"])
    step = choose(demo, batch)
    assert (step.how, step.digits_only, step.longest, step.chosen) == ("code", True, 6, "Bankpas en lezer")
    assert "EUR 8.559,16, 3 betalingen" in step.instruction, "what the bank obliges us to show"
    code = reader(sandbox, step.challenge[0])
    enter(demo, batch, f" {code[:3]} {code[3:]} ")
    assert Batch.get_by_id(batch.id).state == "signed"


def test_embedded_sca_with_a_text_message(demo: Demo, sandbox: Sandbox):
    signing_by(sandbox, "embedded")
    batch = at_the_bank(demo)
    step = choose(demo, batch, "sms")
    assert (step.how, step.challenge) == ("code", ())
    enter(demo, batch, text_message(sandbox))
    assert followed(batch).state == "signed"


def test_a_single_method_needs_no_choice(demo: Demo, sandbox: Sandbox):
    signing_by(sandbox, "embedded")
    sandbox.fault(bank_one_method=True)
    batch = at_the_bank(demo)
    step = begin(demo, batch)
    assert (step.how, step.may_begin_again) == ("code", False)
    enter(demo, batch, reader(sandbox, step.challenge[0]))
    assert followed(batch).state == "signed"


def test_another_method_can_be_chosen(demo: Demo, sandbox: Sandbox):
    batch, _challenge = with_challenge(demo, sandbox)
    assert begin(demo, batch, again=True).how == "method"
    choose(demo, batch, "sms")
    enter(demo, batch, text_message(sandbox))
    assert followed(batch).state == "signed"


@pytest.mark.parametrize("way", ["decoupled", "embedded"])
def test_a_second_signature_at_the_bank_is_awaited(demo: Demo, sandbox: Sandbox, way: str):
    signing_by(sandbox, way)
    sandbox.fault(bank_two_signers=True)
    batch = at_the_bank(demo)
    if way == "embedded":
        enter(demo, batch, reader(sandbox, choose(demo, batch).challenge[0]))
    else:
        in_the_app(sandbox)
    assert followed(batch).state == "at_bank"
    step = begin(demo, batch)
    assert (step.how, step.may_give_up) == ("second", False)
    second_signs(sandbox, BankOrder.get().bank_payment_id or "")
    assert followed(batch).state == "signed"


def test_a_challenge_can_be_an_image(demo: Demo, sandbox: Sandbox, between: Meddler):
    signing_by(sandbox, "embedded")
    sandbox.fault(bank_one_method=True)

    def drawn(body: bytes) -> bytes:
        found = json.loads(body)
        if "challengeData" in found:
            found["challengeData"] = {"image": base64.b64encode(PNG).decode()}
        return json.dumps(found).encode()

    between.changes["/authorisations"] = drawn
    batch = at_the_bank(demo)
    step = step_of(demo, batch)
    assert (step.how, step.image, step.challenge) == ("code", True, ())
    assert sca.image(demo.client, batch.reference) == (PNG, "image/png")


@pytest.mark.parametrize("image", ["", "?", base64.b64encode(b"<svg xmlns='x'/>").decode(), None])
def test_an_invalid_image_is_not_shown(image: str | None):
    document = {"links": {}, "authorisation": {"challenge": {"image": image} if image is not None else None}}
    with pytest.raises(NotFound):
        sca_state.challenge_image(document)


def test_a_bank_can_ask_for_credentials(demo: Demo, sandbox: Sandbox, between: Meddler):
    """The password goes to the bank and is stored nowhere."""
    signing_by(sandbox, "embedded")
    product = "/pain.001-sepa-credit-transfers"
    between.changes[product] = lambda body: body.replace(
        b'"startAuthorisation"', b'"startAuthorisationWithPsuAuthentication"'
    )
    batch = at_the_bank(demo)
    step = begin(demo, batch)
    assert (step.how, step.wants_password) == ("login", True)
    who = replace(PSU, bank_user_id="wouter-bij-de-bank")
    step = sca.submit_credentials(demo.client, demo.user, batch.reference, who, "een-geheim-woord")
    assert step.how == "method"
    path, headers, body = between.seen[-1]
    assert path.endswith("/authorisations")
    assert json.loads(body) == {"psuData": {"password": "een-geheim-woord"}}
    assert headers["PSU-ID"] == "wouter-bij-de-bank"
    kept = repr([row.__data__ for table in (BankOrder, BankCall, AuditEvent) for row in table.select()])
    assert "geheim" not in kept + json.dumps(sca_state.load_sca_document(BankOrder.get()))


# --- wrong codes and the end ----------------------------------------------------------------------
def test_a_wrong_code_can_be_corrected(demo: Demo, sandbox: Sandbox):
    batch, challenge = with_challenge(demo, sandbox)
    right = reader(sandbox, challenge)
    with pytest.raises(InvalidScaCode) as caught:
        enter(demo, batch, wrong(right))
    assert "Nog 2 keer" in caught.value.text
    assert "Nog" not in str(caught.value)
    assert step_of(demo, batch).challenge == (challenge,), "the same challenge: nothing was lost"
    enter(demo, batch, right)
    assert followed(batch).state == "signed"


def test_three_wrong_codes_end_the_order(demo: Demo, sandbox: Sandbox):
    batch, challenge = with_challenge(demo, sandbox)
    other = wrong(reader(sandbox, challenge))
    for _ in range(2):
        with pytest.raises(InvalidScaCode):
            enter(demo, batch, other)
    with pytest.raises(SigningFailed):
        enter(demo, batch, other)
    assert Batch.get_by_id(batch.id).state == "failed"
    assert BankOrder.get().state == "closed"
    with pytest.raises(NotOpen):
        enter(demo, batch, reader(sandbox, challenge))
    reopening.reopen_payment(demo.client, demo.user, batch.reference)
    again, challenge = _again(demo, batch)
    enter(demo, again, reader(sandbox, challenge))
    assert followed(again).state == "signed"


def _again(demo: Demo, batch: Batch) -> tuple[Batch, str]:
    sent = at_the_bank(demo, batch)
    return sent, choose(demo, sent).challenge[0]


def test_no_code_is_stored(demo: Demo, sandbox: Sandbox):
    batch, challenge = with_challenge(demo, sandbox)
    code = reader(sandbox, challenge)
    enter(demo, batch, code)
    kept = repr([row.__data__ for table in (BankCall, AuditEvent) for row in table.select()])
    stored = json.dumps(sca_state.load_sca_document(BankOrder.get()))
    assert f'"{code}"' not in stored
    assert f"'{code}'" not in kept


def test_an_expired_authorisation_fails(demo: Demo, sandbox: Sandbox):
    batch, challenge = with_challenge(demo, sandbox)
    code = reader(sandbox, challenge)
    sandbox.fault(bank_sca_expired=True)
    assert followed(batch).state == "rejected"
    with pytest.raises(NotOpen):
        enter(demo, batch, code)
    reopening.reopen_payment(demo.client, demo.user, batch.reference)


def test_abandoning_ends_the_order_unsigned(demo: Demo, sandbox: Sandbox):
    batch, challenge = with_challenge(demo, sandbox)
    sca.abandon_signing(demo.client, demo.user, batch.reference)
    ended = Batch.get_by_id(batch.id)
    assert (ended.state, ended.state_reason, BankOrder.get().state) == ("failed", "given_up", "closed")
    with pytest.raises(NotOpen):
        enter(demo, batch, reader(sandbox, challenge))
    assert sandbox.control("GET", "orders")[0]["status"] == "ACTC", "nobody signed"


def test_a_signed_order_cannot_be_abandoned(demo: Demo, sandbox: Sandbox, keys: Path):
    """The process dies after the code reached the bank: abandoning asks the bank, which has signed."""
    batch, challenge = with_challenge(demo, sandbox)
    dies_after(keys, "PUT")
    with pytest.raises(Killed):
        enter(demo, batch, reader(sandbox, challenge))
    lives(keys)
    with pytest.raises(ScaInProgress):
        sca.abandon_signing(demo.client, demo.user, batch.reference)
    claims_run_out()
    with pytest.raises(NotOpen):
        sca.abandon_signing(demo.client, demo.user, batch.reference)
    assert Batch.get_by_id(batch.id).state == "signed"


def test_decoupled_sca_cannot_be_abandoned(demo: Demo, sandbox: Sandbox):
    signing_by(sandbox, "decoupled")
    batch = at_the_bank(demo)
    with pytest.raises(NotOpen):
        sca.abandon_signing(demo.client, demo.user, batch.reference)
