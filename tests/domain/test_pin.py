"""The six-digit pin: five wrong tries are five, also when they come at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

import models
from domain import accounts, passwords
from domain.errors import PinAlreadySet, PinLocked, PinNotSixDigits, PinTooCommon, PinWrong
from models import OutgoingMail, Pin
from tests.support.world import PIN, Demo, authorise, make_user


@pytest.mark.parametrize("pin", ["000000", "123456", "654321", "121212", "123123", "111222", "999999", "890123"])
def test_common_pins_are_refused(pin: str):
    with pytest.raises(PinTooCommon):
        passwords.check_pin_choice(pin)


@pytest.mark.parametrize("pin", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", " 274916"])
def test_a_pin_is_six_digits(pin: str):
    with pytest.raises(PinNotSixDigits):
        passwords.check_pin_choice(pin)


def test_the_right_pin_takes_back_the_failures(demo: Demo):
    with pytest.raises(PinWrong) as wrong:
        accounts.check_pin(demo.user, "111111")
    assert wrong.value.tries_left == 4
    accounts.check_pin(demo.user, PIN)
    assert Pin.get().failures == 0


def test_the_fifth_wrong_try_locks_and_tells(demo: Demo):
    for _ in range(4):
        with pytest.raises(PinWrong):
            accounts.check_pin(demo.user, "111111")
    with pytest.raises(PinLocked):
        accounts.check_pin(demo.user, "111111")
    with pytest.raises(PinLocked):
        accounts.check_pin(demo.user, PIN)
    assert OutgoingMail.select().where(OutgoingMail.kind == "pin_locked").count() == 1


def test_five_tries_at_once_are_five(demo: Demo):
    """However many arrive together, no more than five pins are compared."""

    def attempt(_: int) -> str:
        with models.database.connection_context():
            try:
                accounts.check_pin(demo.user, "111111")
            except (PinWrong, PinLocked) as error:
                return type(error).__name__
        return "fits"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(attempt, range(12)))
    assert outcomes.count("PinWrong") == 4
    assert outcomes.count("PinLocked") == 8


def test_a_pin_is_renewed_only_after_identifying_again(demo: Demo):
    with pytest.raises(PinAlreadySet):
        accounts.set_pin(demo.user, "580274")
    authorise(demo.client, demo.user, ago=timedelta(0))
    accounts.set_pin(demo.user, "580274")
    accounts.check_pin(demo.user, "580274")
    with pytest.raises(PinAlreadySet):
        accounts.set_pin(demo.user, "471936")


def test_a_pin_does_not_fit_another_person_with_the_same_hash(demo: Demo):
    other = make_user()
    Pin.create(user=other, pin_hash=Pin.get().pin_hash)
    with pytest.raises(PinWrong):
        accounts.check_pin(other, PIN)
