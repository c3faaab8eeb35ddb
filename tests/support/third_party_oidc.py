"""An OpenID provider by a third party (idpyoidc), served over HTTP on loopback.

Metadata, keys, codes, PKCE, tokens and UserInfo are the library's. This module only configures it, defines a user, and
passes requests on.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from idpyoidc.server import Server
from idpyoidc.server.configure import OPConfiguration
from idpyoidc.time_util import utc_time_sans_frac

CLIENT, SECRET, LEVEL = "us", "between us and the stranger, forty letters", "urn:stranger:substantial"
PERSON = {"given_name": "Wouter Jan", "family_name": "de Jong", "birthdate": "1980-04-12"}
PATHS = {
    "/.well-known/openid-configuration": "provider_config", "/authorization": "authorization", "/token": "token",
    "/userinfo": "userinfo",
}  # fmt: skip


def settings_of(issuer: str) -> dict[str, Any]:
    """Return the configuration, following the library's manual."""

    def endpoint(path: str, name: str, **more: Any) -> dict[str, Any]:
        return {"path": path, "class": f"idpyoidc.server.oidc.{name}", "kwargs": more}

    server, key = "idpyoidc.server", {"type": "OCT", "use": ["enc"]}
    return {
        "issuer": issuer,
        "subject_types_supported": ["pairwise"],
        "key_conf": {
            "key_defs": [{"type": "RSA", "use": ["sig"]}, {"type": "EC", "crv": "P-256", "use": ["sig"]}],
            "uri_path": "jwks",
        },
        "token_handler_args": {
            "code": {"lifetime": 60},
            "token": {"class": f"{server}.token.jwt_token.JWTToken", "kwargs": {"lifetime": 600}},
            "id_token": {"class": f"{server}.token.id_token.IDToken", "kwargs": {"lifetime": 300}},
        },
        "endpoint": {
            "provider_config": endpoint(".well-known/openid-configuration", "provider_config.ProviderConfiguration"),
            "authorization": endpoint("authorization", "authorization.Authorization"),
            "token": endpoint("token", "token.Token", client_authn_method=["client_secret_basic"]),
            "userinfo": endpoint("userinfo", "userinfo.UserInfo"),
        },
        "authentication": {
            "one": {"acr": LEVEL, "class": f"{server}.user_authn.user.NoAuthn", "kwargs": {"user": "wouter"}}
        },
        "userinfo": {"class": f"{server}.user_info.UserInfo", "kwargs": {"db": {"wouter": PERSON}}},
        "add_ons": {
            "pkce": {
                "function": f"{server}.oauth2.add_on.pkce.add_support",
                "kwargs": {"essential": True, "code_challenge_methods": {"S256": None}},
            }
        },
        "session_params": {
            "encrypter": {
                "kwargs": {"iterations": 1, "keys": {"key_defs": [key | {"kid": "password"}, key | {"kid": "salt"}]}}
            }
        },
    }  # fmt: skip


class Broker:
    """The provider, and its HTTP front end."""

    def __init__(self, issuer: str, back: str) -> None:
        self.url = issuer
        self.op = Server(OPConfiguration(conf=settings_of(issuer), base_path="."), cwd=".")
        self.op.context.cdb[CLIENT] = {
            "client_id": CLIENT, "client_secret": SECRET, "redirect_uris": [(back, {})],
            "response_types_supported": ["code"], "token_endpoint_auth_method": "client_secret_basic",
            "allowed_scopes": ["openid", "profile"], "id_token_signed_response_alg": "RS256",
        }  # fmt: skip
        # the provider announces the URL of its key set; serving it is up to the web server
        self.keys = json.dumps(self.op.context.keyjar.export_jwks()).encode()

    def answer(self, path: str, asked: dict[str, str], authorization: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body."""
        if path == "/jwks":
            return 200, {"Content-Type": "application/json"}, self.keys
        if path not in PATHS:
            return 404, {}, b""
        endpoint: Any = self.op.get_endpoint(PATHS[path])
        info = {"headers": {"authorization": authorization}} if authorization else {"headers": {}}
        request: Any = endpoint.parse_request(asked, http_info=info)
        if "error" in request:
            return 400, {"Content-Type": "application/json"}, request.to_json().encode()
        if path == "/authorization" and "user" not in asked:
            return 200, {"Content-Type": "text/html"}, b"<form method=post><input name=user></form>"
        if path == "/authorization":
            found = self._signed_in(endpoint, request, asked["user"])
        else:
            found = endpoint.process_request(request, http_info=info)
        told = endpoint.do_response(request=request, **found)
        headers = dict(told["http_headers"])
        if path == "/authorization":
            return 302, {"Location": told["response"]}, b""
        failed = "error" in found or "error" in found.get("response_args", {})
        return (400 if failed else 200), headers, told["response"].encode()

    def _signed_in(self, endpoint: Any, request: Any, user: str) -> Any:
        """Continue after a successful sign-in, following the library's example."""
        broker: Any = self.op.context.authn_broker
        way = broker.default()
        now = utc_time_sans_frac()
        session = endpoint.create_session(request, user, way["acr"], now, way["method"])
        return endpoint.authz_part2(request=request, session_id=session)


@contextmanager
def strangers_broker(back: str) -> Iterator[Broker]:
    """Run the provider on a free port; `back` is our registered redirect URI."""

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            asked = dict(parse_qsl(parts.query)) | dict(parse_qsl(sent))
            status, headers, body = broker.answer(parts.path, asked, self.headers.get("Authorization", ""))
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    broker = Broker(f"http://127.0.0.1:{server.server_port}", back)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield broker
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
