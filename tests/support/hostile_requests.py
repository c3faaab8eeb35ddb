"""Requests with bytes that no browser sends, built below the test client so that nothing repairs them first."""

import io
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from werkzeug.routing import Rule

TEXTS = (
    "", " ", "\0", "a\0b", "\r\n", "x\r\nSet-Cookie: a=b", "\ud800", "\udcff", "\uffff", "\u202egnp.exe",
    "\u200b\u2066",
    "é" * 300, "𝒳" * 300, "a" * 70_000, "9" * 400, "-1", "1e999", "NaN", "٣٤", "0x10", "1.5", "999999999999999999999",
    "2147483648", "9223372036854775808", "'\"><script>", "%00", "%", "%zz", "../../etc/passwd", "{{7*7}}", "${x}", "\\",
    "//evil.example/", "http://[::1", "http://[", "//[", "https://a]b/", "javascript:alert(1)", "/\\evil",
    "http://a:99999",
    "http://user@host:port/", "0000-00-00", "2026-02-31", "99999-01-01", "2026-13", "NL00BANK0000000000", "null", "[]",
    "true", "[" * 5000, '{"a":' * 3000, "=?utf-8?b?AA==?=", "a@b\0.nl", "a@b.nl\r\nBcc: x@y.nl",
    "x@" + "y" * 300 + ".nl",
    "W/", '"', '""', "*", "bytes=-", "bytes=9-1", "bytes=0-0,5-,-9999999999999999999", "q=", "nl;q=x",
    "*;q=99", "a-" * 2000,
)  # fmt: skip
HEADERS = (
    "ORIGIN", "REFERER", "HX_CURRENT_URL", "HOST", "COOKIE", "ACCEPT_LANGUAGE", "IF_NONE_MATCH", "RANGE", "IF_RANGE",
    "IF_MODIFIED_SINCE", "FORWARDED", "X_FORWARDED_FOR", "X_FORWARDED_PROTO", "X_FORWARDED_HOST", "X_FORWARDED_PORT",
    "SEC_FETCH_SITE", "SEC_FETCH_MODE", "HX_REQUEST", "HX_TARGET", "HX_PROMPT", "X_CSRFTOKEN", "AUTHORIZATION",
    "ACCEPT",
    "ACCEPT_ENCODING", "USER_AGENT", "X_HTTP_METHOD_OVERRIDE", "TRANSFER_ENCODING", "CONTENT_ENCODING", "EXPECT",
)  # fmt: skip
TYPES = (
    "application/x-www-form-urlencoded", "application/json", "multipart/form-data", "multipart/form-data; boundary=",
    "multipart/form-data; boundary=b", "multipart/form-data; boundary=" + "b" * 500,
    "text/plain; charset=none", "/", ";",
    "application/x-www-form-urlencoded; charset=utf-16", "application/xml", "\0", "é", "multipart/mixed; boundary=b",
)  # fmt: skip
BYTES = (
    b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"%ff%fe=%c0%80", b"a=%ud800", b"\0", b"&" * 900, b"=&=&=", b"[" * 9000,
)


@dataclass
class HostileRequest:
    """One request as the server gets it. `describe` says what is hostile in it."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = ""
    body: bytes = b""

    def environ(self) -> dict:
        return {
            "REQUEST_METHOD": self.method, "SCRIPT_NAME": "", "PATH_INFO": self.path, "QUERY_STRING": self.query,
            "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost",
            "REMOTE_ADDR": "127.0.0.1", "wsgi.version": (1, 0), "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(self.body), "wsgi.errors": io.StringIO(), "wsgi.multithread": False,
            "wsgi.multiprocess": False, "wsgi.run_once": False, "CONTENT_TYPE": self.content_type,
            "CONTENT_LENGTH": str(len(self.body)), **{f"HTTP_{name}": value for name, value in self.headers.items()},
        }  # fmt: skip

    def describe(self) -> str:
        parts = (self.method, self.path[:200], self.query[:300], self.headers, self.content_type[:80], self.body[:300])
        return " ".join(repr(part) for part in parts if part)


def latin(text: str) -> str:
    """Return the text as a WSGI server hands its bytes over (PEP 3333)."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


class Attacker:
    """Makes hostile requests from a seed: the same seed makes the same requests."""

    def __init__(self, seed: int, fields: list[str]) -> None:
        self.random = random.Random(seed)
        self.fields = fields

    def text(self) -> str:
        """Return a text from the list, a part of two of them, or any characters."""
        kind = self.random.random()
        if kind < 0.6:
            return self.random.choice(TEXTS)
        if kind < 0.8:
            return self.random.choice(TEXTS)[:40] + self.random.choice(TEXTS)[-40:]
        return "".join(chr(self.random.randrange(0x110000)) for _ in range(self.random.randrange(1, 30)))

    def request(
        self, rule: Rule, method: str, known: dict[str, object], cookie: str, form: dict[str, object]
    ) -> HostileRequest:
        """Return a request to a route with one to three hostile parts; `form` is what the route takes."""
        made = HostileRequest(method, self._path(rule, known))
        if cookie:
            made.headers["COOKIE"] = f"bz={cookie}"
        if method == "POST":
            made.content_type, made.body = TYPES[0], _form(list(form.items()))
        parts: list[Callable[[HostileRequest], None]] = [self._header, self._query, lambda made: self._body(made, form)]
        for _ in range(self.random.randrange(1, 4)):
            self.random.choice(parts)(made)
        return made

    def _path(self, rule: Rule, known: dict[str, object]) -> str:
        """Return the path of the route; one time in four with a hostile value in it."""
        path, poisoned = rule.rule, self.random.random() < 0.25
        for name in rule.arguments:
            value = latin(self.text()) if poisoned else str(known.get(name, "x"))
            start = path.rfind("<", 0, path.index(f"{name}>"))
            path = path[:start] + value + path[path.index(f"{name}>") + len(name) + 1 :]
        return path

    def _header(self, made: HostileRequest) -> None:
        name = self.random.choice(HEADERS)
        value = latin(self.text())
        if name == "COOKIE" and self.random.random() < 0.5:
            value = f"{made.headers.get('COOKIE', '')}; bzd={value}; taal={value}"
        made.headers[name] = value

    def _query(self, made: HostileRequest) -> None:
        pairs = [(self.random.choice(self.fields), self.text()) for _ in range(self.random.randrange(1, 4))]
        raw = self.random.random() < 0.3
        made.query = "&".join(f"{name}={latin(value) if raw else _quoted(value)}" for name, value in pairs)

    def _body(self, made: HostileRequest, form: dict[str, object]) -> None:
        """Send the form with a hostile value in a field of its own, or with fields of other pages, or other bytes."""
        if made.method != "POST":
            return
        made.content_type = TYPES[0] if self.random.random() < 0.6 else self.random.choice(TYPES)
        own = [name for name in form if name != "csrf_token"]
        names = own if own and self.random.random() < 0.6 else self.fields
        pairs = [(self.random.choice(names), self.text()) for _ in range(self.random.randrange(1, 6))]
        kept = [(name, value) for name, value in form.items() if name not in dict(pairs)]
        if self.random.random() < 0.1:
            made.body = self.random.choice(BYTES)
        elif "json" in made.content_type:
            made.body = json.dumps(dict([*kept, *pairs]), default=str).encode()
        elif "multipart" in made.content_type:
            made.body = self._multipart([*kept, *pairs])
        else:
            made.body = _form([*kept, *pairs])

    def _multipart(self, pairs: Sequence[tuple[str, object]]) -> bytes:
        body = b""
        for name, value in pairs:
            filename = '; filename="a\0b"' if self.random.random() < 0.2 else ""
            said = f'--b\r\nContent-Disposition: form-data; name="{name}"{filename}\r\n\r\n{value}\r\n'
            body += said.encode("utf-8", "surrogatepass")
        return body + (b"--b--\r\n" if self.random.random() < 0.8 else b"")


def _quoted(value: object) -> str:
    return quote(str(value).encode("utf-8", "surrogatepass"))


def _form(pairs: Sequence[tuple[str, object]]) -> bytes:
    return "&".join(f"{name}={_quoted(value)}" for name, value in pairs).encode()
