"""SCA at the bank in each approach, and each way in which it can fail. Against the sandbox's bank."""

import base64
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.bank import port
from connectors.bank.berlin_group import BerlinGroupBank
from connectors.bank.directory import HttpDirectory
from connectors.bank.http_signatures import development_identity
from core.clock import utcnow
from core.encryption import Keyring
from domain.common import token_revocations
from domain.common.encryption import decrypt
from domain.common.errors import (
    BankUnavailable,
    InvalidScaCode,
    NotFound,
    NotOpen,
    ScaInProgress,
    ScaOutcomeUnknown,
    SigningFailed,
    SigningRefused,
)
from domain.common.services import configure, services
from domain.operations import key_rotation
from domain.orders import sca, sca_state
from domain.orders.sca_state import ScaStep
from domain.payroll import reopening
from models import AuditEvent, BankCall, BankOrder, Batch, ScaSession, TokenRevocation, database, transaction
from tests.support.books import require_right_books
from tests.support.factories import PSU, Demo
from tests.support.sandbox import Sandbox
from tests.support.signing import (
    at_the_bank,
    followed,
    in_the_app,
    reader,
    second_signs,
    signing_by,
    text_message,
)
from tests.support.tampering_proxy import Meddler, meddler

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


class Killed(BaseException):
    """Raised where a process would be killed."""


@pytest.fixture(autouse=True)
def the_books_are_right(demo: Demo, request: pytest.FixtureRequest):
    yield
    require_right_books(request)


@pytest.fixture
def between(world: object, sandbox: Sandbox) -> Iterator[Meddler]:
    """Every call to the bank passes here."""
    with meddler(sandbox.url) as found:
        configure(replace(_world(), banks=HttpDirectory(f"{found.url}/banks", ttl_seconds=0)))
        yield found


def _world():
    return services()


def _observing(keys: Path, look: Callable) -> None:
    """From now on this is told of each exchange with the bank, before we record anything of it."""
    configure(replace(_world(), bank=BerlinGroupBank(development_identity(keys), read_timeout=5, observe=look)))


def _begin(demo: Demo, batch: Batch, again: bool = False) -> ScaStep:
    return sca.start_sca(demo.client, demo.user, batch.reference, PSU, again)


def _choose(demo: Demo, batch: Batch, method: str = "lezer") -> ScaStep:
    return sca.choose_method(demo.client, demo.user, batch.reference, PSU, method)


def _code(demo: Demo, batch: Batch, code: str) -> ScaStep:
    return sca.submit_otp(demo.client, demo.user, batch.reference, PSU, code)


def _step(demo: Demo, batch: Batch) -> ScaStep:
    return sca.step_of_payment(demo.view(batch))


def _with_challenge(demo: Demo, sandbox: Sandbox) -> tuple[Batch, str]:
    """Return a payment whose challenge is known, and the challenge."""
    signing_by(sandbox, "embedded")
    batch = at_the_bank(demo)
    _begin(demo, batch)
    return batch, _choose(demo, batch).challenge[0]


def _wrong(right: str) -> str:
    return f"{(int(right) + 1) % 10**6:06d}"


# --- each way -------------------------------------------------------------------------------------
def test_redirect_sca(demo: Demo):
    batch = at_the_bank(demo)
    step = _begin(demo, batch)
    assert (step.how, bool(step.url)) == ("page", True)
    assert _begin(demo, batch) == step, "the same page, however often it is asked"
    assert BankCall.select().where(BankCall.operation == "authorise").count() == 1


def test_decoupled_sca(demo: Demo, sandbox: Sandbox):
    signing_by(sandbox, "decoupled")
    batch = at_the_bank(demo)
    step = _begin(demo, batch)
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
    step = _begin(demo, batch)
    assert (step.how, [one["authenticationMethodId"] for one in step.methods]) == ("method", ["lezer", "sms"])
    step = _choose(demo, batch)
    assert (step.how, step.digits_only, step.longest, step.chosen) == ("code", True, 6, "Bankpas en lezer")
    assert "EUR 8.559,16, 3 betalingen" in step.instruction, "what the bank obliges us to show"
    code = reader(sandbox, step.challenge[0])
    _code(demo, batch, f" {code[:3]} {code[3:]} ")
    assert Batch.get_by_id(batch.id).state == "signed"


def test_embedded_sca_with_a_text_message(demo: Demo, sandbox: Sandbox):
    signing_by(sandbox, "embedded")
    batch = at_the_bank(demo)
    step = _choose(demo, batch, "sms")
    assert (step.how, step.challenge) == ("code", ())
    _code(demo, batch, text_message(sandbox))
    assert followed(batch).state == "signed"


def test_a_single_method_needs_no_choice(demo: Demo, sandbox: Sandbox):
    signing_by(sandbox, "embedded")
    sandbox.fault(bank_one_method=True)
    batch = at_the_bank(demo)
    step = _begin(demo, batch)
    assert (step.how, step.may_begin_again) == ("code", False)
    _code(demo, batch, reader(sandbox, step.challenge[0]))
    assert followed(batch).state == "signed"


def test_another_method_can_be_chosen(demo: Demo, sandbox: Sandbox):
    batch, _challenge = _with_challenge(demo, sandbox)
    assert _begin(demo, batch, again=True).how == "method"
    _choose(demo, batch, "sms")
    _code(demo, batch, text_message(sandbox))
    assert followed(batch).state == "signed"


@pytest.mark.parametrize("way", ["decoupled", "embedded"])
def test_a_second_signature_at_the_bank_is_awaited(demo: Demo, sandbox: Sandbox, way: str):
    signing_by(sandbox, way)
    sandbox.fault(bank_two_signers=True)
    batch = at_the_bank(demo)
    if way == "embedded":
        _code(demo, batch, reader(sandbox, _choose(demo, batch).challenge[0]))
    else:
        in_the_app(sandbox)
    assert followed(batch).state == "at_bank"
    step = _begin(demo, batch)
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
    step = _step(demo, batch)
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
    step = _begin(demo, batch)
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
    batch, challenge = _with_challenge(demo, sandbox)
    right = reader(sandbox, challenge)
    with pytest.raises(InvalidScaCode) as caught:
        _code(demo, batch, _wrong(right))
    assert "Nog 2 keer" in caught.value.text
    assert "Nog" not in str(caught.value)
    assert _step(demo, batch).challenge == (challenge,), "the same challenge: nothing was lost"
    _code(demo, batch, right)
    assert followed(batch).state == "signed"


def test_three_wrong_codes_end_the_order(demo: Demo, sandbox: Sandbox):
    batch, challenge = _with_challenge(demo, sandbox)
    wrong = _wrong(reader(sandbox, challenge))
    for _ in range(2):
        with pytest.raises(InvalidScaCode):
            _code(demo, batch, wrong)
    with pytest.raises(SigningFailed):
        _code(demo, batch, wrong)
    assert Batch.get_by_id(batch.id).state == "failed"
    assert BankOrder.get().state == "closed"
    with pytest.raises(NotOpen):
        _code(demo, batch, reader(sandbox, challenge))
    reopening.reopen_payment(demo.client, demo.user, batch.reference)
    again, challenge = _again(demo, batch)
    _code(demo, again, reader(sandbox, challenge))
    assert followed(again).state == "signed"


def _again(demo: Demo, batch: Batch) -> tuple[Batch, str]:
    sent = at_the_bank(demo, batch)
    return sent, _choose(demo, sent).challenge[0]


def test_no_code_is_stored(demo: Demo, sandbox: Sandbox):
    batch, challenge = _with_challenge(demo, sandbox)
    code = reader(sandbox, challenge)
    _code(demo, batch, code)
    kept = repr([row.__data__ for table in (BankCall, AuditEvent) for row in table.select()])
    stored = json.dumps(sca_state.load_sca_document(BankOrder.get()))
    assert f'"{code}"' not in stored
    assert f"'{code}'" not in kept


def test_an_expired_authorisation_fails(demo: Demo, sandbox: Sandbox):
    batch, challenge = _with_challenge(demo, sandbox)
    code = reader(sandbox, challenge)
    sandbox.fault(bank_sca_expired=True)
    assert followed(batch).state == "rejected"
    with pytest.raises(NotOpen):
        _code(demo, batch, code)
    reopening.reopen_payment(demo.client, demo.user, batch.reference)


def test_abandoning_ends_the_order_unsigned(demo: Demo, sandbox: Sandbox):
    batch, challenge = _with_challenge(demo, sandbox)
    sca.abandon_signing(demo.client, demo.user, batch.reference)
    ended = Batch.get_by_id(batch.id)
    assert (ended.state, ended.state_reason, BankOrder.get().state) == ("failed", "given_up", "closed")
    with pytest.raises(NotOpen):
        _code(demo, batch, reader(sandbox, challenge))
    assert sandbox.control("GET", "orders")[0]["status"] == "ACTC", "nobody signed"


def test_a_signed_order_cannot_be_abandoned(demo: Demo, sandbox: Sandbox, keys: Path):
    """The process dies after the code reached the bank: abandoning asks the bank, which has signed."""
    batch, challenge = _with_challenge(demo, sandbox)
    _dies_after(keys, "PUT")
    with pytest.raises(Killed):
        _code(demo, batch, reader(sandbox, challenge))
    _lives(keys)
    with pytest.raises(ScaInProgress):
        sca.abandon_signing(demo.client, demo.user, batch.reference)
    _claims_run_out()
    with pytest.raises(NotOpen):
        sca.abandon_signing(demo.client, demo.user, batch.reference)
    assert Batch.get_by_id(batch.id).state == "signed"


def test_decoupled_sca_cannot_be_abandoned(demo: Demo, sandbox: Sandbox):
    signing_by(sandbox, "decoupled")
    batch = at_the_bank(demo)
    with pytest.raises(NotOpen):
        sca.abandon_signing(demo.client, demo.user, batch.reference)


# --- two windows, replays, deaths -----------------------------------------------------------------
def test_two_windows_make_one_call(demo: Demo, sandbox: Sandbox, keys: Path):
    batch, challenge = _with_challenge(demo, sandbox)
    code, met = reader(sandbox, challenge), []

    def other_window(request, answer) -> None:
        if request.method == "PUT":
            with pytest.raises(ScaInProgress):
                _code(demo, batch, code)
            met.append(request.method)

    _observing(keys, other_window)
    _code(demo, batch, code)
    assert met == ["PUT"]
    assert followed(batch).state == "signed"


def _on_its_own(demo: Demo, batch: Batch) -> ScaStep:
    with database.connection_context():
        return _begin(demo, batch)


def test_a_user_joins_the_sca_that_the_worker_starts(demo: Demo, sandbox: Sandbox):
    """While the bank is answering the worker, the user waits for that answer; the bank is called once."""
    sandbox.fault(bank_sign_not_ready=True)
    batch = at_the_bank(demo)
    sandbox.fault(bank_sign_not_ready=False, bank_slow=True)
    begun = BankCall.select().where(BankCall.operation == "authorise", BankCall.outcome == "answered")
    assert (_step(demo, batch).how, begun.count()) == ("begin", 0)
    with ThreadPoolExecutor(2) as both:
        steps = list(both.map(lambda _: _on_its_own(demo, batch), range(2)))
    assert (steps[0].how, steps[1]) == ("page", steps[0])
    assert begun.count() == 1


def test_a_repeated_code_changes_nothing(demo: Demo, sandbox: Sandbox):
    batch, challenge = _with_challenge(demo, sandbox)
    code = reader(sandbox, challenge)
    _code(demo, batch, code)
    calls = BankCall.select().where(BankCall.operation == "authorise").count()
    with pytest.raises(NotOpen):
        _code(demo, batch, code)
    assert BankCall.select().where(BankCall.operation == "authorise").count() == calls


def test_a_method_chosen_in_another_window_is_kept(demo: Demo, sandbox: Sandbox):
    batch, challenge = _with_challenge(demo, sandbox)
    assert _choose(demo, batch, "sms").challenge == (challenge,)


def test_a_method_that_the_bank_did_not_offer_is_refused(demo: Demo, sandbox: Sandbox):
    signing_by(sandbox, "embedded")
    batch = at_the_bank(demo)
    with pytest.raises(NotFound):
        _choose(demo, batch, "postduif")


def _dies_after(keys: Path, method: str) -> None:
    def die(request, answer) -> None:
        if request.method == method and "/authorisations" in request.url and answer is not None:
            raise Killed

    _observing(keys, die)


def _lives(keys: Path) -> None:
    _observing(keys, lambda request, answer: None)


def _claims_run_out() -> None:
    held = ScaSession.lease_until.is_null(False)
    ScaSession.update(lease_until=utcnow() - timedelta(seconds=1)).where(held).execute()


def test_a_worker_killed_before_recording_the_start(demo: Demo, sandbox: Sandbox, keys: Path):
    signing_by(sandbox, "embedded")
    sandbox.fault(bank_sign_not_ready=True)
    batch = at_the_bank(demo)
    sandbox.fault(bank_sign_not_ready=False)
    _dies_after(keys, "POST")
    with pytest.raises(Killed):
        _begin(demo, batch)
    _lives(keys)
    with pytest.raises(ScaInProgress):
        _begin(demo, batch)
    _claims_run_out()
    step = _begin(demo, batch)
    assert (step.how, step.may_give_up) == ("method", False), "what was begun unseen may be signed elsewhere"
    _code(demo, batch, reader(sandbox, _choose(demo, batch).challenge[0]))
    assert followed(batch).state == "signed"


def test_a_process_killed_after_the_code(demo: Demo, sandbox: Sandbox, keys: Path):
    batch, challenge = _with_challenge(demo, sandbox)
    _dies_after(keys, "PUT")
    with pytest.raises(Killed):
        _code(demo, batch, reader(sandbox, challenge))
    _lives(keys)
    assert followed(batch).state == "signed"


def test_an_expired_lease_never_overwrites_a_later_answer(demo: Demo, sandbox: Sandbox):
    batch, _challenge = _with_challenge(demo, sandbox)
    old = sca_state.acquire_sca_session(BankOrder.get().id)
    _claims_run_out()
    newer = sca_state.acquire_sca_session(BankOrder.get().id)
    sca_state.save_sca_status(newer, "failed")
    sca_state.save_sca_status(old, "finalised")
    assert _step(demo, batch).how == "failed"


@pytest.mark.planted
def test_a_closed_order_is_not_signed(demo: Demo, sandbox: Sandbox):
    """A window loaded before the order ended, and used after."""
    _with_challenge(demo, sandbox)
    order = BankOrder.get()
    BankOrder.update(state="closed").execute()
    with pytest.raises(NotOpen):
        sca_state.acquire_sca_session(order.id)


# --- the bank's moods -----------------------------------------------------------------------------
def test_an_order_may_not_be_signable_yet(demo: Demo, sandbox: Sandbox):
    signing_by(sandbox, "embedded")
    sandbox.fault(bank_sign_not_ready=True)
    batch = at_the_bank(demo)
    assert batch.state == "at_bank"
    with pytest.raises(SigningRefused):
        _begin(demo, batch)
    sandbox.fault(bank_sign_not_ready=False)
    assert _begin(demo, batch).how == "method"


@pytest.mark.parametrize("fault", ["bank_down", "bank_cut"])
def test_an_unanswered_code_has_an_unknown_outcome(demo: Demo, sandbox: Sandbox, fault: str):
    batch, challenge = _with_challenge(demo, sandbox)
    code = reader(sandbox, challenge)
    sandbox.fault(**{fault: True})
    with pytest.raises((ScaOutcomeUnknown, SigningRefused)):
        _code(demo, batch, code)
    sandbox.fault(**{fault: False})
    assert followed(batch).state == "at_bank"
    _code(demo, batch, code)
    assert followed(batch).state == "signed"


def test_after_a_lost_answer_the_code_can_be_repeated(demo: Demo, sandbox: Sandbox, between: Meddler):
    batch, challenge = _with_challenge(demo, sandbox)
    path = f"/authorisations/{BankOrder.get().authorisation_id}"
    between.changes[path] = lambda body: b"<html>??"
    with pytest.raises(ScaOutcomeUnknown):
        _code(demo, batch, reader(sandbox, challenge))
    assert Batch.get_by_id(batch.id).state == "signed", "the bank was asked at once"


def test_an_unreachable_bank_is_reported(demo: Demo, sandbox: Sandbox):
    batch, challenge = _with_challenge(demo, sandbox)
    gone = replace(_world().banks.configs()["redirect"], base_url="http://127.0.0.1:9/bank/redirect")
    order = BankOrder.get()
    document = sca_state.load_sca_document(order)
    links = document["authorisation"]["links"]
    links["authoriseTransaction"] = links["authoriseTransaction"].replace(sandbox.url, "http://127.0.0.1:9")
    sca_state.save_authorisation(
        sca_state.acquire_sca_session(order.id),
        port.Authorisation(None, "scaMethodSelected", links=links),
        afresh=False,
    )

    class Moved:
        def configs(self):
            return {"redirect": gone}

    before = _world()
    configure(replace(before, banks=Moved()))
    with pytest.raises(BankUnavailable):
        _code(demo, batch, reader(sandbox, challenge))
    configure(before)
    assert _step(demo, batch).how == "code"


@pytest.mark.parametrize("fault", ["bank_relative_links", "bank_slow_status", "bank_problem_json"])
def test_variants_of_the_standard(demo: Demo, sandbox: Sandbox, fault: str):
    sandbox.fault(**{fault: True})
    batch, challenge = _with_challenge(demo, sandbox)
    with pytest.raises(InvalidScaCode):
        _code(demo, batch, _wrong(reader(sandbox, challenge)))
    _code(demo, batch, reader(sandbox, challenge))
    sandbox.fault(**{fault: False})
    assert followed(batch).state == "signed"


def test_a_redirect_to_another_host_is_refused(demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_foreign_redirect=True)
    batch = at_the_bank(demo)
    with pytest.raises(ScaOutcomeUnknown):
        _begin(demo, batch)
    sandbox.fault(bank_foreign_redirect=False)
    assert _begin(demo, batch).how == "page"


@pytest.mark.planted
def test_an_sca_in_progress_survives_key_rotation(demo: Demo, sandbox: Sandbox):
    batch, challenge = _with_challenge(demo, sandbox)
    with transaction(demo.client.id):
        token_revocations.schedule_revocation("nmbrs", demo.client.id, "connection:1", "a-refresh-token")
    old, new = {"k1": b"1" * 32}, {"k2": b"2" * 32}
    before = services()
    configure(replace(before, keyring=Keyring(old | new, "k2")))
    assert key_rotation.rotate_keys() >= 4, "the order, its session in two columns, the revocation"
    assert key_rotation.rotate_keys() == 0
    configure(replace(before, keyring=Keyring(new, "k2")))
    assert _step(demo, batch).challenge == (challenge,)
    row = TokenRevocation.get()
    assert decrypt(row.token_encrypted, "token_revocation", row.client_id, row.subject) == "a-refresh-token"
    configure(before)


def test_links_and_answers_are_encrypted(demo: Demo, sandbox: Sandbox):
    _batch, challenge = _with_challenge(demo, sandbox)
    (row,) = ScaSession.select()
    assert (row.purpose, row.sca_status, row.lease_until) == ("payment", "scaMethodSelected", None)
    assert row.authorisation_id == BankOrder.get().authorisation_id
    written = repr(row.__data__)
    assert sandbox.url not in written
    assert challenge not in written


def test_a_lease_ends_by_expiry_or_release(demo: Demo, sandbox: Sandbox):
    _with_challenge(demo, sandbox)
    order = BankOrder.get()
    lease = sca_state.acquire_sca_session(order.id)
    with pytest.raises(ScaInProgress):
        sca_state.acquire_sca_session(order.id)
    assert not sca_state.switch_to_cancellation(order, {}), "somebody is speaking to the bank"
    sca_state.release_sca_session(lease)
    lease = sca_state.acquire_sca_session(order.id)
    assert not lease.document["elsewhere"]
    _claims_run_out()
    assert sca_state.acquire_sca_session(order.id).document["elsewhere"], "the earlier caller may have reached the bank"


def test_there_is_nothing_to_sign_before_submission(demo: Demo):
    batch = demo.batch()
    with pytest.raises(NotOpen):
        _begin(demo, batch)
