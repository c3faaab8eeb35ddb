"""Every bank code of the standards has a text."""

import json

import pytest
from flask import Flask
from flask_babel import Babel

from blueprints.payments.presenters.bank_codes import BANK_REASONS, LINE_REASONS
from tests.support import reference


@pytest.fixture(autouse=True)
def in_dutch():
    app = Flask(__name__)
    app.config["BABEL_DEFAULT_LOCALE"] = "nl"
    Babel(app)
    with app.test_request_context():
        yield


@pytest.fixture(scope="module")
def codes() -> dict:
    return json.loads(reference.path("bank/codes.json").read_text("utf-8"))


def test_every_message_code_has_a_text(codes: dict):
    known = {code for group, listed in codes["tppMessageCodes"].items() if group != "src" for code in listed}
    assert len(known) > 40
    assert known - set(BANK_REASONS) == set()


def test_every_reason_code_has_a_text_for_payment_and_line(codes: dict):
    known = set(codes["statusReasonCode_bulk"]["enum"])
    assert known - set(BANK_REASONS) == set()
    assert known - set(LINE_REASONS) == set()


@pytest.mark.parametrize("code", sorted(BANK_REASONS))
def test_the_text_for_a_payment_is_a_sentence_without_code(code: str):
    text = str(BANK_REASONS[code])
    assert text[0].isupper()
    assert text.endswith(".")
    assert code not in text


@pytest.mark.parametrize("code", sorted(BANK_REASONS))
def test_the_text_does_not_say_whether_money_moved(code: str):
    """The payment's state adds that, once."""
    assert "niets betaald" not in str(BANK_REASONS[code])


@pytest.mark.parametrize("code", sorted(LINE_REASONS))
def test_the_text_for_a_line_continues_after_a_colon(code: str):
    text = str(LINE_REASONS[code])
    assert text[0].islower()
    assert not text.endswith(".")
