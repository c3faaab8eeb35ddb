"""Account: register, confirm the e-mail address, sign in, the six-digit pin."""

import re
from datetime import timedelta

from peewee import Case

from core.clock import utcnow
from core.ids import public_id, token
from domain import audit, mails, passwords
from domain.errors import (
    EmailNotConfirmed,
    LinkExpired,
    PinAlreadySet,
    PinLocked,
    PinMissing,
    PinWrong,
    SignInRefused,
)
from domain.seals import lookup
from domain.webhook_keys import make_key
from models import Client, EmailToken, Identification, Membership, Pin, User, transaction

CONFIRMATION_LIFE = timedelta(hours=24)
# How long an identification lets someone choose a new pin.
IDENTITY_FRESH = timedelta(minutes=15)
PIN_TRIES = 5  # RTS art. 4(3)(b): at most five


def register(name: str, email: str, password: str, company_name: str, kvk_number: str) -> None:
    """Make user, client and membership, and mail a link that confirms the address.

    The outcome is the same for an address that is known already (that mailbox gets a mail that
    says so): nobody learns here who is a customer. WeakPassword is raised before anything.
    """
    email = normal_email(email)
    passwords.check_password(password, email, name, company_name)
    hashed = passwords.hash_password(password)
    with transaction():
        known = User.get_or_none(User.email == email)
        if known is not None:
            mails.queue(known, "already_registered", once=f"already:{known.id}:{utcnow():%Y%m%d%H}")
            return
        user = User.create(email=email, name=name.strip(), password_hash=hashed)
        client = Client.create(public_id=public_id(), name=company_name.strip(), kvk_number=kvk_number)
        Membership.create(user=user, client=client, role="owner")
        make_key(client)
        audit.note(client.id, audit.by_user(user), "client.registered", f"client:{client.id}", kvk=kvk_number)
        _mail_confirmation(user)


def normal_email(email: str) -> str:
    return email.strip().lower()


def resend_confirmation(email: str) -> None:
    """A new link, when this address waits for one. Silent otherwise."""
    with transaction():
        user = User.get_or_none(User.email == normal_email(email))
        if user is not None and user.email_confirmed_at is None:
            _mail_confirmation(user)


def _mail_confirmation(user: User) -> None:
    secret = token()
    EmailToken.create(
        token_hash=lookup(secret), user=user, purpose="confirm", expires_at=utcnow() + CONFIRMATION_LIFE
    )
    mails.queue(user, "confirm_email", once=f"confirm:{lookup(secret)}", path=f"/bevestigen/{secret}")


def _fresh(secret: str) -> EmailToken | None:
    return EmailToken.get_or_none(
        EmailToken.token_hash == lookup(secret),
        EmailToken.purpose == "confirm",
        EmailToken.used_at.is_null(),
        EmailToken.expires_at > utcnow(),
    )


def peek_confirmation(secret: str) -> bool:
    """Whether the link would still work. Changes nothing: mail scanners open links."""
    return _fresh(secret) is not None


def confirm_email(secret: str) -> User:
    """LinkExpired when the link is used, too old or not ours."""
    with transaction():
        found = _fresh(secret)
        if found is None:
            raise LinkExpired
        EmailToken.update(used_at=utcnow()).where(EmailToken.user == found.user_id).execute()
        User.update(email_confirmed_at=utcnow()).where(User.id == found.user_id).execute()
        return User.get_by_id(found.user_id)


def sign_in(email: str, password: str) -> User:
    """SignInRefused for a wrong pair, in the same time and words for an unknown address.

    EmailNotConfirmed after the right password; a new link has then been mailed.
    """
    user = User.get_or_none(User.email == normal_email(email))
    fits = passwords.password_fits(user.password_hash if user else passwords.NOBODY, password)
    if user is None or not fits:
        raise SignInRefused
    if user.email_confirmed_at is None:
        resend_confirmation(user.email)
        raise EmailNotConfirmed
    return user


def user_by_id(user_id: int) -> User | None:
    return User.get_or_none(User.id == user_id)


def has_pin(user: User) -> bool:
    return Pin.select().where(Pin.user == user.id).exists()


def pin_locked(user: User) -> bool:
    return Pin.select().where(Pin.user == user.id, Pin.locked_at.is_null(False)).exists()


def set_pin(user: User, pin: str) -> None:
    """Set the pin for the first time, or anew just after a new identification.

    PinNotSixDigits, PinTooCommon; PinAlreadySet when identity was not proved again (ASVS 6.4.4).
    """
    passwords.check_pin_choice(pin)
    hashed = passwords.hash_pin(user.id, pin)
    with transaction():
        old = Pin.get_or_none(Pin.user == user.id)
        if old is None:
            Pin.create(user=user, pin_hash=hashed)
            return
        since = max(old.set_at, utcnow() - IDENTITY_FRESH)
        proved = Identification.select().where(Identification.user == user.id, Identification.created_at > since)
        if not proved.exists():
            raise PinAlreadySet
        Pin.update(pin_hash=hashed, failures=0, locked_at=None, set_at=utcnow()).where(Pin.user == user.id).execute()


def check_pin(user: User, pin: str) -> None:
    """PinWrong with the tries that are left, PinLocked at the fifth, PinMissing.

    The try is counted, and committed, before the pin is compared: five tries are five, also
    when they come at the same moment.
    """
    now = utcnow()
    with transaction():
        last = Case(None, [(Pin.failures == PIN_TRIES - 1, now)])
        # one statement counts: two tries at once cannot both read the same number
        counted = (
            Pin.update(failures=Pin.failures + 1, locked_at=last)
            .where(Pin.user == user.id, Pin.locked_at.is_null())
            .execute()
        )
        row = Pin.get_or_none(Pin.user == user.id)
    if row is None:
        raise PinMissing
    if not counted:
        raise PinLocked
    if re.fullmatch(r"[0-9]{6}", pin) and passwords.pin_fits(row.pin_hash, user.id, pin):
        Pin.update(failures=0, locked_at=None).where(Pin.id == row.id, Pin.pin_hash == row.pin_hash).execute()
        return
    if row.locked_at is not None:
        with transaction():
            mails.queue(user, "pin_locked", once=f"pin-locked:{user.id}:{now.isoformat()}")
        raise PinLocked
    raise PinWrong(PIN_TRIES - row.failures)


def memberships_of(user: User) -> list[Membership]:
    """The client used last comes first."""
    query = Membership.select(Membership, Client).join(Client).where(Membership.user == user.id)
    return list(query.order_by(Membership.used_at.desc(), Membership.id))


def members_of(client: Client) -> list[Membership]:
    """Everyone who may do something in this client."""
    query = Membership.select(Membership, User).join(User).where(Membership.client == client.id)
    return list(query.order_by(Membership.id))


def first_membership(user: User) -> Membership | None:
    return next(iter(memberships_of(user)), None)


def membership(user: User, client_public_id: str) -> Membership | None:
    """What this user may do in this client; None when nothing."""
    query = Membership.select(Membership, Client).join(Client)
    return query.where(Membership.user == user.id, Client.public_id == client_public_id).first()
