"""Rotation finds every ciphertext by the type of its column; afterwards the old key can go."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

import commands
from connectors.smtp import Message
from core.clock import utcnow
from core.encryption import Keyring
from domain.common import token_revocations
from domain.common.services import configure, services
from domain.operations import key_rotation
from domain.outbox import mail
from domain.payroll import webhook_keys
from models import (
    BankOauthGrant,
    BankOrder,
    Identification,
    IdentificationAttempt,
    NmbrsConnection,
    NmbrsOauthRequest,
    OutgoingMail,
    PushSubscription,
    ScaSession,
    transaction,
)
from models.base import EncryptedField, Table
from tests.support.ciphertexts import misplaced_ciphertexts, unreadable_ciphertexts
from tests.support.factories import Demo, make_device
from tests.support.signing import at_the_bank

ROOT = Path(__file__).parent.parent.parent
OLD, NEW = {"k1": b"1" * 32}, {"k2": b"2" * 32}
BOTH = OLD | NEW


@pytest.fixture(autouse=True)
def same_services(world: object) -> Iterator[None]:
    """The keys of this test go with it."""
    before = services()
    configure(replace(before, keyring=Keyring({**before.keyring.keys, **OLD}, "k1")))
    yield
    configure(before)


def use(keys: dict[str, bytes], primary: str) -> None:
    configure(replace(services(), keyring=Keyring(keys, primary)))


def sealed(table: type[Table], name: str, **row: object) -> str:
    """Return a text encrypted for this column of such a row."""
    field = table._meta.fields[name]
    assert isinstance(field, EncryptedField)
    return services().keyring.encrypt(f"{table.__name__}.{name}".encode(), field.context(table(**row)))


def fill(demo: Demo) -> None:
    """Put a value into every column that holds ciphertexts, where it is easy as the program itself does."""
    client, user, soon = demo.client.id, demo.user.id, utcnow()
    at_the_bank(demo)
    order = BankOrder.get()
    ScaSession.update(
        authorisation_encrypted=sealed(ScaSession, "authorisation_encrypted", order=order.id, purpose="payment")
    ).where(ScaSession.order == order.id).execute()
    mail.enqueue_mail(demo.user, "approval_asked", once="waits", client=demo.client, path="/x", total="1")
    device = make_device(demo.user)
    asked = {"user": demo.user, "device": device, "endpoint_hash": "e"}
    PushSubscription.create(**asked, endpoint_encrypted=sealed(PushSubscription, "endpoint_encrypted", **asked))
    with transaction(client):
        webhook_keys.create_key(demo.client)
        token_revocations.schedule_revocation("nmbrs", client, "connection:1", "a-refresh-token")
    tried = {"state_hash": "s", "session_hash": "t", "user": user, "client": client}
    IdentificationAttempt.create(
        **tried, oidc_request_encrypted=sealed(IdentificationAttempt, "oidc_request_encrypted", **tried),
        identity_encrypted=sealed(IdentificationAttempt, "identity_encrypted", **tried),
    )  # fmt: skip
    Identification.create(
        user=user, provider="p", subject="s", authenticated_at=soon, evidence="e",
        person_encrypted=sealed(Identification, "person_encrypted", user=user),
    )  # fmt: skip
    asked = {"state_hash": "n", "client": client, "user": user}
    NmbrsOauthRequest.create(
        **asked, expires_at=soon, pkce_verifier_encrypted=sealed(NmbrsOauthRequest, "pkce_verifier_encrypted", **asked)
    )
    row = NmbrsConnection.select().first()
    NmbrsConnection.update(
        token_encrypted=sealed(NmbrsConnection, "token_encrypted", client=row.client_id, email=row.email),
        tokens_encrypted=sealed(NmbrsConnection, "tokens_encrypted", client=row.client_id, id=row.id),
    ).where(NmbrsConnection.id == row.id).execute()
    consent = demo.account.consent_id
    BankOauthGrant.create(
        consent=consent, pkce_verifier_encrypted=sealed(BankOauthGrant, "pkce_verifier_encrypted", consent=consent),
        tokens_encrypted=sealed(BankOauthGrant, "tokens_encrypted", consent=consent),
    )  # fmt: skip


def stored() -> dict[str, list[str]]:
    """Return the ciphertexts of every column that is made for them."""
    return {
        f"{field.model.__name__}.{field.name}": [
            getattr(row, field.name) for row in field.model.select() if getattr(row, field.name)
        ]
        for field in key_rotation.encrypted_fields()
    }


def test_every_ciphertext_is_encrypted_again(demo: Demo):
    fill(demo)
    assert [name for name, values in stored().items() if not values] == [], "the test fills every column"
    assert misplaced_ciphertexts() == [] and unreadable_ciphertexts() == []
    use({**services().keyring.keys, **NEW}, "k2")
    known = sum(map(len, stored().values()))
    assert key_rotation.rotate_keys() == known
    assert {value.split(":")[1] for values in stored().values() for value in values} == {"k2"}
    use(NEW, "k2")
    assert unreadable_ciphertexts() == [] and key_rotation.under_other_keys() == {}
    assert key_rotation.rotate_keys() == 0


def test_waiting_mail_is_sent_after_the_old_key_is_gone(demo: Demo):
    fill(demo)
    use({**services().keyring.keys, **NEW}, "k2")
    key_rotation.rotate_keys()
    use(NEW, "k2")
    (waiting,) = OutgoingMail.select().where(OutgoingMail.dedupe_key == "waits")
    seen: list[mail.MailMessage] = []

    def render(message: mail.MailMessage) -> Message:
        seen.append(message)
        return Message(message.user.email, "subject", "text", "<p>text</p>")

    assert mail.deliver_mail(waiting.id, render)
    assert (seen[0].path, seen[0].facts) == ("/x", {"total": "1"})


def test_a_value_that_nothing_decrypts_is_counted_and_stops_nothing(demo: Demo):
    fill(demo)
    OutgoingMail.update(payload_encrypted="v1:lost:AAAA:AAAA").where(OutgoingMail.dedupe_key == "waits").execute()
    use({**services().keyring.keys, **NEW}, "k2")
    app = Flask("test")
    commands.register(app)
    done = app.test_cli_runner().invoke(args=["rotate-keys"])
    assert done.exit_code == 1
    assert done.output.splitlines()[1:] == ["outgoing_mail.payload_encrypted: no key decrypts 1; keep the old key"]
    OutgoingMail.delete().where(OutgoingMail.dedupe_key == "waits").execute()
    done = app.test_cli_runner().invoke(args=["rotate-keys"])
    assert (done.exit_code, done.output) == (0, "0 values encrypted again\n")


def test_rows_beyond_the_first_part_are_rotated_too(demo: Demo, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(key_rotation, "ROWS_AT_ONCE", 2)
    for number in range(7):
        mail.enqueue_mail(demo.user, "approval_asked", once=str(number), client=demo.client)
    use({**services().keyring.keys, **NEW}, "k2")
    key_rotation.rotate_keys()
    assert key_rotation.under_other_keys() == {}


def test_a_key_whose_name_differs_in_capitals_is_another_key(demo: Demo):
    mail.enqueue_mail(demo.user, "approval_asked", once="one", client=demo.client)
    use({**services().keyring.keys, "K1": b"3" * 32}, "K1")
    assert key_rotation.under_other_keys()["outgoing_mail.payload_encrypted"] == 1
    key_rotation.rotate_keys()
    assert key_rotation.under_other_keys() == {}


# --- there is no other place ---
def test_every_encrypted_column_is_of_the_type():
    named = {
        one for table in Table.__subclasses__() for one in table._meta.sorted_fields if "encrypted" in one.column_name
    }
    assert named == set(key_rotation.encrypted_fields())


def purposes(path: Path) -> set[str]:
    """Return the purposes for which a module encrypts: the first text behind what is encrypted."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("encrypt", "decrypt", "decrypt_bytes"):
            found |= {one.value for one in node.args[1:2] if isinstance(one, ast.Constant)}
    return found


def test_the_program_encrypts_for_no_other_purpose():
    used = set().union(*(purposes(path) for path in (ROOT / "domain").rglob("*.py")))
    known = {field.purpose for field in key_rotation.encrypted_fields()}
    assert len(used) > 8 and used <= known
    assert len(known) == len(list(key_rotation.encrypted_fields())), "no two columns share a purpose"
