"""Release: exactly what was shown, within the limits, by an authorised person."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

import models
from core.bank_days import next_bank_day
from core.clock import today_amsterdam, utcnow
from domain.common.errors import (
    AuthorityRefused,
    BatchChanged,
    DateInvalid,
    DeviceUnconfirmed,
    DomainError,
    InsufficientRole,
    LimitExceeded,
    NothingToPay,
    NotOpen,
    PinWrong,
    ReidentificationRequired,
    WrongAuthenticationMethod,
)
from domain.payments import amendments, limits
from domain.payments.release import release
from models import BankAccount, Batch, Release, User
from tests.support.factories import OTHER_IBAN, PIN, PSU, Demo, authorise, make_client, make_device
from tests.support.sandbox import Sandbox


def _release(demo: Demo, batch: Batch, **changes) -> Release:
    given = {"shown": demo.view(batch).digest, "proof": "session", "psu": PSU} | changes
    row = release(demo.membership, batch.reference, **given)
    assert isinstance(row, Release)
    return row


def test_a_release_holds_what_was_shown(demo: Demo):
    batch = demo.batch()
    row = _release(demo, batch)
    assert (row.total_cents, row.line_count, row.authentication_method) == (855916, 3, "session")
    assert demo.view(batch).state == "approved"


def test_a_change_after_the_page_was_shown_refuses_the_release(demo: Demo):
    batch = demo.batch()
    seen = demo.view(batch)
    amendments.exclude_line(demo.client, demo.user, batch.reference, seen.lines[0].id)
    with pytest.raises(BatchChanged):
        _release(demo, batch, shown=seen.digest)
    assert demo.view(batch).state == "open"


def test_another_account_after_the_page_was_shown_refuses_the_release(demo: Demo):
    batch = demo.batch()
    seen = demo.view(batch)
    amendments.change_date_and_account(demo.client, demo.user, batch.reference, None, demo.other.id)
    with pytest.raises(BatchChanged):
        _release(demo, batch, shown=seen.digest)


@pytest.mark.parametrize("what", ["line", "date", "account"])
def test_every_change_voids_the_release(demo: Demo, what: str):
    batch = demo.batch()
    _release(demo, batch)
    later = next_bank_day(today_amsterdam() + timedelta(days=7))
    changes = {
        "line": lambda: amendments.exclude_line(demo.client, demo.user, batch.reference, demo.view(batch).lines[0].id),
        "date": lambda: amendments.change_date_and_account(
            demo.client, demo.user, batch.reference, later, demo.account.id
        ),
        "account": lambda: amendments.change_date_and_account(
            demo.client, demo.user, batch.reference, None, demo.other.id
        ),
    }
    changes[what]()
    assert demo.view(batch).state == "open"
    assert Release.get().voided_at is not None


def test_pressing_twice_gives_one_release(demo: Demo):
    batch = demo.batch()
    shown = demo.view(batch).digest
    _release(demo, batch, shown=shown)
    with pytest.raises(NotOpen):
        _release(demo, batch, shown=shown)
    assert Release.select().count() == 1


def test_parallel_presses_give_one_release(demo: Demo):
    batch = demo.batch()
    shown = demo.view(batch).digest

    def press(_: int) -> str:
        with models.database.connection_context():
            try:
                _release(demo, batch, shown=shown)
            except DomainError as error:
                return type(error).__name__
        return "released"

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(press, range(6)))
    assert outcomes.count("released") == 1
    assert outcomes.count("NotOpen") == 5


def test_a_payment_without_payable_lines_is_refused(demo: Demo):
    batch = demo.batch()
    for line in demo.view(batch).lines:
        amendments.exclude_line(demo.client, demo.user, batch.reference, line.id)
    with pytest.raises(NothingToPay):
        _release(demo, batch)
    amendments.discard(demo.client, demo.user, batch.reference)
    assert demo.view(batch).state == "discarded"


def test_a_payment_over_its_limit_is_refused(demo: Demo):
    limits.set_limits(demo.account, 855915, None, "anna")
    batch = demo.batch()
    with pytest.raises(LimitExceeded) as over:
        _release(demo, batch)
    assert (over.value.kind, over.value.limit_cents, over.value.total_cents) == ("payment", 855915, 855916)
    limits.set_limits(demo.account, 855916, None, "anna")
    _release(demo, batch)


def test_a_payment_over_the_daily_limit_is_refused(demo: Demo):
    limits.set_limits(demo.account, None, 855916 * 2 - 1, "anna")
    first, second = demo.batch(number=1), demo.batch(number=2)
    _release(demo, first)
    with pytest.raises(LimitExceeded) as over:
        _release(demo, second)
    assert over.value.kind == "day"
    assert demo.view(second).state == "open"


def test_a_void_release_does_not_count_for_the_daily_limit(demo: Demo):
    limits.set_limits(demo.account, None, 855916 * 2 - 1, "anna")
    first, second = demo.batch(number=1), demo.batch(number=2)
    _release(demo, first)
    amendments.change_date_and_account(demo.client, demo.user, first.reference, None, demo.other.id)
    _release(demo, second)


def test_parallel_releases_cannot_exceed_the_daily_limit(demo: Demo):
    limits.set_limits(demo.account, None, 855916 * 2 - 1, "anna")
    batches = [demo.batch(number=n) for n in (1, 2)]
    shown = [demo.view(batch).digest for batch in batches]

    def press(i: int) -> str:
        with models.database.connection_context():
            try:
                _release(demo, batches[i], shown=shown[i])
            except DomainError as error:
                return type(error).__name__
        return "released"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(press, range(2))) == ["LimitExceeded", "released"]


def test_a_preparer_never_releases(demo: Demo):
    demo.membership.role = "preparer"
    with pytest.raises(InsufficientRole):
        _release(demo, demo.batch())


def test_a_person_without_signing_authority_cannot_release(demo: Demo):
    batch = demo.batch()
    authorise(demo.client, demo.user, "not_authorised")
    with pytest.raises(AuthorityRefused):
        _release(demo, batch)


def test_a_payment_of_another_client_is_not_found(demo: Demo):
    batch = demo.batch()
    demo.membership = make_client(demo.user)
    with pytest.raises(DomainError) as error:
        release(demo.membership, batch.reference, "x", "session", PSU)
    assert type(error.value).__name__ == "NotFound"


def test_an_execution_date_that_is_no_bank_day_is_refused(demo: Demo):
    batch = demo.batch()
    for day, reason in ((date(2020, 11, 13), "past"), (date(today_amsterdam().year + 1, 1, 1), "not_a_bank_day")):
        with pytest.raises(DateInvalid) as invalid:
            amendments.change_date_and_account(demo.client, demo.user, batch.reference, day, demo.account.id)
        assert invalid.value.reason == reason
    assert Batch.get_by_id(batch.id).execution_date is None


def test_delegated_signing_requires_the_pin(demo: Demo, sandbox: Sandbox):
    sandbox.control("PUT", "banks/redirect", {"signing": "delegated"})
    batch = demo.batch()
    with pytest.raises(WrongAuthenticationMethod):
        _release(demo, batch)
    own = make_device(demo.user)
    with pytest.raises(PinWrong):
        _release(demo, batch, proof="pin", pin="111111", device=own)
    with pytest.raises(DeviceUnconfirmed):
        _release(demo, batch, proof="pin", pin=PIN)
    assert demo.view(batch).state == "open"
    assert _release(demo, batch, proof="pin", pin=PIN, device=own).authentication_method == "pin"


def test_after_a_reset_nothing_is_paid_until_a_newer_identification(demo: Demo):
    batch = demo.batch()
    User.update(password_reset_at=utcnow()).execute()
    with pytest.raises(ReidentificationRequired):
        _release(demo, batch)
    authorise(demo.client, demo.user, ago=timedelta(seconds=-1))
    assert _release(demo, batch).authentication_method == "session"


def test_a_pin_is_refused_where_the_bank_signs(demo: Demo):
    with pytest.raises(WrongAuthenticationMethod):
        _release(demo, demo.batch(), proof="pin", pin=PIN)


def test_the_shown_account_is_the_debtor(demo: Demo):
    batch = demo.batch()
    amendments.change_date_and_account(demo.client, demo.user, batch.reference, None, demo.other.id)
    assert _release(demo, batch).debtor_iban == OTHER_IBAN
    assert BankAccount.get_by_id(Batch.get_by_id(batch.id).bank_account_id).iban == OTHER_IBAN


def test_a_line_excluded_during_the_release_is_wholly_in_or_out(demo: Demo):
    """Either the release notices the exclusion and is refused, or the exclusion voids the release."""
    for number in range(1, 6):
        batch = demo.batch(number=number)
        seen = demo.view(batch)

        def press(seen=seen, batch=batch) -> None:
            with models.database.connection_context(), contextlib.suppress(DomainError):
                _release(demo, batch, shown=seen.digest)

        def strike(seen=seen, batch=batch) -> None:
            with models.database.connection_context():
                amendments.exclude_line(demo.client, demo.user, batch.reference, seen.lines[0].id)

        with ThreadPoolExecutor(2) as pool:
            for done in (pool.submit(press), pool.submit(strike)):
                done.result()
        assert demo.view(batch).state == "open"
        assert Release.select().where(Release.batch == batch.id, Release.voided_at.is_null()).count() == 0
