"""Every domain error has its own message: what happened, whether money moved, what to do."""

import inspect

import pytest
from flask import Flask
from flask_babel import Babel

from blueprints.web import error_messages
from domain.common import errors

EXAMPLES = {
    errors.WeakPassword: ("short",),
    errors.PinWrong: (2,),
    errors.RateLimited: (30,),
    errors.IdentificationRefused: ("another_person",),
    errors.IdentityCodeWrong: (2,),
    errors.InvitationRefused: ("yourself",),
    errors.NameRefused: ("other_surname",),
    errors.AuthorityRefused: ("not_in_register",),
    errors.AuthorityPending: ("together",),
    errors.NmbrsNotAllowed: ("SalaryDocuments_GetSEPA",),
    errors.NmbrsDisabled: ("closed",),
    errors.DifferentKvkNumber: (["Duinrand Catering BV"],),
    errors.WishesChanged: ("name_check_off",),
    errors.NotOpen: ("signed",),
    errors.ClientBusy: ("in_flight",),
    errors.AccountNeeded: ("waits", "Demo BV"),
    errors.LimitExceeded: ("payment", 100_000_00, 119_806_08),
    errors.DateInvalid: ("cut_off",),
    errors.UnsupportedByBank: ("too_many_lines", 5000),
    errors.BankFileRefused: ("unreadable",),
    errors.CancellationRefused: ("CANCELLATION_INVALID",),
}
KINDS = [
    kind
    for _name, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.DomainError) and kind is not errors.DomainError
]


@pytest.fixture(autouse=True)
def dutch_app():
    app = Flask(__name__)
    app.config.update(BABEL_DEFAULT_LOCALE="nl", SUPPORT_EMAIL="support@bizcuit.nl", IDENTITY_METHOD="iDIN")
    Babel(app)
    with app.test_request_context():
        yield


def said(kind: type[errors.DomainError]) -> str:
    return error_messages.message_for(kind(*EXAMPLES.get(kind, ())))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_its_own_message(kind: type[errors.DomainError]):
    assert kind in error_messages.WORDS
    assert said(kind).endswith((".", "!"))


def test_no_two_errors_share_a_message():
    texts = [said(kind) for kind in KINDS]
    assert len(set(texts)) == len(texts)


def test_an_unknown_error_says_that_nothing_was_paid():
    assert "Er is niets betaald" in error_messages.message_for(ValueError("inside"))
    assert "inside" not in error_messages.message_for(ValueError("inside"))


def test_the_limit_message_has_amount_and_contact():
    text = said(errors.LimitExceeded)
    assert "€\u00a0100.000,00 per betaling" in text
    assert "support@bizcuit.nl" in text
    assert "betaallimiet wordt overschreden" in text


def test_a_wrong_pin_shows_the_remaining_attempts():
    assert "nog 2 keer" in error_messages.message_for(errors.PinWrong(2))
    assert "geblokkeerd" in error_messages.message_for(errors.PinWrong(1))


def test_a_refused_login_does_not_reveal_which_part_was_wrong():
    assert said(errors.SignInRefused).startswith("E-mailadres en wachtwoord")
