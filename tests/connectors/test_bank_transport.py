"""How far a call got: surely not delivered, or outcome unknown."""

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from connectors.bank import transport
from connectors.bank.port import BankError, NotDelivered, OutcomeUnknown
from connectors.bank.transport import Answer, Request, TimedOut, send_request, tls_with
from tests.support.raw_socket_bank import (
    RawRequest,
    Script,
    drips,
    hangs_up,
    is_silent,
    raw_bank,
    resets,
    says,
    says_raw,
)

BODY = b"<Document/>" * 100
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"


def post(url: str, answer_timeout: float = 5, tls: ssl.SSLContext | None = None, body: bytes = BODY) -> Answer:
    return send_request(Request("POST", f"{url}/v1/x?a=b", {"X-Request-ID": "1"}, body), 2, answer_timeout, tls)


def test_it_sends_the_request_and_reads_the_answer():
    with raw_bank(says(201, {"a": "é"}, ASPSP_SCA_Approach="REDIRECT")) as bank:
        answer = post(bank.url)
    assert (answer.status, answer.body) == (201, b'{"a": "\\u00e9"}')
    assert answer.headers["aspsp-sca-approach"] == "REDIRECT"
    asked = bank.requests[0]
    assert (asked.method, asked.target, asked.body) == ("POST", "/v1/x?a=b", BODY)
    assert asked.headers["x-request-id"] == "1"
    assert asked.headers["connection"] == "close"


def test_an_answer_in_chunks_is_read_whole():
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    with raw_bank(says_raw(chunks)) as bank:
        assert post(bank.url).body == b"abcde"


# --- not delivered ---
@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def test_a_closed_port_is_not_delivered(closed_port: int):
    with pytest.raises(NotDelivered):
        post(f"http://127.0.0.1:{closed_port}")


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 70 + ".invalid", "-.invalid", "x..y"])
def test_an_unknown_host_is_not_delivered(host: str):
    with pytest.raises(NotDelivered):
        post(f"https://{host}")


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose backlog is full: connecting to it times out."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for one in waiting:
            one.close()


def test_a_connect_timeout_is_not_delivered(full_port: int):
    with pytest.raises(NotDelivered, match="TimeoutError"):
        send_request(Request("POST", f"http://127.0.0.1:{full_port}/", {}, BODY), 0.2, 5)


# --- TLS ---
@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1, in one file."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusting_tls(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


def test_it_uses_tls(server_tls: ssl.SSLContext, trusting_tls: ssl.SSLContext):
    with raw_bank(says(200, {}), tls=server_tls) as bank:
        assert post(bank.url, tls=trusting_tls).status == 200


def test_the_client_certificate_is_sent_on_request(
    certificate: Path, server_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))  # the trusted authorities
    server_tls.verify_mode = ssl.CERT_REQUIRED
    server_tls.load_verify_locations(certificate)
    with raw_bank(says(200, {}), tls=server_tls) as bank:
        with pytest.raises(OutcomeUnknown):
            post(bank.url, tls=ssl.create_default_context(cafile=str(certificate)))
        assert post(bank.url, tls=tls_with(certificate, certificate)).status == 200


def test_a_missing_key_is_named(tmp_path: Path, certificate: Path):
    with pytest.raises(ValueError, match=r"no\.pem"):
        tls_with(certificate, tmp_path / "no.pem")


def test_an_untrusted_certificate_sends_nothing(server_tls: ssl.SSLContext):
    with raw_bank(says(200, {}), tls=server_tls) as bank, pytest.raises(NotDelivered):
        post(bank.url)
    assert bank.requests == []


def test_a_certificate_of_another_host_sends_nothing(server_tls: ssl.SSLContext, trusting_tls: ssl.SSLContext):
    with raw_bank(says(200, {}), tls=server_tls) as bank, pytest.raises(NotDelivered):
        post(bank.url.replace("127.0.0.1", "localhost"), tls=trusting_tls)
    assert bank.requests == []


def test_a_server_without_tls_gets_nothing():
    with raw_bank(says(200, {}), reads=False) as bank, pytest.raises(NotDelivered):
        post(bank.url.replace("http:", "https:"))


def test_a_client_certificate_refusal_is_an_unknown_outcome(
    server_tls: ssl.SSLContext, trusting_tls: ssl.SSLContext
):
    """With TLS 1.3 a server that requires a client certificate refuses only while the request is being sent."""
    server_tls.verify_mode = ssl.CERT_REQUIRED
    server_tls.minimum_version = ssl.TLSVersion.TLSv1_3
    with raw_bank(says(200, {}), tls=server_tls) as bank, pytest.raises(OutcomeUnknown):
        post(bank.url, tls=trusting_tls)


def test_old_tls_versions_are_refused():
    assert transport.usual_tls().minimum_version >= ssl.TLSVersion.TLSv1_2
    assert transport.usual_tls().verify_mode == ssl.CERT_REQUIRED
    assert transport.usual_tls().check_hostname


# --- outcome unknown ---
LOST: list[tuple[str, Script]] = [
    ("hangs up", hangs_up),
    ("resets", resets),
    ("no HTTP", says_raw(b"SSH-2.0-OpenSSH_9.2\r\n")),
    ("garbage", says_raw(bytes(range(256)) * 40)),
    ("an endless line", says_raw(b"HTTP/1.1 200 " + b"x" * 70_000)),
    ("endless headers", says_raw(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200)),
    ("cut before the body", says_raw(OK)),
    ("cut within the body", says_raw(OK + b"{}")),
    ("cut within a chunk", says_raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc")),
    ("no last chunk", says_raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")),
    ("a wrong chunk", says_raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n")),
]


@pytest.mark.parametrize("script", [script for _, script in LOST], ids=[name for name, _ in LOST])
def test_a_failure_after_sending_is_an_unknown_outcome(script: Script):
    with raw_bank(script) as bank, pytest.raises(OutcomeUnknown):
        post(bank.url)
    assert [request.body for request in bank.requests] == [BODY]


SLOW: list[tuple[str, Script]] = [
    ("never says a word", is_silent),
    ("drips its head", drips(OK * 100)),
    ("drips its body", drips(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b"x" * 9999)),
    ("drips interim answers", drips(b"HTTP/1.1 100 Continue\r\n\r\n" * 500, 0.01)),
]


@pytest.mark.parametrize("script", [script for _, script in SLOW], ids=[name for name, _ in SLOW])
def test_a_slow_answer_times_out(script: Script):
    """A socket timeout would restart with every byte, so a slow server could take minutes."""
    with raw_bank(script) as bank, pytest.raises(TimedOut):
        post(bank.url, answer_timeout=0.3)


def test_slow_sending_times_out():
    """A server that never reads: what exceeds its window waits."""
    over = threading.Event()
    with raw_bank(lambda line, request: over.wait(10), reads=False) as bank:
        with pytest.raises(TimedOut):
            post(bank.url, answer_timeout=0.3, body=b"x" * 30_000_000)
        over.set()


def test_an_early_answer_is_read():
    """A gateway refuses a large body from its headers and closes while we are sending; its answer counts."""

    def refuses_early(line: socket.socket, request: RawRequest) -> None:
        line.recv(1000)
        says(413, {"a": 1})(line, request)

    with raw_bank(refuses_early, reads=False) as bank:
        assert post(bank.url, body=b"x" * 20_000_000).status == 413


def test_a_too_large_answer_is_refused():
    huge = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (transport.MOST_BYTES + 1)
    with raw_bank(says_raw(huge)) as bank, pytest.raises(OutcomeUnknown):
        post(bank.url)


def test_a_redirect_is_not_followed():
    with raw_bank(says(200, {})) as other, raw_bank(says(307, None, Location=f"{other.url}/v1/x")) as bank:
        assert post(bank.url).status == 307
    assert other.connections == 0


def test_proxy_and_netrc_are_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, closed_port: int):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port}")
    with raw_bank(says(200, {})) as bank:
        assert post(bank.url).status == 200
    assert "authorization" not in bank.requests[0].headers


def test_an_error_message_reveals_nothing_of_the_order():
    with raw_bank(hangs_up) as bank, pytest.raises(BankError) as failed:
        post(bank.url, body=b"NL42INGB2268352412")
    assert "NL42" not in str(failed.value)
    assert "NL42" not in repr(Request("POST", bank.url, {}, b"NL42"))
    assert "NL42" not in repr(Answer(200, {}, b"NL42"))
