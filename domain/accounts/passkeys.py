"""Passkeys (WebAuthn level 3): the user's device signs our challenge after user verification.

A challenge is used once, within five minutes, by the session and for the purpose it was created for.
"""

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import webauthn
from peewee import IntegrityError
from webauthn.helpers import exceptions
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from core.clock import utcnow
from core.hidden_characters import drop_hidden
from domain.common.encryption import blind_index
from domain.common.errors import NotFound, PasskeyKnown, PasskeyRefused
from domain.common.security_log import security_logged
from domain.common.services import services
from domain.outbox import mail
from models import Passkey, User, WebauthnChallenge, transaction
from models.states import ChallengePurpose

CHALLENGE_LIFE = timedelta(minutes=5)
MAX_PASSKEYS = 20
MAX_ANSWER_LENGTH = 20_000
# Domain separation: a signature for signing in is never valid for a payment.
_RELEASE = b"bizcuit-release-v1"
_FAULTS = (exceptions.WebAuthnException, ValueError, KeyError, TypeError, RecursionError)


@dataclass(frozen=True)
class PasskeyView:
    """A passkey as shown on screen. Times are UTC."""

    id: int
    name: str
    created_at: datetime
    used_at: datetime | None


def list_passkeys(user: User) -> list[PasskeyView]:
    """Return the user's passkeys, oldest first."""
    rows = Passkey.select().where(Passkey.user == user.id).order_by(Passkey.id)
    return [PasskeyView(row.id, row.name, row.created_at, row.last_used_at) for row in rows]


def has_passkey(user: User) -> bool:
    return Passkey.select().where(Passkey.user == user.id).exists()


# --- options --------------------------------------------------------------------------------------
def ask_registration(user: User, binding: str) -> str:
    """Return the options (JSON) for creating a passkey."""
    challenge = _new_challenge(ChallengePurpose.REGISTER, binding, user)
    options = webauthn.generate_registration_options(
        rp_id=_rp_id(), rp_name="Bizcuit", user_name=user.email, user_display_name=user.name,
        user_id=blind_index(f"passkey-user|{user.id}").encode()[:32], challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=_credentials(user),
    )  # fmt: skip
    return webauthn.options_to_json(options)


def ask_sign_in(binding: str) -> str:
    """Return the options (JSON) for signing in. No user is named: the browser offers its passkeys for this site."""
    return _request(_new_challenge(ChallengePurpose.SIGN_IN, binding, None), [])


def ask_proof(user: User, binding: str) -> str:
    """Return the options (JSON) for re-authentication of this user."""
    return _request(_new_challenge(ChallengePurpose.REAUTHENTICATE, binding, user), _credentials(user))


def ask_release(user: User, binding: str, digest: str) -> str:
    """Return the options (JSON) for signing one payment. The challenge depends on its digest (PSD2 RTS art. 5)."""
    nonce = secrets.token_hex(32)
    challenge = _new_challenge(ChallengePurpose.RELEASE, binding, user, release_challenge(nonce, digest), nonce)
    return _request(challenge, _credentials(user))


def release_challenge(nonce: str, digest: str) -> bytes:
    """Return the SHA-256 of a label, a nonce and the payment's digest: another payment has another challenge."""
    return hashlib.sha256(b"\n".join((_RELEASE, nonce.encode(), digest.encode()))).digest()


def _request(challenge: bytes, allowed: list[PublicKeyCredentialDescriptor]) -> str:
    options = webauthn.generate_authentication_options(
        rp_id=_rp_id(), challenge=challenge, allow_credentials=allowed,
        user_verification=UserVerificationRequirement.REQUIRED, timeout=int(CHALLENGE_LIFE.total_seconds() * 1000),
    )  # fmt: skip
    return webauthn.options_to_json(options)


def _new_challenge(
    purpose: str, binding: str, user: User | None, challenge: bytes | None = None, nonce: str | None = None
) -> bytes:
    challenge = challenge or secrets.token_bytes(32)
    WebauthnChallenge.create(
        challenge_hash=blind_index(_text(challenge)), purpose=purpose, session_hash=blind_index(binding),
        user=user, nonce=nonce, expires_at=utcnow() + CHALLENGE_LIFE,
    )  # fmt: skip
    return challenge


def _credentials(user: User) -> list[PublicKeyCredentialDescriptor]:
    rows = Passkey.select(Passkey.credential_id).where(Passkey.user == user.id)
    return [PublicKeyCredentialDescriptor(id=_bytes(row.credential_id)) for row in rows]


# --- verification ---------------------------------------------------------------------------------
@security_logged("passkey_added")
def register_passkey(user: User, binding: str, answer: str, name: str) -> None:
    """Store a new passkey and mail the user that it was added.

    Raises:
    - PasskeyRefused
    - PasskeyKnown
    """
    credential, challenge = _parse_answer(answer), _consume_challenge(answer, ChallengePurpose.REGISTER, binding, user)
    try:
        made = webauthn.verify_registration_response(
            credential=credential, expected_challenge=_bytes(challenge.text), expected_rp_id=_rp_id(),
            expected_origin=_origin(), require_user_verification=True,
        )  # fmt: skip
    except _FAULTS as error:
        raise PasskeyRefused from error
    try:
        with transaction():
            if Passkey.select().where(Passkey.user == user.id).count() >= MAX_PASSKEYS:
                raise PasskeyRefused
            row = Passkey.create(
                user=user, credential_id=_text(made.credential_id), public_key=_text(made.credential_public_key),
                sign_count=made.sign_count, name=_name(name),
            )  # fmt: skip
            mail.enqueue_mail(user, "passkey_added", once=f"passkey:{row.credential_id}", name=row.name)
    except IntegrityError as error:
        raise PasskeyKnown from error


@security_logged("sign_in", how="passkey")
def sign_in_with_passkey(binding: str, answer: str) -> User:
    """Return the user whose passkey signed the challenge.

    Raises:
    - PasskeyRefused
    """
    challenge = _consume_challenge(answer, ChallengePurpose.SIGN_IN, binding, None)
    return _verify_assertion(answer, challenge.text, None).user


@security_logged("reauthentication", how="passkey")
def reauthenticate_with_passkey(user: User, binding: str, answer: str) -> None:
    """Verify that this user's passkey signed the challenge.

    Raises:
    - PasskeyRefused
    """
    challenge = _consume_challenge(answer, ChallengePurpose.REAUTHENTICATE, binding, user)
    _verify_assertion(answer, challenge.text, user)


@security_logged("approval_proof", how="passkey")
def verify_release_signature(user: User, binding: str, answer: str, digest: str) -> None:
    """Verify that this user's passkey signed the payment with this digest. A signature is accepted once.

    Raises:
    - PasskeyRefused
    """
    challenge = _consume_challenge(answer, ChallengePurpose.RELEASE, binding, user)
    if challenge.text != _text(release_challenge(challenge.nonce or "", digest)):
        raise PasskeyRefused
    _verify_assertion(answer, challenge.text, user)


def rename(user: User, passkey_id: int, name: str) -> None:
    """Rename a passkey of this user.

    Raises:
    - NotFound
    """
    if not Passkey.update(name=_name(name)).where(Passkey.id == passkey_id, Passkey.user == user.id).execute():
        raise NotFound


@security_logged("passkey_removed")
def remove_passkey(user: User, passkey_id: int) -> None:
    """Delete a passkey and mail the user. The password always remains, so that nobody is locked out.

    Raises:
    - NotFound
    """
    with transaction():
        row = Passkey.get_or_none(Passkey.id == passkey_id, Passkey.user == user.id)
        if row is None:
            raise NotFound
        row.delete_instance()
        mail.enqueue_mail(user, "passkey_removed", once=f"passkey-gone:{row.credential_id}", name=row.name)


@dataclass(frozen=True)
class _Challenge:
    text: str
    nonce: str | None


def _consume_challenge(answer: str, purpose: str, binding: str, user: User | None) -> _Challenge:
    """Return the challenge that this answer names. It is deleted first: used, whatever the outcome."""
    try:
        signed = json.loads(_bytes(_parse_answer(answer)["response"]["clientDataJSON"]))
        text = _text(_bytes(str(signed["challenge"])))
    except _FAULTS as error:
        raise PasskeyRefused from error
    with transaction():
        row = WebauthnChallenge.get_or_none(WebauthnChallenge.challenge_hash == blind_index(text))
        used = WebauthnChallenge.delete().where(WebauthnChallenge.challenge_hash == blind_index(text)).execute()
    if row is None or not used or row.expires_at <= utcnow():
        raise PasskeyRefused
    if (row.purpose, row.session_hash, row.user_id) != (purpose, blind_index(binding), user.id if user else None):
        raise PasskeyRefused
    return _Challenge(text, row.nonce)


def _verify_assertion(answer: str, challenge: str, user: User | None) -> Passkey:
    credential = _parse_answer(answer)
    row = Passkey.get_or_none(Passkey.credential_id == str(credential.get("id", "")))
    if row is None or (user is not None and row.user_id != user.id):
        raise PasskeyRefused
    try:
        seen = webauthn.verify_authentication_response(
            credential=credential, expected_challenge=_bytes(challenge), expected_rp_id=_rp_id(),
            expected_origin=_origin(), credential_public_key=_bytes(row.public_key),
            credential_current_sign_count=row.sign_count, require_user_verification=True,
        )  # fmt: skip
    except _FAULTS as error:
        raise PasskeyRefused from error
    Passkey.update(sign_count=seen.new_sign_count, last_used_at=utcnow()).where(Passkey.id == row.id).execute()
    return row


def _parse_answer(answer: str) -> dict[str, Any]:
    if len(answer) > MAX_ANSWER_LENGTH:
        raise PasskeyRefused
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise PasskeyRefused from error
    if not isinstance(found, dict):
        raise PasskeyRefused
    return found


def _name(text: str) -> str:
    return " ".join(drop_hidden(text).split())[:60] or "Passkey"


def _rp_id() -> str:
    return urlsplit(services().base_url).hostname or ""


def _origin() -> str:
    parts = urlsplit(services().base_url)
    return f"{parts.scheme}://{parts.netloc}"


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
