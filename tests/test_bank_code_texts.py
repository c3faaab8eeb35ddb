"""Every code of a bank is said in words: none of the standard's lists is without."""

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


def test_every_message_code_of_the_standard_has_words(codes: dict):
    known = {code for group, listed in codes["tppMessageCodes"].items() if group != "src" for code in listed}
    assert len(known) > 40
    assert known - set(BANK_REASONS) == set()


def test_every_reason_of_the_standard_has_words_for_a_payment_and_for_a_line(codes: dict):
    known = set(codes["statusReasonCode_bulk"]["enum"])
    assert known - set(BANK_REASONS) == set()
    assert known - set(LINE_REASONS) == set()


@pytest.mark.parametrize("code", sorted(BANK_REASONS))
def test_a_payments_reason_is_a_sentence_that_names_no_code(code: str):
    text = str(BANK_REASONS[code])
    assert text[0].isupper()
    assert text.endswith(".")
    assert code not in text


@pytest.mark.parametrize("code", sorted(BANK_REASONS))
def test_it_never_says_itself_whether_money_moved(code: str):
    """The payment's state knows that, and says it once."""
    assert "niets betaald" not in str(BANK_REASONS[code])


@pytest.mark.parametrize("code", sorted(LINE_REASONS))
def test_a_lines_reason_goes_on_after_a_colon(code: str):
    text = str(LINE_REASONS[code])
    assert text[0].islower()
    assert not text.endswith(".")
