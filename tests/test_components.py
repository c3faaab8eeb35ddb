"""The template components: the values they keep, the secrets they never return, and their text."""

from datetime import UTC, date, datetime
from pathlib import Path

import lxml.html
import pytest
from flask import Flask, render_template_string, session
from flask_babel import Babel
from flask_wtf import FlaskForm
from jinja2 import StrictUndefined
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from blueprints.web import formatters
from blueprints.web.authorization import is_possible
from blueprints.web.outside_text import init_outside_text
from blueprints.web.static_assets import init_assets

ROOT = Path(__file__).parent.parent


class Form(FlaskForm):
    email = StringField("E-mailadres", [InputRequired("Vul je e-mailadres in.")])
    token = StringField("Token")
    password = PasswordField("Wachtwoord")


@pytest.fixture
def app() -> Flask:
    app = Flask("app", root_path=str(ROOT))
    app.config.update(BABEL_DEFAULT_LOCALE="nl", SUPPORT_EMAIL="x@x.nl", SECRET_KEY="for tests", WTF_CSRF_ENABLED=False)
    app.jinja_env.undefined = StrictUndefined
    Babel(app)
    init_assets(app)
    formatters.init_context(app)
    init_outside_text(app)
    app.jinja_env.globals["possible"] = is_possible
    return app


def rendered(app: Flask, source: str, posted: dict | None = None, **values):
    """Render a macro with a submitted form."""
    with app.test_request_context(method="POST" if posted is not None else "GET", data=posted):
        form = Form()
        if posted is not None:
            form.validate()
        return lxml.html.fromstring(f"<div>{render_template_string(source, form=form, **values)}</div>")


def test_a_field_keeps_its_value_and_shows_its_error(app):
    source = "{% from 'components/forms.html' import field %}{{ field(form.email, hint='Hint') }}"
    kept = rendered(app, source, {"email": "a<b@c.nl"}).xpath("//input")[0]
    wrong = rendered(app, source, {"email": ""})
    field = wrong.xpath("//input")[0]
    assert kept.get("value") == "a<b@c.nl"
    assert field.get("aria-invalid") == "true"
    assert field.get("aria-describedby") == "email-hint email-error"
    assert "Vul je e-mailadres in." in wrong.xpath("string(//*[@id='email-error'])")


def test_a_repeated_flash_message_is_shown_once(app):
    with app.test_request_context():
        # as restored from a session stored as JSON
        session["_flashes"] = [["good", "Opgeslagen."], ["info", "Identificeer je eerst."], ["good", "Opgeslagen."]]
        shown = render_template_string("{% from 'components/note.html' import flashes with context %}{{ flashes() }}")
    assert [one.text_content() for one in lxml.html.fromstring(f"<div>{shown}</div>").xpath("//div/div/div")] == [
        "Opgeslagen.", "Identificeer je eerst.",
    ]  # fmt: skip


@pytest.mark.parametrize("call", ["secret(form.token)", "secret(form.password)", "field(form.password)"])
def test_a_secret_is_never_returned(app, call):
    source = "{% from 'components/forms.html' import field, secret %}{{ " + call + " }}"
    page = rendered(app, source, {"token": "geheim-1", "password": "geheim-1", "email": "x"})
    assert page.xpath("//input")[0].get("type") == "password"
    assert "geheim-1" not in lxml.html.tostring(page, encoding="unicode")


def test_an_amount_has_raised_cents_and_reads_as_one_number(app):
    page = rendered(app, "{% from 'components/money.html' import amount %}{{ amount(1980608, 'big') }}")
    assert page.text_content() == "€\u00a019.806,08"
    assert page.xpath("string(//*[@class='cents'])") == "08"


def test_a_line_has_labelled_buttons_and_few_nodes(app):
    call = "line(7, 'Jong, Wouter de', 'NL42INGB2268352412', 'Salaris', 344808, refuse='/r', restore='/r')"
    page = rendered(app, "{% from 'components/line.html' import line %}{{ " + call + " }}")
    labels = [button.get("aria-label") for button in page.xpath("//button")]
    assert labels == ["Niet betalen: Jong, Wouter de", "Betalen: Jong, Wouter de"]
    assert [button.get("aria-pressed") for button in page.xpath("//button")] == ["false", "true"]
    assert "NL42 INGB 2268 3524 12" in page.text_content()
    assert len(page.xpath("//li/descendant-or-self::*")) <= 10


def test_the_keypad_has_a_normal_field(app):
    source = "{% from 'components/keypad.html' import keypad %}{{ keypad(form.password, cancel='/terug') }}"
    page = rendered(app, source)
    keys = [key.get("data-key") for key in page.xpath("//button[@data-key]")]
    assert keys == [*"123456789", "0", "back"]
    assert all(key.get("type") == "button" for key in page.xpath("//button[@data-key]"))
    assert page.xpath("//label[@for='password']")
    assert len(page.xpath("//*[contains(@class, 'dots')]/i")) == 6


def test_dates_are_in_dutch_notation(app):
    with app.test_request_context():
        assert formatters.day(date(2020, 11, 24)) == "di 24 nov."
        assert formatters.day(date(2020, 5, 4)) == "ma 4 mei"
        assert formatters.long_day(date(2020, 11, 24)) == "dinsdag 24 november 2020"
        assert formatters.month(date(2020, 11, 1)) == "november 2020"
        assert formatters.moment(datetime(2020, 11, 13, 14, 47, 41, tzinfo=UTC)) == "13-11-2020 15:47"
        assert formatters.datetime_seconds(datetime(2020, 11, 13, 14, 47, 41, tzinfo=UTC)) == "13-11-2020 15:47:41"
        assert formatters.day(datetime(2020, 11, 23, 23, 30, tzinfo=UTC)) == "di 24 nov."
