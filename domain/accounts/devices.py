"""Devices: a browser in which a person signed in before, and whether that person said "this one is mine"."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from peewee import IntegrityError

from core.clock import utcnow
from core.ids import random_token
from domain.common.encryption import blind_index
from domain.common.errors import DeviceUnconfirmed, LinkExpired
from domain.outbox import mail
from models import Device, EmailToken, User, transaction

LINK_LIFE = timedelta(minutes=30)
_MACHINES = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("CrOS", "Chromebook"), ("Windows", "Windows"),
    ("Macintosh", "Mac"), ("Linux", "Linux"),
)  # fmt: skip
# In this order: Edge and Samsung also say Chrome, Chrome also says Safari.
_BROWSERS = (
    ("Edg", "Edge"), ("SamsungBrowser", "Samsung Internet"), ("OPR/", "Opera"), ("FxiOS", "Firefox"),
    ("Firefox", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip


@dataclass(frozen=True)
class DeviceCookie:
    """What a browser brings along: the secret of its device cookie, and what it calls itself."""

    secret: str
    agent: str


def describe_user_agent(agent: str) -> str:
    """"iPhone · Safari"; empty when the browser does not say what it is."""
    machine = next((name for mark, name in _MACHINES if mark in agent), "")
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    return " · ".join(filter(None, (machine, browser)))


def find_known_device(email: str, secret: str) -> Device | None:
    """The device with this secret on which the person of this address signed in before. One query, known or not."""
    query = Device.select(Device).join(User)
    return query.where(User.email == email, Device.token_hash == blind_index(secret)).first()


def register_sign_in(user: User, visit: DeviceCookie) -> Device:
    """The device of somebody who has just signed in; a mail tells of one that was not seen before (ASVS 6.3.5).

    The first device of all is where the account was made: that is no news.
    """
    with transaction():
        known = Device.get_or_none(Device.user == user.id, Device.token_hash == blind_index(visit.secret))
        if known is not None:
            Device.update(seen_at=utcnow(), agent=_short(visit.agent)).where(Device.id == known.id).execute()
            return known
        others = Device.select().where(Device.user == user.id).exists()
        made = Device.create(user=user, token_hash=blind_index(visit.secret), agent=_short(visit.agent))
        if others:
            mail.enqueue_mail(user, "new_device", once=f"device:{made.id}", device=describe_user_agent(made.agent))
        return made


def _short(agent: str) -> str:
    return re.sub(r"[^\x20-\x7e]", "", agent)[:200]


def confirm(device_id: int, how: str) -> None:
    """This device is its person's own: `how` is mail, passkey or identification. The first time counts."""
    Device.update(confirmed_at=utcnow(), confirmed_by=how).where(
        Device.id == device_id, Device.confirmed_at.is_null()
    ).execute()


def require_confirmed(user: User, device_id: int | None) -> Device:
    """The confirmed device of this person, else DeviceUnconfirmed: nothing is approved on another."""
    device = Device.get_or_none(Device.id == device_id, Device.user == user.id) if device_id else None
    if device is None or device.confirmed_at is None:
        raise DeviceUnconfirmed
    return device


def send_confirmation_mail(user: User, device_id: int) -> None:
    """Mail a link that confirms this device, and only in this device's own browser."""
    secret = random_token()
    with transaction():
        EmailToken.create(
            token_hash=blind_index(secret),
            user=user,
            purpose="device",
            device=device_id,
            expires_at=utcnow() + LINK_LIFE,
        )
        mail.enqueue_mail(user, "confirm_device", once=f"device-link:{blind_index(secret)}", path=f"/apparaat/{secret}")


def confirm_by_link(user: User, device_id: int | None, secret: str) -> None:
    """LinkExpired when the link is used, too old, or opened by another person or in another browser.

    A link that could be pressed anywhere would confirm whatever device an attacker signed in on.
    """
    with transaction():
        used = (
            EmailToken.update(used_at=utcnow())
            .where(
                EmailToken.token_hash == blind_index(secret), EmailToken.purpose == "device",
                EmailToken.user == user.id, EmailToken.device == device_id,
                EmailToken.used_at.is_null(), EmailToken.expires_at > utcnow(),
            )
            .execute()
        )  # fmt: skip
        if not used or device_id is None:
            raise LinkExpired
        confirm(device_id, "mail")


def confirm_at_enrolment(user: User, visit: DeviceCookie) -> None:
    """The link that confirms the address was pressed here: whoever reads that mailbox uses this browser."""
    with transaction():
        hashed = blind_index(visit.secret)
        try:
            device, _ = Device.get_or_create(user=user, token_hash=hashed, defaults={"agent": _short(visit.agent)})
        except IntegrityError:  # pressed twice at one moment
            device = Device.get(Device.user == user.id, Device.token_hash == hashed)
        confirm(device.id, "mail")


@dataclass(frozen=True)
class DeviceView:
    """Moments in UTC."""

    words: str
    seen_at: datetime
    confirmed: bool


def device_view(device: Device | None) -> DeviceView | None:
    """What a screen tells of a device."""
    return (
        DeviceView(describe_user_agent(device.agent), device.seen_at, device.confirmed_at is not None)
        if device
        else None
    )


def should_offer_install(device: Device | None) -> bool:
    """Whether putting the app on the home screen was never offered on this device."""
    return device is not None and device.offered_at is None


def mark_install_offered(device: Device) -> None:
    """It was offered there, and taken or not."""
    Device.update(offered_at=utcnow()).where(Device.id == device.id, Device.offered_at.is_null()).execute()
