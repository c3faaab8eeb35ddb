"""Devices: browsers in which a user signed in before, and whether the user confirmed them."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from peewee import IntegrityError

from core.clock import utcnow
from core.ids import random_token
from domain.common.encryption import blind_index
from domain.common.errors import DeviceUnconfirmed, LinkExpired
from domain.common.security_log import security_logged
from domain.outbox import mail
from models import Device, EmailToken, User, transaction

LINK_LIFE = timedelta(minutes=10)  # ASVS 6.5.5: at most ten
_MACHINES = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("CrOS", "Chromebook"), ("Windows", "Windows"),
    ("Macintosh", "Mac"), ("Linux", "Linux"),
)  # fmt: skip
# Order matters: Edge and Samsung Internet also contain "Chrome", Chrome also contains "Safari".
_BROWSERS = (
    ("Edg", "Edge"), ("SamsungBrowser", "Samsung Internet"), ("OPR/", "Opera"), ("FxiOS", "Firefox"),
    ("Firefox", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip


@dataclass(frozen=True)
class DeviceCookie:
    """What a browser sends: the secret of its device cookie and its user agent."""

    secret: str
    agent: str


def describe_user_agent(agent: str) -> str:
    """Return a short description such as "iPhone · Safari"; empty if the user agent is unknown."""
    machine = next((name for mark, name in _MACHINES if mark in agent), "")
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    return " · ".join(filter(None, (machine, browser)))


def find_known_device(email: str, secret: str) -> Device | None:
    """Return the device with this secret on which this user signed in before, or None.

    One query either way, so that timing reveals nothing.
    """
    query = Device.select(Device).join(User)
    return query.where(User.email == email, Device.token_hash == blind_index(secret)).first()


def register_sign_in(user: User, visit: DeviceCookie) -> Device:
    """Return the device that has just signed in. If it is new, mail the user (ASVS 6.3.5).

    No mail for the first device, on which the account was created.
    """
    with transaction():
        known = Device.get_or_none(Device.user == user.id, Device.token_hash == blind_index(visit.secret))
        if known is not None:
            Device.update(last_seen_at=utcnow(), user_agent=_short(visit.agent)).where(Device.id == known.id).execute()
            return known
        others = Device.select().where(Device.user == user.id).exists()
        made = Device.create(user=user, token_hash=blind_index(visit.secret), user_agent=_short(visit.agent))
        if others:
            mail.enqueue_mail(user, "new_device", once=f"device:{made.id}", device=describe_user_agent(made.user_agent))
        return made


def _short(agent: str) -> str:
    return re.sub(r"[^\x20-\x7e]", "", agent)[:200]


def confirm_device(device_id: int, how: str) -> None:
    """Mark the device as confirmed. `how`: mail, passkey or identification. Only the first time counts."""
    Device.update(confirmed_at=utcnow(), confirmed_by=how).where(
        Device.id == device_id, Device.confirmed_at.is_null()
    ).execute()


def require_confirmed(user: User, device_id: int | None) -> Device:
    """Return the user's confirmed device. Payments cannot be approved on another.

    Raises:
    - DeviceUnconfirmed
    """
    device = Device.get_or_none(Device.id == device_id, Device.user == user.id) if device_id else None
    if device is None or device.confirmed_at is None:
        raise DeviceUnconfirmed
    return device


def send_confirmation_mail(user: User, device_id: int) -> None:
    """Mail a link that confirms this device; it works only in this device's browser."""
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


@security_logged("device_confirmation", how="mail")
def confirm_by_link(user: User, device_id: int | None, secret: str) -> None:
    """Confirm the device with the link from the mail.

    If the link worked anywhere, an attacker's device could be confirmed by a user who follows it.

    Raises:
    - LinkExpired: also for another user or another browser.
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
        confirm_device(device_id, "mail")


def confirm_at_enrolment(user: User, visit: DeviceCookie) -> None:
    """Confirm the device in which the link of the e-mail confirmation was followed."""
    with transaction():
        hashed = blind_index(visit.secret)
        try:
            device, _ = Device.get_or_create(user=user, token_hash=hashed, defaults={"user_agent": _short(visit.agent)})
        except IntegrityError:  # two requests at once
            device = Device.get(Device.user == user.id, Device.token_hash == hashed)
        confirm_device(device.id, "mail")


@dataclass(frozen=True)
class DeviceView:
    """A device as shown on screen. Times are UTC."""

    words: str
    seen_at: datetime
    confirmed: bool


def device_view(device: Device | None) -> DeviceView | None:
    """Return what the screens show of a device."""
    return (
        DeviceView(describe_user_agent(device.user_agent), device.last_seen_at, device.confirmed_at is not None)
        if device
        else None
    )


def should_offer_install(device: Device | None) -> bool:
    """Return whether installing the app was never offered on this device."""
    return device is not None and device.install_offered_at is None


def mark_install_offered(device: Device) -> None:
    """Record that installing the app was offered on this device."""
    Device.update(install_offered_at=utcnow()).where(
        Device.id == device.id, Device.install_offered_at.is_null()
    ).execute()
