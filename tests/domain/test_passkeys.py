"""Passkeys: a challenge is used once, for its purpose, in its session; a changed payment has another challenge.

The authenticator is this test's own key, which signs what a browser would sign.
"""

import hashlib
import json
from base64 import urlsafe_b64encode
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import encode_cbor

from core.clock import utcnow
from domain.accounts import passkeys
from domain.common.errors import BatchChanged, NotFound, PasskeyRefused
from domain.payments import amendments
from domain.payments.release import PasskeyAssertion, release
from models import OutgoingMail, Passkey, Release, WebauthnChallenge
from tests.support.factories import PSU, Demo, make_user
from tests.support.sandbox import Sandbox

HERE = "binding of this session"
ORIGIN = "http://localhost:8000"


def text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """An authenticator with one key."""

    def __init__(self, verified: bool = True, origin: str = ORIGIN) -> None:
        self.secret, self.id = ec.generate_private_key(ec.SECP256R1()), hashlib.sha256(b"a key").digest()
        self.verified, self.origin = verified, origin

    def make(self, options: str) -> str:
        numbers = self.secret.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        held = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + encode_cbor(cose)
        told = {"fmt": "none", "attStmt": {}, "authData": self._data(0x40) + held}
        client = self._client("webauthn.create", options)
        return self._answer({"clientDataJSON": text(client), "attestationObject": text(encode_cbor(told))})

    def sign(self, options: str) -> str:
        client, data = self._client("webauthn.get", options), self._data(0)
        signed = self.secret.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {"clientDataJSON": text(client), "authenticatorData": text(data), "signature": text(signed)}
        )

    def _answer(self, response: dict) -> str:
        return json.dumps({"id": text(self.id), "rawId": text(self.id), "type": "public-key", "response": response})

    def _data(self, more: int) -> bytes:
        flags = 0x01 | (0x04 if self.verified else 0) | more
        return hashlib.sha256(b"localhost").digest() + bytes([flags]) + bytes(4)

    def _client(self, kind: str, options: str) -> bytes:
        return json.dumps(
            {"type": kind, "challenge": json.loads(options)["challenge"], "origin": self.origin, "crossOrigin": False}
        ).encode()


@pytest.fixture
def key(demo: Demo) -> Key:
    made = Key()
    passkeys.register_passkey(
        demo.user, HERE, made.make(passkeys.ask_registration(demo.user, HERE)), "  Mijn   telefoon "
    )
    return made


def test_a_passkey_is_stored_mailed_and_signs_in(demo: Demo, key: Key):
    assert [row.name for row in passkeys.list_passkeys(demo.user)] == ["Mijn telefoon"]
    assert [mail.kind for mail in OutgoingMail.select()] == ["passkey_added"]
    assert passkeys.sign_in_with_passkey("other", key.sign(passkeys.ask_sign_in("other"))).id == demo.user.id
    assert Passkey.get().last_used_at is not None


def test_a_challenge_is_used_once(demo: Demo, key: Key):
    answer = key.sign(passkeys.ask_sign_in(HERE))
    passkeys.sign_in_with_passkey(HERE, answer)
    with pytest.raises(PasskeyRefused):
        passkeys.sign_in_with_passkey(HERE, answer)
    assert WebauthnChallenge.select().count() == 0


def test_a_challenge_expires_after_five_minutes(demo: Demo, key: Key):
    answer = key.sign(passkeys.ask_sign_in(HERE))
    assert WebauthnChallenge.get().expires_at <= utcnow() + timedelta(minutes=5)
    WebauthnChallenge.update(expires_at=utcnow() - timedelta(seconds=1)).execute()
    with pytest.raises(PasskeyRefused):
        passkeys.sign_in_with_passkey(HERE, answer)


def test_another_session_purpose_or_user_is_refused(demo: Demo, key: Key):
    other = make_user()
    with pytest.raises(PasskeyRefused):
        passkeys.sign_in_with_passkey("another session", key.sign(passkeys.ask_sign_in(HERE)))
    with pytest.raises(PasskeyRefused):
        passkeys.reauthenticate_with_passkey(demo.user, HERE, key.sign(passkeys.ask_sign_in(HERE)))
    with pytest.raises(PasskeyRefused):
        passkeys.reauthenticate_with_passkey(other, HERE, key.sign(passkeys.ask_proof(other, HERE)))
    passkeys.reauthenticate_with_passkey(demo.user, HERE, key.sign(passkeys.ask_proof(demo.user, HERE)))


@pytest.mark.parametrize("wrong", [{"verified": False}, {"origin": "https://evil.example"}])
def test_user_verification_and_origin_are_required(demo: Demo, key: Key, wrong: dict):
    for name, value in wrong.items():
        setattr(key, name, value)
    with pytest.raises(PasskeyRefused):
        passkeys.sign_in_with_passkey(HERE, key.sign(passkeys.ask_sign_in(HERE)))
    with pytest.raises(PasskeyRefused):
        passkeys.register_passkey(demo.user, HERE, key.make(passkeys.ask_registration(demo.user, HERE)), "x")


@pytest.mark.parametrize("answer", ["", "[]", "{}", "null", '{"response": {"clientDataJSON": "%%"}}', "x" * 30_000])
def test_an_invalid_answer_is_refused(demo: Demo, answer: str):
    with pytest.raises(PasskeyRefused):
        passkeys.sign_in_with_passkey(HERE, answer)


def test_only_own_passkeys_can_be_renamed_and_removed(demo: Demo, key: Key):
    other, (row,) = make_user(), passkeys.list_passkeys(demo.user)
    for act in (lambda: passkeys.rename(other, row.id, "x"), lambda: passkeys.remove_passkey(other, row.id)):
        with pytest.raises(NotFound):
            act()
    passkeys.remove_passkey(demo.user, row.id)
    with pytest.raises(PasskeyRefused):
        passkeys.sign_in_with_passkey(HERE, key.sign(passkeys.ask_sign_in(HERE)))


def test_a_changed_payment_needs_a_new_signature(demo: Demo, key: Key, sandbox: Sandbox):
    sandbox.control("PUT", "banks/redirect", {"signing": "delegated"})
    batch = demo.batch()
    before = demo.view(batch)
    old = PasskeyAssertion(key.sign(passkeys.ask_release(demo.user, HERE, before.digest)), HERE)
    amendments.exclude_line(demo.client, demo.user, batch.reference, before.lines[0].id)
    now = demo.view(batch).digest
    with pytest.raises(BatchChanged):
        release(demo.membership, batch.reference, before.digest, "passkey", PSU, passkey=old)
    with pytest.raises(PasskeyRefused):
        release(demo.membership, batch.reference, now, "passkey", PSU, passkey=old)
    assert Release.select().count() == 0
    fresh = PasskeyAssertion(key.sign(passkeys.ask_release(demo.user, HERE, now)), HERE)
    assert (
        release(demo.membership, batch.reference, now, "passkey", PSU, passkey=fresh).authentication_method == "passkey"
    )


def test_a_reauthentication_cannot_sign_a_payment(demo: Demo, key: Key, sandbox: Sandbox):
    sandbox.control("PUT", "banks/redirect", {"signing": "delegated"})
    batch = demo.batch()
    signed = PasskeyAssertion(key.sign(passkeys.ask_proof(demo.user, HERE)), HERE)
    with pytest.raises(PasskeyRefused):
        release(demo.membership, batch.reference, demo.view(batch).digest, "passkey", PSU, passkey=signed)
