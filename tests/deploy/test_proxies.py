"""The proxy examples, started before a server that tells what reaches it (docs/connections.md, "In front of it")."""

import contextlib
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any, NamedTuple

import pytest

from tests.support.deployment import DEPLOY, free_port, running
from tests.support.queue_server import wait_until

APP, HOOK = "app.example.nl", "hook.example.nl"
WEBHOOK = "/client/a-secret-key/webhooks/paymentsbatch"
NGINX, CADDY = shutil.which("nginx") or shutil.which("/usr/sbin/nginx"), shutil.which("caddy")
MIB = 1024 * 1024
# What nginx.conf of Debian 12 sets for all servers: the example must not set it a second time, nor inherit it.
OF_THE_DISTRIBUTION = "ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers on; gzip on; sendfile on;"


class Told(BaseHTTPRequestHandler):
    """Answers with the request as it arrived."""

    def do_GET(self) -> None:
        size = len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        body = json.dumps({"path": self.path, "headers": self.headers.items(), "size": size}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *words: object) -> None:
        """Write nothing."""

    def address_string(self) -> str:
        return "socket"


class Upstream(ThreadingUnixStreamServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: a proxy that refuses a request half-way breaks off its connection."""


class Proxy(NamedTuple):
    http: int
    https: int
    written: Callable[[], str]  # what it logged


class Visit(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, str]:
        """Return the headers that reached the web server, by their name in small letters."""
        return {name.lower(): value for name, value in json.loads(self.body)["headers"]}


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("web") / "web.sock"
    with Upstream(str(path), Told) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield path
        server.shutdown()


def self_signed(folder: Path, name: str) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-keyout", str(folder / f"bizcuit-{name}.key"), "-out", str(folder / f"{name}.crt")],
        check=True, capture_output=True,
    )  # fmt: skip


def nginx_configuration(folder: Path, upstream: Path, ports: tuple[int, int]) -> Path:
    """Write the example with the paths and ports of this test, inside a configuration that includes it."""
    text = (DEPLOY / "nginx" / "bizcuit.conf").read_text()
    for there, here in {
        "unix:/run/bizcuit/web.sock": f"unix:{upstream}", "/etc/ssl/private/": f"{folder}/",
        "/etc/ssl/bizcuit/": f"{folder}/", "/var/log/nginx/": f"{folder}/", "listen 80": f"listen 127.0.0.1:{ports[0]}",
        "listen 443": f"listen 127.0.0.1:{ports[1]}",
    }.items():  # fmt: skip
        assert there in text
        text = text.replace(there, here)
    (folder / "bizcuit.conf").write_text(text)
    temporary = "".join(f"{name}_temp_path {folder}/{name};\n" for name in (
        "client_body", "proxy", "fastcgi", "uwsgi", "scgi"
    ))  # fmt: skip
    whole = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    whole.write_text(
        f"{user} daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ {temporary} {OF_THE_DISTRIBUTION} include {folder}/bizcuit.conf; }}\n"
    )
    for name in ("app", "hook"):
        self_signed(folder, name)
    return whole


@contextlib.contextmanager
def nginx(folder: Path, upstream: Path) -> Iterator[Proxy]:
    ports = (free_port(), free_port())
    whole = nginx_configuration(folder, upstream, ports)
    command = [str(NGINX), "-c", str(whole), "-e", str(folder / "start.log"), "-p", str(folder)]
    tried = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stderr
    with running(command, {}) as started:
        yield Proxy(*ports, lambda: started.said() + "".join(path.read_text() for path in folder.glob("*.log")))


@contextlib.contextmanager
def caddy(folder: Path, upstream: Path) -> Iterator[Proxy]:
    ports = (free_port(), free_port())
    text = (DEPLOY / "caddy" / "Caddyfile").read_text()
    ours = f"admin off\n\tlocal_certs\n\tskip_install_trust\n\thttp_port {ports[0]}\n\thttps_port {ports[1]}\n"
    assert text.count("admin off\n") == 1
    (folder / "Caddyfile").write_text(text.replace("admin off\n", ours))
    environment = {
        "APP_HOST": APP, "HOOK_HOST": HOOK, "WEB": f"unix/{upstream}", "HOME": str(folder),
        "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder),
    }  # fmt: skip
    command = [str(CADDY), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    with running(command, environment) as started:
        yield Proxy(*ports, started.said)


PROXIES = {"nginx": (NGINX, nginx), "caddy": (CADDY, caddy)}


@pytest.fixture(scope="module", params=PROXIES)
def proxy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, upstream: Path) -> Iterator[Proxy]:
    program, start = PROXIES[request.param]
    if not program:
        pytest.skip(f"{request.param} is not installed")
    with start(tmp_path_factory.mktemp("proxy"), upstream) as started:
        wait_until(lambda: _takes_connections(started.https) and _takes_connections(started.http), patience=20)
        wait_until(lambda: visit(started, APP, "/").status == 200, patience=20)  # Caddy draws its certificates first
        yield started


def _takes_connections(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def over_tls(proxy: Proxy, host: str, lowest: ssl.TLSVersion, highest: ssl.TLSVersion) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = lowest, highest
    return context.wrap_socket(socket.create_connection(("127.0.0.1", proxy.https), 10), server_hostname=host)


def visit(proxy: Proxy, host: str, path: str, secure: bool = True, body: bytes = b"", **headers: str) -> Visit:
    """Make one request, with these headers (an underscore stands for a dash)."""
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        if secure:
            connection.sock = over_tls(proxy, host, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
        else:
            connection.sock = socket.create_connection(("127.0.0.1", proxy.http), 10)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("POST" if body else "GET", path, body or None, given)
        answer = connection.getresponse()
        return Visit(answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read())
    except (OSError, http.client.HTTPException):
        return Visit(0, {}, b"")
    finally:
        connection.close()


def test_a_page_reaches_the_web_server_with_what_the_proxy_saw(proxy: Proxy):
    found = visit(
        proxy, APP, "/inloggen?x=1", X_Forwarded_For="6.6.6.6", X_Forwarded_Proto="http", Forwarded="for=8.8.8.8"
    )
    assert (found.status, json.loads(found.body)["path"]) == (200, "/inloggen?x=1")
    assert (found.told["host"], found.told["x-forwarded-for"]) == (APP, "127.0.0.1")
    assert found.told["x-forwarded-proto"] == "https"
    assert "forwarded" not in found.told


def test_the_proxy_adds_no_headers_of_pages_and_names_no_version(proxy: Proxy):
    headers = visit(proxy, APP, "/").headers
    app_sets = {"content-security-policy", "strict-transport-security", "x-frame-options", "referrer-policy"}
    assert set(headers) & app_sets == set()
    assert headers.get("server", "") in ("", "nginx")


def test_pages_without_https_are_elsewhere(proxy: Proxy):
    found = visit(proxy, APP, "/inloggen?x=1", secure=False)
    assert found.status == 308
    assert found.headers["location"].replace(f":{proxy.https}", "") == f"https://{APP}/inloggen?x=1"


def test_the_webhook_without_https_is_refused_and_not_sent_on(proxy: Proxy):
    found = visit(proxy, HOOK, WEBHOOK, secure=False, body=b"{}")
    assert found.status in (0, 404) and "location" not in found.headers


@pytest.mark.parametrize("path", ["/readyz", "/metrics", WEBHOOK])
def test_what_is_for_machines_is_not_published_with_the_pages(proxy: Proxy, path: str):
    assert visit(proxy, APP, path).status == 404


@pytest.mark.parametrize("path", ["/", "/inloggen", "/readyz", "/metrics", "/clients"])
def test_the_name_of_the_webhook_serves_nothing_else(proxy: Proxy, path: str):
    assert visit(proxy, HOOK, path).status == 404


def test_the_webhook_reaches_the_web_server(proxy: Proxy):
    found = visit(proxy, HOOK, WEBHOOK, body=b"x" * 65_537)
    told: dict[str, Any] = json.loads(found.body)
    assert (found.status, told["path"], told["size"]) == (200, WEBHOOK, 65_537), "the app itself answers 413"
    assert (found.told["host"], found.told["x-forwarded-for"]) == (HOOK, "127.0.0.1")


@pytest.mark.parametrize(("host", "path", "most"), [(APP, "/bestand", 17 * MIB), (HOOK, WEBHOOK, 128 * 1024)])
def test_a_request_has_a_bound(proxy: Proxy, host: str, path: str, most: int):
    assert visit(proxy, host, path, body=b"x" * (most - 1024)).status == 200
    assert visit(proxy, host, path, body=b"x" * (most + 1024)).status != 200


def test_another_name_is_not_served(proxy: Proxy):
    assert visit(proxy, "other.example", "/").status == 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_is_refused(proxy: Proxy):
    with pytest.raises(OSError), over_tls(proxy, APP, ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        pass
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with over_tls(proxy, APP, version, version) as agreed:
            assert agreed.version() == version.name.replace("_", ".")


def test_a_request_with_two_lengths_does_not_pass(proxy: Proxy):
    """A request that two servers would cut differently (CWE-444): refused, or passed on with one length."""
    with over_tls(proxy, APP, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3) as line:
        line.sendall(
            f"POST / HTTP/1.1\r\nHost: {APP}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
            "1\r\nx\r\n0\r\n\r\n".encode()
        )
        answer = line.recv(65_536).decode()
    assert " 400 " in answer or "Content-Length" not in answer.partition("\r\n\r\n")[2]


def test_no_secret_of_an_address_is_logged(proxy: Proxy):
    visit(proxy, HOOK, WEBHOOK, body=b"{}")
    visit(proxy, APP, "/bevestigen/a-secret-link?code=a-secret-code")
    assert "a-secret" not in proxy.written()
