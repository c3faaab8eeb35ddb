"""The pin: six digits of one person; the wrong tries are counted, and locked, on one device.

So a thief with somebody's phone locks that phone, and the owner still approves on another. The pin alone is
no factor (ASVS 6.2.1): it counts only on a device that its person has confirmed.
"""

import re
from datetime import date, timedelta

from peewee import Case

from core.clock import utcnow
from domain.accounts import devices, passwords
from domain.common.errors import PinAlreadySet, PinIsBirthDate, PinLocked, PinMissing, PinWrong
from domain.identity import identification
from domain.outbox import mail
from models import Device, Identification, Pin, PinTries, User, transaction

TRIES = 5  # RTS art. 4(3)(b): at most five
# How long an identification lets someone choose a new pin.
IDENTITY_FRESH = timedelta(minutes=15)


def has_pin(user: User) -> bool:
    """Whether this person has chosen a pin."""
    return Pin.select().where(Pin.user == user.id).exists()


def is_pin_locked(user: User, device_id: int | None) -> bool:
    """Whether the pin is locked on this device; elsewhere it may work."""
    return (
        PinTries.select()
        .where(PinTries.user == user.id, PinTries.device == device_id, PinTries.locked_at.is_null(False))
        .exists()
    )


def set_pin(user: User, pin: str) -> None:
    """Set the pin for the first time, or anew just after a new identification.

    PinNotSixDigits, PinTooCommon, PinIsBirthDate; PinAlreadySet when identity was not proved again (ASVS 6.4.4).
    """
    passwords.check_pin_choice(pin)
    identity = identification.latest_identity(user)
    if identity is not None and identity.birth_date is not None and pin in birth_date_pins(identity.birth_date):
        raise PinIsBirthDate
    hashed = passwords.hash_pin(user.id, pin)
    with transaction():
        old = Pin.get_or_none(Pin.user == user.id)
        if old is None:
            Pin.create(user=user, pin_hash=hashed)
            return
        if not identified_since(user, max(old.set_at, utcnow() - IDENTITY_FRESH)):
            raise PinAlreadySet
        Pin.update(pin_hash=hashed, set_at=utcnow()).where(Pin.user == user.id).execute()
        PinTries.delete().where(PinTries.user == user.id).execute()
        mail.enqueue_mail(user, "pin_changed", once=f"pin-changed:{user.id}:{utcnow().isoformat()}")


def identified_since(user: User, moment) -> bool:
    """Whether this person was identified after that moment."""
    query = Identification.select().where(Identification.user == user.id, Identification.created_at > moment)
    return query.exists()


def birth_date_pins(born: date) -> set[str]:
    """The six digits in which people write a date: day, month and year in every order, and the year with a month."""
    day, month, year, short = f"{born:%d}", f"{born:%m}", f"{born:%Y}", f"{born:%y}"
    return {
        day + month + short, month + day + short, short + month + day, short + day + month,
        year + month, month + year, year + day, day + year,
    }  # fmt: skip


def check_pin(user: User, pin: str, device: Device | None) -> None:
    """PinWrong with the tries that are left, PinLocked at the fifth, PinMissing, DeviceUnconfirmed.

    The try is counted, and committed, before the pin is compared: five tries are five, also
    when they come at the same moment.
    """
    own = devices.require_confirmed(user, device.id if device else None)
    row = Pin.get_or_none(Pin.user == user.id)
    if row is None:
        raise PinMissing
    failures = _count(user, own)
    if re.fullmatch(r"[0-9]{6}", pin) and passwords.verify_pin_hash(row.pin_hash, user.id, pin):
        unlock(user, own.id)
        return
    if failures < TRIES:
        raise PinWrong(TRIES - failures)
    with transaction():
        mail.enqueue_mail(
            user,
            "pin_locked",
            once=f"pin-locked:{user.id}:{utcnow().isoformat()}",
            device=devices.describe_user_agent(own.agent),
        )
    raise PinLocked


def _count(user: User, device: Device) -> int:
    """Count this try, in one statement; PinLocked when there is none left."""
    last = Case(None, [(PinTries.failures == TRIES - 1, PinTries.locked_at.to_value(utcnow()))])
    mine = (PinTries.user == user.id) & (PinTries.device == device.id)
    with transaction():
        PinTries.insert(user=user, device=device, failures=0).on_conflict_ignore().execute()
        counted = (
            PinTries.update(failures=PinTries.failures + 1, locked_at=last)
            .where(mine, PinTries.locked_at.is_null())
            .execute()
        )
        failures = PinTries.get(mine).failures
    if not counted:
        raise PinLocked
    return failures


def unlock(user: User, device_id: int | None) -> None:
    """Take back the failures on this device: the pin was right, or a passkey or identification proved the person."""
    PinTries.update(failures=0, locked_at=None).where(
        PinTries.user == user.id, PinTries.device == device_id
    ).execute()
