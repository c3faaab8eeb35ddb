"""Web push: the requests, the meaning of every answer, and where nothing is ever sent."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime

import pytest

from connectors.web_push import (
    PushError,
    PushGone,
    PushLater,
    PushMessage,
    PushRefused,
    Subscription,
    UnfitSubscription,
    WebPushClient,
)
from core.clock import utcnow
from tests.support.push import Receiver, encoded
from tests.support.sandbox import Sandbox
from tests.support.tampering_proxy import closed_port

KEY = "A" * 42 + "E"
MESSAGE = PushMessage(json.dumps({"title": "Er wacht een betaling"}).encode(), ttl=600, topic="abc_-9", urgency="high")


@pytest.fixture
def pusher(sandbox: Sandbox) -> WebPushClient:
    return WebPushClient(KEY, "support@bizcuit.example", local=sandbox.url)


def failure(pusher: WebPushClient, subscription: Subscription) -> PushError:
    with pytest.raises(PushError) as caught:
        pusher.send(subscription, MESSAGE)
    return caught.value


# --- delivery ---
def test_only_the_addressed_browser_can_decrypt(sandbox: Sandbox, pusher: WebPushClient):
    phone, other = Receiver(sandbox), Receiver(sandbox, unknown=True)
    pusher.send(phone.subscription, MESSAGE)
    pusher.send(other.subscription, MESSAGE)
    assert phone.told() == [{"title": "Er wacht een betaling"}]
    assert other.told() == [None]


def test_the_service_gets_vapid_and_ttl(sandbox: Sandbox, pusher: WebPushClient):
    phone = Receiver(sandbox)
    pusher.send(phone.subscription, MESSAGE)
    (message,) = phone.messages()
    assert (message["ttl"], message["urgency"], message["topic"]) == ("600", "high", "abc_-9")
    claims = message["claims"]
    assert (claims["aud"], claims["sub"]) == (sandbox.url, "mailto:support@bizcuit.example")
    assert (claims["key"], 0 < claims["left"] <= 12 * 3600) == (pusher.public_key, True)


def test_messages_are_padded_to_one_length(sandbox: Sandbox, pusher: WebPushClient):
    phone = Receiver(sandbox)
    for text in (b'"x"', json.dumps("y" * 300).encode()):
        pusher.send(phone.subscription, replace(MESSAGE, content=text))
    assert len({one["size"] for one in phone.messages()}) == 1
    assert phone.told() == ["y" * 300, "x"]


def test_each_message_has_its_own_key(pusher: WebPushClient):
    bodies, answer = [], b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
    with answering(lambda line: line.sendall(answer), bodies) as port:
        sender = replace(pusher, local=f"http://127.0.0.1:{port}")
        for _ in range(2):
            sender.send(at(f"http://127.0.0.1:{port}/push/x"), MESSAGE)
    sealed = [body.partition(b"\r\n\r\n")[2] for body in bodies]
    assert sealed[0][:16] != sealed[1][:16]  # the salt
    assert sealed[0][21:86] != sealed[1][21:86]  # the sender's key
    assert not any(b"betaling" in body for body in bodies)


def test_a_too_long_message_is_refused(sandbox: Sandbox, pusher: WebPushClient):
    phone = Receiver(sandbox)
    pusher.send(phone.subscription, replace(MESSAGE, content=b"1" * 3993))
    with pytest.raises(PushRefused):
        pusher.send(phone.subscription, replace(MESSAGE, content=b"1" * 3994))
    assert len(phone.messages()) == 1


# --- answers ---
def test_an_ended_subscription(sandbox: Sandbox, pusher: WebPushClient):
    sandbox.fault(push_gone=True)
    assert isinstance(failure(pusher, Receiver(sandbox).subscription), PushGone)


def test_a_busy_service_gives_the_wait(sandbox: Sandbox, pusher: WebPushClient):
    sandbox.fault(push_busy=True)
    error = failure(pusher, Receiver(sandbox).subscription)
    assert isinstance(error, PushLater)
    assert error.seconds == 120


def test_a_failing_service_is_temporary(sandbox: Sandbox, pusher: WebPushClient):
    sandbox.fault(push_down=True)
    error = failure(pusher, Receiver(sandbox).subscription)
    assert isinstance(error, PushLater)
    assert error.seconds is None


def test_a_redirect_is_not_followed(sandbox: Sandbox, pusher: WebPushClient):
    sandbox.fault(push_elsewhere=True)
    assert isinstance(failure(pusher, Receiver(sandbox).subscription), PushRefused)
    assert sandbox.control("GET", "push") == []


@pytest.mark.parametrize(
    ("status", "expected"),
    [(200, None), (201, None), (202, None), (404, PushGone), (410, PushGone), (429, PushLater), (500, PushLater),
     (503, PushLater), (301, PushRefused), (302, PushRefused), (400, PushRefused), (401, PushRefused),
     (403, PushRefused), (413, PushRefused)],
)  # fmt: skip
def test_each_status_has_its_exception(status: int, expected: type[PushError] | None):
    answer = f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:1/\r\n\r\n".encode()
    with answering(lambda line: line.sendall(answer)) as port:
        pusher = WebPushClient(KEY, "a@b.example", local=f"http://127.0.0.1:{port}")
        if expected is None:
            pusher.send(at(f"http://127.0.0.1:{port}/push/x"), MESSAGE)
        else:
            assert type(failure(pusher, at(f"http://127.0.0.1:{port}/push/x"))) is expected


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("30", 30), ("0", 0), ("999999999", 86_400), ("soon", None), ("-5", None),
     (format_datetime(utcnow() - timedelta(hours=1), usegmt=True), 0),
     (format_datetime(utcnow() + timedelta(days=9), usegmt=True), 86_400)],
    ids=["seconds", "at once", "too long", "words", "negative", "a moment that was", "a moment far away"],
)  # fmt: skip
def test_retry_after_in_seconds_or_as_a_date(told: str, seconds: int | None):
    answer = f"HTTP/1.1 503 x\r\nRetry-After: {told}\r\nContent-Length: 0\r\n\r\n".encode()
    with answering(lambda line: line.sendall(answer)) as port:
        error = failure(WebPushClient(KEY, "a@b.example", f"http://127.0.0.1:{port}"), at(f"http://127.0.0.1:{port}/push/x"))
    assert isinstance(error, PushLater)
    assert error.seconds == seconds


def test_an_unreachable_service_is_temporary():
    origin = f"http://127.0.0.1:{closed_port()}"
    assert isinstance(failure(WebPushClient(KEY, "a@b.example", origin), at(f"{origin}/push/x")), PushLater)


@pytest.mark.parametrize("words", [b"", b"hello\r\n\r\n", b"HTTP/1.1"])
def test_an_invalid_answer_is_temporary(words: bytes):
    with answering(lambda line: line.sendall(words)) as port:
        origin = f"http://127.0.0.1:{port}"
        assert isinstance(failure(WebPushClient(KEY, "a@b.example", origin), at(f"{origin}/push/x")), PushLater)


def test_a_slow_answer_is_cut_off():
    def drip(line: socket.socket) -> None:
        for _ in range(200):
            line.sendall(b"H")
            time.sleep(0.05)
        line.sendall(b"HTTP/1.1 201 Created\r\n\r\n")

    with answering(drip) as port:
        origin = f"http://127.0.0.1:{port}"
        assert isinstance(
            failure(WebPushClient(KEY, "a@b.example", origin, timeout=0.5), at(f"{origin}/push/x")), PushLater
        )


# --- allowed endpoints ---
@pytest.mark.parametrize(
    "endpoint",
    ["http://push.example/x", "https://127.0.0.1/x", "https://[::1]/x", "https://10.0.0.8/x", "https://192.168.1.1/x",
     "https://169.254.169.254/latest/meta-data", "https://[::ffff:10.0.0.1]/x", "https://[64:ff9b::a00:1]/x",
     "https://[fd00::1]/x", "https://0.0.0.0/x", "https://224.0.0.1/x", "https://100.64.0.1/x",
     "https://fcm.googleapis.com:8443/x", "https://me@fcm.googleapis.com/x", "https:///x", "ftp://push.example/x", "file:///x",
     "https://fcm.googleapis.com/\nx", "https://fcm.googleapis.com/" + "x" * 1000, "https://fcm.googleapis.com:x/", "",
     "http://fcm.googleapis.com/x", "https://push.example/x", "https://93.184.215.14/x", "https://evilfcm.googleapis.com/x",
     "https://fcm.googleapis.com.example/x", "https://fcm.googleapis.com./x", "https://push.apple.com/x",
     "https://web.push.apple.com.example/x", "https://evilpush.apple.com/x"],
)  # fmt: skip
def test_another_endpoint_is_refused_and_never_called(endpoint: str):
    pusher = WebPushClient(KEY, "a@b.example", local="http://127.0.0.1:1")
    with pytest.raises(UnfitSubscription):
        pusher.check(at(endpoint))
    assert isinstance(failure(pusher, at(endpoint)), PushRefused)


@pytest.mark.parametrize(
    "endpoint",
    ["https://fcm.googleapis.com/fcm/send/x?y=1", "https://fcm.googleapis.com:443/x", "https://FCM.googleapis.com/x",
     "https://updates.push.services.mozilla.com/wpush/v2/x", "https://web.push.apple.com/x",
     "https://db5p.notify.windows.com/w/?token=x"],
)  # fmt: skip
def test_an_endpoint_of_a_push_service_is_accepted(endpoint: str):
    WebPushClient(KEY, "a@b.example").check(at(endpoint))


def test_the_list_of_push_services_is_configurable():
    pusher = WebPushClient(KEY, "a@b.example", services=("push.example",))
    pusher.check(at("https://push.example/x"))
    with pytest.raises(UnfitSubscription):
        pusher.check(at("https://fcm.googleapis.com/x"))


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f000001"])
def test_a_local_name_is_refused_without_dns(host: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: pytest.fail("looked up"))
    assert isinstance(failure(WebPushClient(KEY, "a@b.example"), at(f"https://{host}/x")), PushRefused)


def test_the_sandbox_needs_the_local_setting(sandbox: Sandbox):
    phone = Receiver(sandbox)
    assert isinstance(failure(WebPushClient(KEY, "a@b.example"), phone.subscription), PushRefused)
    assert phone.messages() == []


def test_an_untrusted_certificate_is_refused(sandbox: Sandbox):
    """TLS is established before anything is sent, so a server without it gets no message."""
    heard: list[bytes] = []
    with answering(lambda line: line.sendall(b"HTTP/1.1 201 x\r\n\r\n"), heard) as port:
        origin = f"https://127.0.0.1:{port}"
        pusher = WebPushClient(KEY, "a@b.example", origin, timeout=5, tls=ssl.create_default_context())
        assert isinstance(failure(pusher, at(f"{origin}/x")), PushLater)
    assert not any(b"POST" in text for text in heard)


# --- subscriptions ---
def test_a_browsers_subscription_is_parsed(sandbox: Sandbox):
    phone = Receiver(sandbox, unknown=True)
    assert Subscription.read(phone.written) == phone.subscription


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", "nothing", '{"endpoint": 1, "keys": {}}', '{"endpoint": "https://x.example", "keys": 1}',
     json.dumps({"endpoint": "https://x.example", "keys": {"p256dh": "AAAA", "auth": encoded(b"1" * 16)}}),
     json.dumps({"endpoint": "https://x.example", "keys": {"p256dh": 5, "auth": 6}}), "[" * 100_000],
)  # fmt: skip
def test_an_invalid_subscription_is_refused(text: str):
    with pytest.raises(UnfitSubscription):
        Subscription.read(text)


def test_a_secret_of_another_length_is_refused(sandbox: Sandbox):
    phone = Receiver(sandbox, unknown=True)
    phone.auth = b"1" * 15
    with pytest.raises(UnfitSubscription):
        Subscription.read(phone.written)


@pytest.mark.parametrize("key", ["", "AAAA", "A" * 43, "not base64!" * 4, "_" * 43])
def test_an_invalid_vapid_key_is_refused(key: str):
    with pytest.raises(ValueError):
        WebPushClient(key, "a@b.example")


def test_no_secret_is_in_a_repr(sandbox: Sandbox, pusher: WebPushClient):
    phone = Receiver(sandbox)
    shown = repr(pusher) + repr(phone.subscription) + repr(MESSAGE)
    sandbox.fault(push_down=True)
    shown += repr(failure(pusher, phone.subscription))
    for secret in (KEY, phone.endpoint, encoded(phone.auth), encoded(phone.point), "betaling"):
        assert secret not in shown


# --- a server with scripted answers ---
def at(endpoint: str) -> Subscription:
    """A subscription at this endpoint, with the keys of the example in RFC 8291."""
    return Subscription(
        endpoint, "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "BTBZMqHH6r4Tts7J_aSIgg",
    )  # fmt: skip


@contextmanager
def answering(answer: Callable[[socket.socket], None], heard: list[bytes] | None = None) -> Iterator[int]:
    """A server on a free port that reads a request and then runs this; it keeps what it received."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    line, _ = server.accept()
                except OSError:
                    return
                with line:
                    try:
                        text = whole(line)
                        if heard is not None:
                            heard.append(text)
                        answer(line)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(timeout=15)


def whole(line: socket.socket) -> bytes:
    """Read one request with its body, or return what was received of an incomplete one."""
    line.settimeout(5)
    text = b""
    while b"\r\n\r\n" not in text:
        part = line.recv(65536)
        text += part
        if not part or not text.startswith(b"POST"):
            return text
    head, _, body = text.partition(b"\r\n\r\n")
    length = next(int(one.split(b":")[1]) for one in head.split(b"\r\n") if one.lower().startswith(b"content-length"))
    while len(body) < length:
        body += line.recv(65536)
    return head + b"\r\n\r\n" + body
