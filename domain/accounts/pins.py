"""The pin: six digits per user. Wrong attempts are counted, and lead to a lock, per device.

So a thief locks only the stolen phone, and the owner can approve on another device. A pin alone is not a factor (ASVS
6.2.1): it counts only on a device that the user confirmed.
"""

import re
from datetime import date, timedelta

from peewee import Case

from core.clock import utcnow
from domain.accounts import devices, passwords
from domain.common.errors import PinAlreadySet, PinIsBirthDate, PinLocked, PinMissing, PinWrong
from domain.common.security_log import security_logged
from domain.identity import persons
from domain.outbox import mail
from models import Device, Identification, Pin, PinAttempts, User, transaction

MAX_ATTEMPTS = 5  # PSD2 RTS art. 4(3)(b): at most five
# How long after an identification a new pin may be set.
IDENTIFICATION_VALIDITY = timedelta(minutes=15)


def has_pin(user: User) -> bool:
    """Return whether the user has set a pin."""
    return Pin.select().where(Pin.user == user.id).exists()


def is_pin_locked(user: User, device_id: int | None) -> bool:
    """Return whether the pin is locked on this device; it may work on another."""
    return (
        PinAttempts.select()
        .where(PinAttempts.user == user.id, PinAttempts.device == device_id, PinAttempts.locked_at.is_null(False))
        .exists()
    )


@security_logged("pin_set")
def set_pin(user: User, pin: str) -> None:
    """Set the first pin, or replace it shortly after a new identification (ASVS 6.4.4).

    Raises:
    - PinNotSixDigits
    - PinTooCommon
    - PinIsBirthDate
    - PinAlreadySet: there is no recent identification.
    """
    passwords.check_pin_choice(pin)
    identity = persons.latest_identity(user)
    if identity is not None and identity.birth_date is not None and pin in birth_date_pins(identity.birth_date):
        raise PinIsBirthDate
    hashed = passwords.hash_pin(user.id, pin)
    with transaction():
        old = Pin.get_or_none(Pin.user == user.id)
        if old is None:
            Pin.create(user=user, pin_hash=hashed)
            return
        if not identified_since(user, max(old.set_at, utcnow() - IDENTIFICATION_VALIDITY)):
            raise PinAlreadySet
        Pin.update(pin_hash=hashed, set_at=utcnow()).where(Pin.user == user.id).execute()
        PinAttempts.delete().where(PinAttempts.user == user.id).execute()
        mail.enqueue_mail(user, "pin_changed", once=f"pin-changed:{user.id}:{utcnow().isoformat()}")


def identified_since(user: User, moment) -> bool:
    """Return whether the user identified after that moment (UTC)."""
    query = Identification.select().where(Identification.user == user.id, Identification.created_at > moment)
    return query.exists()


def birth_date_pins(born: date) -> set[str]:
    """Return the six-digit spellings of a date: day, month and year in any usual order, and year with month or day."""
    day, month, year, year2 = f"{born:%d}", f"{born:%m}", f"{born:%Y}", f"{born:%y}"
    return {
        day + month + year2, month + day + year2, year2 + month + day, year2 + day + month,
        year + month, month + year, year + day, day + year,
    }  # fmt: skip


@security_logged("pin")
def check_pin(user: User, pin: str, device: Device | None) -> None:
    """Verify the pin on this device.

    The attempt is counted and committed before the pin is compared, so that parallel requests get no extra attempts.

    Raises:
    - PinWrong: with the number of attempts left.
    - PinLocked: after the fifth wrong attempt.
    - PinMissing
    - DeviceUnconfirmed
    """
    own = devices.require_confirmed(user, device.id if device else None)
    row = Pin.get_or_none(Pin.user == user.id)
    if row is None:
        raise PinMissing
    failures = _count_attempt(user, own)
    if re.fullmatch(r"[0-9]{6}", pin) and passwords.verify_pin_hash(row.pin_hash, user.id, pin):
        unlock(user, own.id)
        return
    if failures < MAX_ATTEMPTS:
        raise PinWrong(MAX_ATTEMPTS - failures)
    with transaction():
        mail.enqueue_mail(
            user,
            "pin_locked",
            once=f"pin-locked:{user.id}:{utcnow().isoformat()}",
            device=devices.describe_user_agent(own.user_agent),
        )
    raise PinLocked


def _count_attempt(user: User, device: Device) -> int:
    """Count this attempt, in one statement, and return the number so far.

    Raises:
    - PinLocked
    """
    last = Case(None, [(PinAttempts.failures == MAX_ATTEMPTS - 1, PinAttempts.locked_at.to_value(utcnow()))])
    mine = (PinAttempts.user == user.id) & (PinAttempts.device == device.id)
    with transaction():
        PinAttempts.insert(user=user, device=device, failures=0).on_conflict_ignore().execute()
        counted = (
            PinAttempts.update(failures=PinAttempts.failures + 1, locked_at=last)
            .where(mine, PinAttempts.locked_at.is_null())
            .execute()
        )
        failures = PinAttempts.get(mine).failures
    if not counted:
        raise PinLocked
    return failures


def unlock(user: User, device_id: int | None) -> None:
    """Reset the wrong attempts on this device, after the right pin, a passkey or an identification."""
    PinAttempts.update(failures=0, locked_at=None).where(
        PinAttempts.user == user.id, PinAttempts.device == device_id
    ).execute()
