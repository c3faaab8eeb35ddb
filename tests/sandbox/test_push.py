"""The sandbox's push service: what it accepts, refuses and shows."""

from urllib.parse import urlsplit

import requests

from connectors.web_push import PushMessage, WebPushClient
from tests.support.push import Receiver
from tests.support.sandbox import Sandbox

MESSAGE = PushMessage(b'{"title": "x"}', ttl=60, topic="t")


def test_it_requires_vapid(sandbox: Sandbox):
    headers = {"TTL": "60", "Content-Encoding": "aes128gcm"}
    assert sandbox.post("/push/x", data=b"x", headers=headers).status_code == 401
    forged = {**headers, "Authorization": "vapid t=a.b.c, k=AAAA"}
    assert sandbox.post("/push/x", data=b"x", headers=forged).status_code == 403
    assert sandbox.control("GET", "push") == []


def test_it_refuses_a_token_for_another_audience(sandbox: Sandbox):
    """A token for one service is worthless at another."""
    pusher = WebPushClient("A" * 42 + "E", "a@b.example", local="http://other.example")
    token = pusher._token(urlsplit("http://other.example/x"))
    headers = {"TTL": "60", "Content-Encoding": "aes128gcm", "Authorization": f"vapid t={token}, k={pusher.public_key}"}
    assert sandbox.post("/push/x", data=b"x", headers=headers).status_code == 403


def test_it_lists_messages_newest_first(sandbox: Sandbox):
    pusher, phone = WebPushClient("A" * 42 + "E", "a@b.example", local=sandbox.url), Receiver(sandbox)
    for text in (b'"one"', b'"two"'):
        pusher.send(phone.subscription, PushMessage(text, ttl=60, topic="t"))
    assert phone.told() == ["two", "one"]
    assert [one["for"] for one in sandbox.control("GET", "push")] == [phone.name] * 2


def test_a_receiver_needs_keys_of_the_right_size(sandbox: Sandbox):
    for given in ({}, {"private_key": "AAAA", "auth": "AAAA"}, {"private_key": 5, "auth": 6}):
        assert requests.put(f"{sandbox.url}/control/push/x", json=given, timeout=10).status_code == 400
