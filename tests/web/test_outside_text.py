"""Texts from outside with hidden characters: shown as what they are on every page, in mails and notifications, and
refused where people type.
"""

import re
from importlib import import_module

import pytest
import wtforms
from flask_wtf import FlaskForm
from lxml import etree

import app as application
from blueprints.web.forms import Form
from core.hidden_characters import has_hidden
from domain.outbox.mail import MailMessage
from domain.outbox.push_delivery import PushContent
from jobs import mail_rendering, push_rendering
from models import (
    BankAccount,
    BankConsent,
    Client,
    NmbrsConnection,
    NmbrsDebtor,
    Passkey,
    PayrollCompany,
    PayrollRun,
    User,
)
from tests.support.hidden_texts import HEBREW, KINDS, OURS, PLANTED, RAW
from tests.support.prepared_site import NO_PAGES, PreparedSite
from tests.support.web_client import Page

NAMES = (
    User.name, Client.name, BankAccount.name, BankAccount.holder_name, BankConsent.holder_name, BankConsent.bank_name,
    NmbrsConnection.display_name, NmbrsDebtor.name, PayrollCompany.name, PayrollRun.description, Passkey.name,
)  # fmt: skip
SPOKEN = ("aria-label", "title", "alt", "placeholder", "content")


def plant(prepared: PreparedSite, text: str) -> None:
    """Put a text where names from outside stand, and make a payment of lines with it."""
    NmbrsDebtor.create(connection=prepared.demo.connection, nmbrs_id="7", number="7", name="x", webhook_status="failed")
    for column in NAMES:
        column.model.update({column.name: text}).execute()
    PayrollRun.update(description=text).execute()
    lines = [(f"{number} {text}", f"NL{10 + number}INGB0000000001", 100) for number in range(3)]
    batch = prepared.demo.batch(lines, number=7)
    prepared.things |= {"reference": batch.reference, "line_id": prepared.demo.view(batch).lines[0].id}


def pages(prepared: PreparedSite, who: str) -> dict[str, Page]:
    places = {(rule.endpoint, "GET") for rule in prepared.app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    found = {}
    for path in sorted({prepared.address(*place) for place in places}):
        if not path.startswith(NO_PAGES):
            answer = prepared.ask(who, "GET", path)
            if answer.status_code == 200:
                found[path] = answer
    return found


def test_no_page_holds_a_hidden_character(prepared: PreparedSite):
    things = dict(prepared.things)
    try:
        plant(prepared, PLANTED)
        for who in ("owner", "preparer"):
            found = pages(prepared, who)
            assert len(found) > 12
            assert {path: RAW.findall(OURS.sub("", page.html)) for path, page in found.items()
                    if RAW.search(OURS.sub("", page.html))} == {}  # fmt: skip
            shown = [path for path, page in found.items() if "⟨U+202E⟩" in page.html]
            assert len(shown) > 10
            assert any("/betalingen/" in path for path in shown)
    finally:
        prepared.things = things


def turning(page: Page) -> list[str]:
    """Return the Hebrew names on a page that could turn the words beside them."""
    found = []
    for node in page.tree.iter(etree.Element):
        inside = any(above.tag in ("bdi", "title", "option") for above in (node, *node.iterancestors()))
        texts = [] if inside or node.tag in ("script", "style") else [node.text or ""]
        parent = node.getparent()
        texts += [node.tail or ""] if parent is not None and parent.tag != "bdi" else []
        texts += [value for name, value in node.items() if name in SPOKEN and value != HEBREW]
        found += [text for text in texts if re.search("[\u0590-\u05ff]", OURS.sub("", text))]
    return found


def test_a_name_from_right_to_left_turns_nothing_beside_it(prepared: PreparedSite):
    things = dict(prepared.things)
    try:
        plant(prepared, HEBREW)
        found = pages(prepared, "owner")
        assert sum(HEBREW in page.html for page in found.values()) > 10
        wrong = {path: turning(page) for path, page in found.items() if turning(page)}
        assert wrong == {}
    finally:
        prepared.things = things


MAILS = {
    "batch_ready": {"description": PLANTED, "count": 3, "total_cents": 5},
    "invitation": {"by": PLANTED},
    "member_changed": {"what": "joined", "name": PLANTED, "by": PLANTED, "role": "owner"},
    "passkey_added": {"name": PLANTED}, "new_device": {"device": PLANTED},
    "account_removed": {"name": PLANTED, "acted": True},
    "lines_held": {"description": PLANTED, "count": 1, "lines": [[1, "no_name"]], "rest": True},
}  # fmt: skip


WITH_BUTTON = ("batch_ready", "invitation", "member_changed", "lines_held")


@pytest.mark.parametrize("kind", MAILS)
def test_no_mail_holds_a_hidden_character(prepared: PreparedSite, kind: str):
    user, client = prepared.demo.user, Client.get_by_id(prepared.demo.client.id)
    user.name = client.name = PLANTED
    mail = mail_rendering.write(MailMessage(kind, user, client, "/x" if kind in WITH_BUTTON else None, MAILS[kind]))
    whole = mail.subject + mail.text + mail.html
    assert not RAW.search(OURS.sub("", whole))
    assert "⟨U+202E⟩" in whole and "\n" not in mail.subject


def test_no_notification_holds_a_hidden_character(prepared: PreparedSite):
    title, text = push_rendering.write(PushContent("waits", PLANTED, "/", 1, "nl"))
    assert "⟨U+202E⟩" in text and not RAW.search(title + text)


# --- where people type ----------------------------------------------------------------------------
def forms() -> list[type[FlaskForm]]:
    """Return every form of the product."""
    for name in application.SCREENS:
        import_module(f"blueprints.{name}")
    found, left = [], [FlaskForm]
    while left:
        form = left.pop()
        left += form.__subclasses__()
        found += [form] if form.__module__.startswith("blueprints.") else []
    return found


def typed_fields() -> list[tuple[type[FlaskForm], str]]:
    found = []
    for form in forms():
        for name in dir(form):
            field = getattr(getattr(form, name), "field_class", None)
            if field and issubclass(field, wtforms.StringField) and not issubclass(field, wtforms.PasswordField):
                found.append((form, name))
    return found


def test_every_form_is_of_the_one_base():
    assert len(forms()) > 20
    assert [form.__name__ for form in forms() if not issubclass(form, Form)] == []


@pytest.mark.parametrize(("form", "name"), typed_fields(), ids=lambda one: getattr(one, "__name__", str(one)))
def test_every_text_field_refuses_what_nobody_sees(prepared: PreparedSite, form: type[FlaskForm], name: str):
    for signs in ("\0", *KINDS.values()):
        with prepared.app.test_request_context("/", method="POST", data={name: f"Jan{signs}sen"}):
            made = form()
            made.validate()
            spaces = "code" in name or "number" in name  # a number may be typed with any space in it
            told = any("onzichtbare tekens" in str(error) for error in made[name].errors)
            assert told or (spaces and signs.isspace() and made[name].errors), ascii(signs)
            assert not has_hidden(made[name].data or ""), "it is shown again without them"


@pytest.mark.parametrize(("form", "name"), typed_fields(), ids=lambda one: getattr(one, "__name__", str(one)))
def test_every_text_field_is_trimmed_and_composed(prepared: PreparedSite, form: type[FlaskForm], name: str):
    with prepared.app.test_request_context("/", method="POST", data={name: "\u00a0 Jose\u0301\u2003van \t "}):
        data = form()[name].data
    assert "".join(data.split()) == "Josévan" and data == data.strip() and "\u00a0" not in data


def test_a_password_is_taken_as_it_is_typed(prepared: PreparedSite):
    from blueprints.account.forms import PasswordForm

    typed = " pass\u200bword e\u0301\0 "
    with prepared.app.test_request_context("/", method="POST", data={"password": typed}):
        assert PasswordForm().password.data == typed
