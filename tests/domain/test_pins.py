"""The six-digit pin: at most five wrong attempts, also in parallel."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

import models
from domain.accounts import passwords, pins
from domain.common.errors import (
    DeviceUnconfirmed,
    PinAlreadySet,
    PinIsBirthDate,
    PinLocked,
    PinNotSixDigits,
    PinTooCommon,
    PinWrong,
)
from models import Device, OutgoingMail, Pin, PinAttempts
from tests.support.factories import PIN, Demo, authorise, make_device, make_user


@pytest.fixture
def own(demo: Demo) -> Device:
    """The demo user's confirmed device."""
    return make_device(demo.user)


@pytest.mark.parametrize("pin", ["000000", "123456", "654321", "121212", "123123", "111222", "999999", "890123"])
def test_common_pins_are_refused(pin: str):
    with pytest.raises(PinTooCommon):
        passwords.check_pin_choice(pin)


@pytest.mark.parametrize("pin", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", " 274916"])
def test_a_pin_is_six_digits(pin: str):
    with pytest.raises(PinNotSixDigits):
        passwords.check_pin_choice(pin)


def test_the_right_pin_resets_the_failures(demo: Demo, own: Device):
    with pytest.raises(PinWrong) as wrong:
        pins.check_pin(demo.user, "111111", own)
    assert wrong.value.tries_left == 4
    pins.check_pin(demo.user, PIN, own)
    assert PinAttempts.get().failures == 0


def test_the_fifth_wrong_attempt_locks_and_mails(demo: Demo, own: Device):
    for _ in range(4):
        with pytest.raises(PinWrong):
            pins.check_pin(demo.user, "111111", own)
    with pytest.raises(PinLocked):
        pins.check_pin(demo.user, "111111", own)
    with pytest.raises(PinLocked):
        pins.check_pin(demo.user, PIN, own)
    assert OutgoingMail.select().where(OutgoingMail.kind == "pin_locked").count() == 1


def test_parallel_attempts_count_separately(demo: Demo, own: Device):
    """No more than five pins are compared, however many arrive at once."""

    def attempt(_: int) -> str:
        with models.database.connection_context():
            try:
                pins.check_pin(demo.user, "111111", own)
            except (PinWrong, PinLocked) as error:
                return type(error).__name__
        return "fits"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(attempt, range(12)))
    assert outcomes.count("PinWrong") == 4
    assert outcomes.count("PinLocked") == 8


def test_a_pin_is_replaced_only_after_identification(demo: Demo, own: Device):
    with pytest.raises(PinAlreadySet):
        pins.set_pin(demo.user, "580274")
    authorise(demo.client, demo.user, ago=timedelta(0))
    pins.set_pin(demo.user, "580274")
    pins.check_pin(demo.user, "580274", own)
    with pytest.raises(PinAlreadySet):
        pins.set_pin(demo.user, "471936")


def test_a_pin_hash_is_bound_to_its_user(demo: Demo):
    other = make_user()
    own = make_device(other)
    Pin.create(user=other, pin_hash=Pin.get().pin_hash)
    with pytest.raises(PinWrong):
        pins.check_pin(other, PIN, own)


def test_a_lock_applies_to_one_device(demo: Demo, own: Device):
    for _ in range(4):
        with pytest.raises(PinWrong):
            pins.check_pin(demo.user, "111111", own)
    with pytest.raises(PinLocked):
        pins.check_pin(demo.user, "111111", own)
    elsewhere = make_device(demo.user)
    pins.check_pin(demo.user, PIN, elsewhere)
    assert (pins.is_pin_locked(demo.user, own.id), pins.is_pin_locked(demo.user, elsewhere.id)) == (True, False)
    pins.unlock(demo.user, own.id)
    pins.check_pin(demo.user, PIN, own)


@pytest.mark.parametrize("whose", ["nobody's", "another's", "unconfirmed"])
def test_a_pin_needs_a_confirmed_device(demo: Demo, whose: str):
    device = {"nobody's": None, "another's": make_device(make_user()), "unconfirmed": make_device(demo.user)}[whose]
    if whose == "unconfirmed":
        Device.update(confirmed_at=None, confirmed_by=None).execute()
    with pytest.raises(DeviceUnconfirmed):
        pins.check_pin(demo.user, PIN, device)
    assert PinAttempts.select().count() == 0


@pytest.mark.parametrize("pin", ["120480", "041280", "800412", "198004", "041980", "198012", "121980", "801204"])
def test_the_birth_date_is_refused(demo: Demo, pin: str):
    Pin.delete().execute()
    with pytest.raises(PinIsBirthDate):
        pins.set_pin(demo.user, pin)
    assert Pin.select().count() == 0
