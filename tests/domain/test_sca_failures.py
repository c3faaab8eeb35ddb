"""SCA in two windows, repeated, killed half-way, and with a bank in each of its moods. Against the sandbox's bank."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.bank import port
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
    SigningRefused,
)
from domain.common.services import configure, services
from domain.operations import key_rotation
from domain.orders import sca_state
from domain.orders.sca_state import ScaStep
from models import BankCall, BankOrder, Batch, ScaSession, TokenRevocation, database, transaction
from tests.support.books import require_right_books
from tests.support.factories import Demo
from tests.support.sandbox import Sandbox
from tests.support.sca import (
    Killed,
    begin,
    choose,
    claims_run_out,
    dies_after,
    enter,
    lives,
    observe_bank_with,
    step_of,
    with_challenge,
    wrong,
)
from tests.support.signing import (
    at_the_bank,
    followed,
    reader,
    signing_by,
)
from tests.support.tampering_proxy import Meddler


@pytest.fixture(autouse=True)
def the_books_are_right(demo: Demo, request: pytest.FixtureRequest):
    yield
    require_right_books(request)


# --- two windows, replays, deaths -----------------------------------------------------------------
def test_two_windows_make_one_call(demo: Demo, sandbox: Sandbox, keys: Path):
    batch, challenge = with_challenge(demo, sandbox)
    code, met = reader(sandbox, challenge), []

    def other_window(request, answer) -> None:
        if request.method == "PUT":
            with pytest.raises(ScaInProgress):
                enter(demo, batch, code)
            met.append(request.method)

    observe_bank_with(keys, other_window)
    enter(demo, batch, code)
    assert met == ["PUT"]
    assert followed(batch).state == "signed"


def _on_its_own(demo: Demo, batch: Batch) -> ScaStep:
    with database.connection_context():
        return begin(demo, batch)


def test_a_user_joins_the_sca_that_the_worker_starts(demo: Demo, sandbox: Sandbox):
    """While the bank is answering the worker, the user waits for that answer; the bank is called once."""
    sandbox.fault(bank_sign_not_ready=True)
    batch = at_the_bank(demo)
    sandbox.fault(bank_sign_not_ready=False, bank_slow=True)
    begun = BankCall.select().where(BankCall.operation == "authorise", BankCall.outcome == "answered")
    assert (step_of(demo, batch).how, begun.count()) == ("begin", 0)
    with ThreadPoolExecutor(2) as both:
        steps = list(both.map(lambda _: _on_its_own(demo, batch), range(2)))
    assert (steps[0].how, steps[1]) == ("page", steps[0])
    assert begun.count() == 1


def test_a_repeated_code_changes_nothing(demo: Demo, sandbox: Sandbox):
    batch, challenge = with_challenge(demo, sandbox)
    code = reader(sandbox, challenge)
    enter(demo, batch, code)
    calls = BankCall.select().where(BankCall.operation == "authorise").count()
    with pytest.raises(NotOpen):
        enter(demo, batch, code)
    assert BankCall.select().where(BankCall.operation == "authorise").count() == calls


def test_a_method_chosen_in_another_window_is_kept(demo: Demo, sandbox: Sandbox):
    batch, challenge = with_challenge(demo, sandbox)
    assert choose(demo, batch, "sms").challenge == (challenge,)


def test_a_method_that_the_bank_did_not_offer_is_refused(demo: Demo, sandbox: Sandbox):
    signing_by(sandbox, "embedded")
    batch = at_the_bank(demo)
    with pytest.raises(NotFound):
        choose(demo, batch, "postduif")


def test_a_worker_killed_before_recording_the_start(demo: Demo, sandbox: Sandbox, keys: Path):
    signing_by(sandbox, "embedded")
    sandbox.fault(bank_sign_not_ready=True)
    batch = at_the_bank(demo)
    sandbox.fault(bank_sign_not_ready=False)
    dies_after(keys, "POST")
    with pytest.raises(Killed):
        begin(demo, batch)
    lives(keys)
    with pytest.raises(ScaInProgress):
        begin(demo, batch)
    claims_run_out()
    step = begin(demo, batch)
    assert (step.how, step.may_give_up) == ("method", False), "what was begun unseen may be signed elsewhere"
    enter(demo, batch, reader(sandbox, choose(demo, batch).challenge[0]))
    assert followed(batch).state == "signed"


def test_a_process_killed_after_the_code(demo: Demo, sandbox: Sandbox, keys: Path):
    batch, challenge = with_challenge(demo, sandbox)
    dies_after(keys, "PUT")
    with pytest.raises(Killed):
        enter(demo, batch, reader(sandbox, challenge))
    lives(keys)
    assert followed(batch).state == "signed"


def test_an_expired_lease_never_overwrites_a_later_answer(demo: Demo, sandbox: Sandbox):
    batch, _challenge = with_challenge(demo, sandbox)
    old = sca_state.acquire_sca_session(BankOrder.get().id)
    claims_run_out()
    newer = sca_state.acquire_sca_session(BankOrder.get().id)
    sca_state.save_sca_status(newer, "failed")
    sca_state.save_sca_status(old, "finalised")
    assert step_of(demo, batch).how == "failed"


@pytest.mark.planted
def test_a_closed_order_is_not_signed(demo: Demo, sandbox: Sandbox):
    """A window loaded before the order ended, and used after."""
    with_challenge(demo, sandbox)
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
        begin(demo, batch)
    sandbox.fault(bank_sign_not_ready=False)
    assert begin(demo, batch).how == "method"


@pytest.mark.parametrize("fault", ["bank_down", "bank_cut"])
def test_an_unanswered_code_has_an_unknown_outcome(demo: Demo, sandbox: Sandbox, fault: str):
    batch, challenge = with_challenge(demo, sandbox)
    code = reader(sandbox, challenge)
    sandbox.fault(**{fault: True})
    with pytest.raises((ScaOutcomeUnknown, SigningRefused)):
        enter(demo, batch, code)
    sandbox.fault(**{fault: False})
    assert followed(batch).state == "at_bank"
    enter(demo, batch, code)
    assert followed(batch).state == "signed"


def test_after_a_lost_answer_the_code_can_be_repeated(demo: Demo, sandbox: Sandbox, between: Meddler):
    batch, challenge = with_challenge(demo, sandbox)
    path = f"/authorisations/{BankOrder.get().authorisation_id}"
    between.changes[path] = lambda body: b"<html>??"
    with pytest.raises(ScaOutcomeUnknown):
        enter(demo, batch, reader(sandbox, challenge))
    assert Batch.get_by_id(batch.id).state == "signed", "the bank was asked at once"


def test_an_unreachable_bank_is_reported(demo: Demo, sandbox: Sandbox):
    batch, challenge = with_challenge(demo, sandbox)
    gone = replace(services().banks.configs()["redirect"], base_url="http://127.0.0.1:9/bank/redirect")
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

    before = services()
    configure(replace(before, banks=Moved()))
    with pytest.raises(BankUnavailable):
        enter(demo, batch, reader(sandbox, challenge))
    configure(before)
    assert step_of(demo, batch).how == "code"


@pytest.mark.parametrize("fault", ["bank_relative_links", "bank_slow_status", "bank_problem_json"])
def test_variants_of_the_standard(demo: Demo, sandbox: Sandbox, fault: str):
    sandbox.fault(**{fault: True})
    batch, challenge = with_challenge(demo, sandbox)
    with pytest.raises(InvalidScaCode):
        enter(demo, batch, wrong(reader(sandbox, challenge)))
    enter(demo, batch, reader(sandbox, challenge))
    sandbox.fault(**{fault: False})
    assert followed(batch).state == "signed"


def test_a_redirect_to_another_host_is_refused(demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_foreign_redirect=True)
    batch = at_the_bank(demo)
    with pytest.raises(ScaOutcomeUnknown):
        begin(demo, batch)
    sandbox.fault(bank_foreign_redirect=False)
    assert begin(demo, batch).how == "page"


@pytest.mark.planted
def test_an_sca_in_progress_survives_key_rotation(demo: Demo, sandbox: Sandbox):
    batch, challenge = with_challenge(demo, sandbox)
    with transaction(demo.client.id):
        token_revocations.schedule_revocation("nmbrs", demo.client.id, "connection:1", "a-refresh-token")
    old, new = {"k1": b"1" * 32}, {"k2": b"2" * 32}
    before = services()
    configure(replace(before, keyring=Keyring(old | new, "k2")))
    assert key_rotation.rotate_keys() >= 4, "the order, its session in two columns, the revocation"
    assert key_rotation.rotate_keys() == 0
    configure(replace(before, keyring=Keyring(new, "k2")))
    assert step_of(demo, batch).challenge == (challenge,)
    row = TokenRevocation.get()
    assert decrypt(row.token_encrypted, "token_revocation", row.client_id, row.subject) == "a-refresh-token"
    configure(before)


def test_links_and_answers_are_encrypted(demo: Demo, sandbox: Sandbox):
    _batch, challenge = with_challenge(demo, sandbox)
    (row,) = ScaSession.select()
    assert (row.purpose, row.sca_status, row.lease_until) == ("payment", "scaMethodSelected", None)
    assert row.authorisation_id == BankOrder.get().authorisation_id
    written = repr(row.__data__)
    assert sandbox.url not in written
    assert challenge not in written


def test_a_lease_ends_by_expiry_or_release(demo: Demo, sandbox: Sandbox):
    with_challenge(demo, sandbox)
    order = BankOrder.get()
    lease = sca_state.acquire_sca_session(order.id)
    with pytest.raises(ScaInProgress):
        sca_state.acquire_sca_session(order.id)
    assert not sca_state.switch_to_cancellation(order, {}), "somebody is speaking to the bank"
    sca_state.release_sca_session(lease)
    lease = sca_state.acquire_sca_session(order.id)
    assert not lease.document["elsewhere"]
    claims_run_out()
    assert sca_state.acquire_sca_session(order.id).document["elsewhere"], "the earlier caller may have reached the bank"


def test_there_is_nothing_to_sign_before_submission(demo: Demo):
    batch = demo.batch()
    with pytest.raises(NotOpen):
        begin(demo, batch)
