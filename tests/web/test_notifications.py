"""The page of notifications, its forms, and the messages: in both languages, without private data."""

import json
import re
from typing import Any

import pytest

from domain.outbox import push, push_delivery
from domain.outbox.push_delivery import PushContent
from domain.overview import worklist
from jobs import push_rendering
from models import BatchLine, LoginSession, PushSubscription, User
from tests.support.factories import Demo
from tests.support.push import Receiver
from tests.support.web_client import Site, WebClient

WHATS = sorted(what for whats in push.KINDS.values() for what in whats)


@pytest.fixture
def owner(site: Site, demo: Demo) -> WebClient:
    return site.person(demo.user)


def at(demo: Demo, tail: str = "") -> str:
    return f"/{demo.client.public_id}/instellingen/meldingen{tail}"


def switch_on(owner: WebClient, demo: Demo) -> Receiver:
    phone = Receiver(owner.site.sandbox)
    assert owner.post(at(demo, "/aan"), {"subscription": phone.written}).status_code == 303
    return phone


def test_notifications_are_enabled_and_disabled(owner: WebClient, demo: Demo):
    assert 'data-notifications="off"' in owner.get(at(demo)).html
    switch_on(owner, demo)
    shown = owner.get(at(demo)).html
    assert 'data-notifications="on"' in shown
    assert "Meldingen staan aan op dit apparaat." in shown
    assert [row.device_id for row in PushSubscription.select()] == [LoginSession.get(user=demo.user).device_id]
    owner.post(at(demo, "/uit"))
    assert PushSubscription.select().count() == 0
    assert 'data-notifications="off"' in owner.get(at(demo)).html


def test_the_page_has_the_vapid_public_key(owner: WebClient, demo: Demo):
    found = re.search(r'data-key="([\w-]+)"', owner.get(at(demo)).html)
    assert found and len(found[1]) == 87, "a point of P-256, 65 bytes in base64url"


@pytest.mark.parametrize("written", ["", "{}", '{"endpoint": "https://10.0.0.1/x"}'])
def test_an_invalid_subscription_is_refused(owner: WebClient, demo: Demo, written: str):
    owner.post(at(demo, "/aan"), {"subscription": written})
    assert "Meldingen aanzetten is niet gelukt in deze browser." in owner.get(at(demo)).html
    assert PushSubscription.select().count() == 0


def test_a_session_without_device_cannot_subscribe(site: Site, demo: Demo):
    who = site.person(demo.user)
    LoginSession.update(device=None).execute()
    who.post(at(demo, "/aan"), {"subscription": Receiver(site.sandbox).written})
    assert PushSubscription.select().count() == 0


RENEWED = "/meldingen/vernieuwd"


def renew(person: WebClient, written: str, **headers: str) -> int:
    """Post a subscription as the worker does: JSON without CSRF token."""
    kind = {"Content-Type": "application/json"} | headers
    return person.client.post(RENEWED, data=written, headers=kind).status_code


def test_a_renewed_subscription_still_gets_messages(owner: WebClient, demo: Demo):
    old, new = switch_on(owner, demo), Receiver(owner.site.sandbox)
    batch = demo.batch()  # to be announced to the old subscription
    assert renew(owner, new.written) == 204
    LoginSession.delete().execute()  # with or without login, because the browser reports it
    last = Receiver(owner.site.sandbox)
    assert renew(owner, last.written) == 204
    for row_id in push_delivery.due_pushes():
        assert push_delivery.deliver_push(row_id, push_rendering.write, worklist.pending_count)
    assert [one["path"] for one in last.told()] == [f"/betalingen/{batch.reference}"]
    assert old.told() == new.told() == []


def test_renewal_requires_the_device_cookie(owner: WebClient, site: Site, demo: Demo):
    phone, stranger = switch_on(owner, demo), Receiver(site.sandbox)
    before = PushSubscription.get().endpoint_encrypted
    assert renew(site.person(), stranger.written) == 204  # a browser without notifications
    assert renew(owner, stranger.written, **{"Sec-Fetch-Site": "cross-site"}) == 403
    assert renew(owner, stranger.written, Origin="https://evil.example") == 403
    assert renew(owner, "[]") == 422
    assert renew(owner, json.dumps({"endpoint": "https://127.0.0.1/x", "keys": {}})) == 422
    assert (PushSubscription.get().endpoint_encrypted, PushSubscription.select().count()) == (before, 1)
    assert renew(owner, phone.written) == 204  # the same subscription again


def test_the_selected_events(owner: WebClient, demo: Demo):
    assert owner.get(at(demo)).html.count('name="kind"') == owner.get(at(demo)).html.count(" checked") == 6
    owner.post(at(demo), {"kind": ["refused", "waits", "nonsense"]})
    assert User.get().muted_push_events == ["asked", "consent", "executed", "held"]
    assert owner.get(at(demo)).html.count(" checked") == 2
    owner.post(at(demo))
    assert push.enabled_kinds(User.get()) == set()


def test_logout_ends_them_in_this_browser(owner: WebClient, demo: Demo):
    switch_on(owner, demo)
    owner.post("/uitloggen")
    assert PushSubscription.select().count() == 0


def test_a_payment_arrives_on_the_phone(owner: WebClient, demo: Demo):
    phone = switch_on(owner, demo)
    batch = demo.batch()
    for row_id in push_delivery.due_pushes():
        assert push_delivery.deliver_push(row_id, push_rendering.write, worklist.pending_count)
    (told,) = phone.told()
    assert told == {
        "title": "Er staat een betaling klaar", "text": "Demo BV: bekijk de betaling en betaal.",
        "path": f"/betalingen/{batch.reference}", "tag": told["tag"], "waiting": 1,
    }  # fmt: skip
    answer = owner.get(told["path"])
    assert answer.headers["Location"].endswith(f"/{demo.client.public_id}/betalingen/{batch.reference}")


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("what", WHATS)
def test_every_message_has_the_company_and_no_private_data(site: Site, demo: Demo, what: str, language: str):
    batch = demo.batch()
    title, text = push_rendering.write(
        PushContent(what, demo.client.name, f"/betalingen/{batch.reference}", 3, language)
    )
    said = f"{title} {text}"
    assert "Demo BV" in text
    assert "\n" not in said
    assert 3 < len(title) <= 40, "more is cut off on a phone"
    assert len(text) <= 110
    private: list[Any] = [demo.user.name, demo.user.email, *(line.creditor_name for line in BatchLine.select())]
    assert not any(str(one) in said for one in private)
    assert not re.search(r"\d|€|[A-Z]{2}\d\d", said), "no amount, no account"


def test_both_languages_have_their_own_texts(site: Site, demo: Demo):
    texts = [
        push_rendering.write(PushContent(what, "X", "/", 0, language)) for what in WHATS for language in ("nl", "en")
    ]
    assert len(set(texts)) == len(texts)


def test_the_overview_has_the_badge_count(owner: WebClient, demo: Demo):
    demo.batch()
    shown = owner.get(f"/{demo.client.public_id}/overzicht").html
    assert '<meta name="waiting" content="1">' in shown
