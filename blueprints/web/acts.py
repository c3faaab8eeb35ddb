"""Acts that change money, rights or bank links: what each asks of the person, and the decorator that asks it.

A route names its act, and nothing else says what it takes. What lets money go asks what approving asks. Proof, people
and authority are checked by the domain, in the same transaction or just before it; the door checks role, recent
authentication, device, and authority where the domain function has no words for it.
`docs/security.md` holds the same table for readers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from typing import Any

from flask import abort, flash, request, url_for
from flask_login import login_required

from blueprints.web.authorization import (
    ALL,
    MAY_PAY,
    OWNER,
    confirmed_device,
    current_location,
    for_client,
    recently_authenticated_keeping,
)
from blueprints.web.current_user import current_user_row
from blueprints.web.error_messages import message_for
from blueprints.web.responses import redirect_to
from domain.common.errors import DomainError, NotIdentified
from domain.identity import identification
from models import Membership


class Proof(StrEnum):
    """What the person shows at the act itself, beside being signed in."""

    SESSION = "session"
    RELEASE = "as at approval"  # session where the bank signs; PIN or passkey where our proof is the signature
    PIN = "PIN"
    PASSWORD = "password"
    BANK = "signature at the bank"
    IDENTIFICATION = "identification, to replace it"


class Authority(StrEnum):
    """Whether the register must allow the person to sign for the company, and who checks it."""

    NOT_ASKED = "no"
    AT_THE_DOOR = "yes"
    IN_THE_DOMAIN = "yes, in the domain"
    TO_LOOSEN = "yes, to loosen"


class People(StrEnum):
    """How many people it takes."""

    ONE = "one"
    AMOUNT = "as many as the amount asks"
    AGAIN = "one; it is approved again"
    PROVED = "two under four eyes, and for a linked bank"
    LOOSEN = "two, to loosen"
    TWO = "two"


@dataclass(frozen=True)
class Act:
    """What an act asks. `why`: why it may ask less than an approval."""

    what: str
    roles: frozenset
    recent: bool = True
    device: bool = True
    proof: Proof = Proof.SESSION
    authority: Authority = Authority.NOT_ASKED
    people: People = People.ONE
    why: str = ""


_DOOR, _DOMAIN = Authority.AT_THE_DOOR, Authority.IN_THE_DOMAIN

ACTS: dict[str, Act] = {
    # --- money ---
    "approve": Act("approve a payment", MAY_PAY, True, True, Proof.RELEASE, _DOMAIN, People.AMOUNT),
    "confirm_names": Act("pay although the bank knows a payee by another name", MAY_PAY, True, True, Proof.RELEASE,
                         _DOMAIN, People.AMOUNT),
    "sign": Act("start and continue the signature at the bank", MAY_PAY, True, True, Proof.BANK, _DOOR, People.ONE,
                "the payment was approved by as many people as its amount asks"),
    "take_file": Act("take the payment file to the bank", MAY_PAY, True, True, Proof.SESSION, _DOOR, People.ONE,
                     "the payment was approved by as many people as its amount asks"),
    "attest": Act("confirm a bank's file, or say what the bank did", MAY_PAY, True, True, Proof.PIN, _DOMAIN,
                  People.PROVED),
    "reopen": Act("put into a payment again what was not paid", MAY_PAY, True, True, Proof.SESSION, _DOOR,
                  People.AGAIN),
    "leave_unpaid": Act("decide that a line that was left out is not paid", MAY_PAY, False, False,
                        why="it lets no money go, and can be taken back"),
    "pay_more": Act("ask for, or allow, more than is owed", MAY_PAY, True, True, Proof.PIN, _DOMAIN, People.TWO),
    "pay_no_more": Act("withdraw what was asked or allowed beyond what is owed", MAY_PAY, why="it stops a payment"),
    "keep": Act("withdraw a cancellation", MAY_PAY, True, True, Proof.SESSION, _DOOR),
    "cancel": Act("cancel at the bank", MAY_PAY, True, True, Proof.PIN, why="it stops a payment"),
    "give_up": Act("stop signing", MAY_PAY, why="it stops a payment"),
    "put_away": Act("put a payment away without paying it", MAY_PAY, why="it stops a payment"),
    "decide_name": Act("take over the bank's name, or leave a line out of an order", MAY_PAY,
                       people=People.AGAIN),
    "take_over_name": Act("have the order bear the name that the bank gave before the payment", MAY_PAY,
                          people=People.AGAIN),
    "acknowledge": Act("say that the warnings were read", MAY_PAY, people=People.AGAIN),
    "answer_payees": Act("say that a new or changed account is the person's, or leave it out", ALL,
                         people=People.AGAIN,
                         why="owners and approvers; preparers only where another person than who approves must answer"),
    "answer_doubt": Act("answer whether the run has a mistake", ALL, False, False, people=People.AGAIN,
                        why="the payment that waits for it is approved after it"),
    "go_on": Act("go on without an answer", MAY_PAY, authority=_DOOR, people=People.AGAIN),
    "amend": Act("exclude or include lines, change day or account", ALL, False, False, people=People.AGAIN,
                 why="it voids every approval, and is approved with the payment"),
    "hand_in": Act("hand in a bank's file", MAY_PAY, False, False, why="it proves nothing until it is confirmed"),
    # --- bank and payroll links ---
    "link_bank": Act("add a bank account, or renew its consent", ALL, authority=_DOMAIN),
    "confirm_holder": Act("confirm an account holder", ALL, authority=_DOOR),
    "link_nmbrs": Act("add an Nmbrs connection, renew its token or webhook", ALL, True, False,
                      why="what it brings is approved as a payment"),
    "end_nmbrs": Act("remove an Nmbrs connection, or move it to REST", OWNER),
    "map_companies": Act("choose the account of an administration", ALL, False, False, people=People.AGAIN,
                         why="the account is shown with each payment and approved with it"),
    "set_payday": Act("confirm or choose the payday of an administration", MAY_PAY, False, False, people=People.AGAIN,
                      why="the day is shown with each payment and approved with it"),
    # --- rights ---
    "members": Act("invite, change and remove people, hide lines", OWNER),
    "four_eyes": Act("set from which amount two people approve", OWNER, authority=Authority.TO_LOOSEN,
                     people=People.LOOSEN),
    "answer_four_eyes": Act("agree or refuse as the second person", MAY_PAY, authority=Authority.TO_LOOSEN,
                            people=People.LOOSEN),
    "wishes": Act("set batch booking and the check of names", OWNER, authority=_DOOR, people=People.AGAIN),
    # --- personal data ---
    "own_data": Act("download the own data", ALL, True, False, why="it holds no secret and changes nothing"),
    "employee_data": Act("download the data of an employee", OWNER),
    "company_data": Act("download the payments and the log of the company", OWNER),
    "close_client": Act("close the account of the company", OWNER, True, True, Proof.PIN, _DOMAIN),
    "reopen_client": Act("undo the closing of the account", OWNER, authority=_DOOR),
    "remove_account": Act("remove the own account", ALL, True, True, Proof.PIN),
    # --- own details, and the name of the company ---
    "email": Act("change the own e-mail address, or withdraw that", ALL, True, True, Proof.PASSWORD),
    "own_name": Act("change the own name", ALL),
    "company_name": Act("change the name of the company", OWNER),
    # --- means of authentication ---
    "pin": Act("set the PIN", ALL, True, False, Proof.IDENTIFICATION, why="it counts on confirmed devices only"),
    "withdraw_identification": Act("withdraw an identification with somebody else's card", ALL, True, True,
                                   Proof.PASSWORD),
    "passkeys": Act("add, rename and remove passkeys", ALL),
    "sessions": Act("end own sessions", ALL, True, False, why="it lets nobody in, and a stolen phone must be shut out"),
    "password": Act("change the password", ALL, False, False, Proof.PASSWORD, why="the old password is asked"),
}  # fmt: skip

# Routes that change something, but neither money, nor rights, nor bank links.
HARMLESS = {
    "account.sign_in": "asks the password",
    "account.sign_out": "ends the own session",
    "account.register": "makes an account of nobody's money",
    "account.confirmation_sent": "sends a mail to the own address",
    "account.confirm_email": "asks the link from the mail",
    "account.confirm_new_email": "asks the link from the new mailbox, and a login of who asked for it",
    "account.stop_email_change": "asks the link from the old mailbox; stops a change and ends sessions",
    "account.sign_in_options": "a challenge",
    "account.sign_in_with_passkey": "asks the passkey",
    "account.reauthentication_options": "a challenge",
    "account.reauthenticate_with_passkey": "asks the passkey",
    "account.reauthenticate": "asks the password",
    "account.request_password_reset": "sends a mail to the own address",
    "account.reset_password": "asks the link from the mail; nothing is paid until an identification after it",
    "account.unconfirmed_device": "sends a mail to the own address",
    "account.confirm_device": "asks the link from the mail, in the same browser",
    "team.join": "asks the link from the mail and a login; an owner gave the role",
    "onboarding.identify": "the broker asks who it is",
    "onboarding.confirm_code": "asks the code from the mail of who identified",
    "onboarding.recheck_authority": "the register answers",
    "overview.dismiss_install_offer": "hides an offer on one device",
    "banking.refresh_balances": "reads balances",
    "payroll.permissions": "reads what the token may do",
    "payroll.reimport": "reads a run; what it brings is approved as a payment",
    "payroll.import_older_run": "reads a run; what it brings is approved as a payment",
    "pwa.subscription_renewed": "asks the secret of the old subscription",
    "settings.choose_language": "the own language",
    "settings.save_notifications": "the own notifications",
    "settings.enable_push": "the own notifications, on this device",
    "settings.disable_push": "the own notifications, on this device",
    "webhooks.nmbrs_webhook": "asks the secret address; makes the program ask Nmbrs",
    "webhooks.bank_callback": "asks the secret address; makes the program ask the bank",
}


def does(name: str, *keep: str, secret_too: bool = False, read_by: frozenset | None = None) -> Callable:
    """Ask what the table says of this act. The view gets `membership`.

    `keep`: fields of the form to restore after a new authentication, `secret_too` as in
    `recently_authenticated_keeping`. `read_by`: the roles that may open the page (GET) without doing anything; without
    it the page asks the same as the act.
    """
    act = ACTS[name]

    def decorate(view: Callable) -> Callable:
        guarded = view
        if act.authority == Authority.AT_THE_DOOR:
            guarded = _may_sign(guarded)
        if act.device:
            guarded = confirmed_device(guarded)
        if act.recent:
            guarded = recently_authenticated_keeping(*keep, secret_too=secret_too)(guarded)

        @wraps(view)
        def entered(membership: Membership, **kwargs: Any) -> Any:
            if request.method == "GET" and read_by is not None:
                return view(membership=membership, **kwargs)
            if membership.role not in act.roles:
                abort(403)
            return guarded(membership=membership, **kwargs)

        door = for_client(act.roles if read_by is None else act.roles | read_by)(entered)
        door.act = name  # type: ignore[attr-defined]
        return door

    return decorate


def does_alone(name: str) -> Callable:
    """Ask what the table says of this act of a user for oneself, outside any client. The view gets `user`."""
    act = ACTS[name]

    def decorate(view: Callable) -> Callable:
        guarded = confirmed_device(view) if act.device else view
        if act.recent:
            guarded = recently_authenticated_keeping()(guarded)

        @wraps(view)
        @login_required
        def door(**kwargs: Any) -> Any:
            return guarded(user=current_user_row(), **kwargs)

        door.act = name  # type: ignore[attr-defined]
        return door

    return decorate


def _may_sign(view: Callable) -> Callable:
    """Require that the register allows this person to sign for the client; else lead to the identification."""

    @wraps(view)
    def guarded(membership: Membership, **kwargs: Any) -> Any:
        try:
            identification.require_authority(membership.client, membership.user)
        except DomainError as error:
            flash(message_for(error), "info" if isinstance(error, NotIdentified) else "bad")
            return redirect_to(url_for("onboarding.identify", verder=current_location()))
        return view(membership=membership, **kwargs)

    return guarded
