"""Registration: one form creates the user, the client, the membership and the webhook key."""

from core.clock import utcnow
from core.ids import public_id
from domain.accounts import passwords
from domain.accounts.accounts import mail_confirmation, normalise_email
from domain.common import audit
from domain.outbox import mail
from domain.payroll.webhook_keys import create_key
from models import Client, Membership, User, lock_clients, savepoint, transaction
from models.states import Role


def register_account(
    name: str, email: str, password: str, company_name: str, kvk_number: str, language: str | None = None
) -> None:
    """Create user, client and membership, and mail a link to confirm the address.

    The outcome is the same for a known address, which gets a mail that says so: the form does not reveal who is a
    customer (ASVS 6.3.8). `language` is that of the mails.

    Raises:
    - WeakPassword: nothing has been written.
    """
    email = normalise_email(email)
    passwords.check_password(password, email, name, company_name)
    hashed = passwords.hash_password(password)
    with transaction():
        known = User.get_or_none(User.email == email)
        with savepoint() as tried:
            # for a known address do the same work and roll it back, so that timing reveals nothing
            _create_account(
                f"{public_id()}@known.invalid" if known else email, name, hashed, company_name, kvk_number, language
            )
            if known is not None:
                tried.rollback()
        if known is not None:
            mail.enqueue_mail(known, "already_registered", once=f"already:{known.id}:{utcnow():%Y%m%d%H}")


def _create_account(
    email: str, name: str, hashed: str, company_name: str, kvk_number: str, language: str | None
) -> None:
    user = User.create(email=email, name=name.strip(), password_hash=hashed, locale=language)
    client = Client.create(
        public_id=public_id(), name=company_name.strip(), kvk_number=kvk_number, hide_lines_from_preparers=True
    )  # a preparer sees salaries once the owner allows it
    lock_clients(client.id)
    Membership.create(user=user, client=client, role=Role.OWNER)
    create_key(client)
    audit.record_event(
        client.id, audit.by_user(user), "client.registered", f"client:{client.id}", kvk=kvk_number, in_register=True
    )
    mail_confirmation(user)
