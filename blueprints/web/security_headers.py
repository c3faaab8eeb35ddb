"""Headers on every answer, and a check that a changing request comes from our own pages."""

from urllib.parse import urlsplit

from flask import Flask, Response, abort
from htmx_flask import request

from blueprints.web.static_assets import SERVED
from domain.banking.linking import redirect_hosts
from domain.common.services import services

# Answers that may be kept by a browser; everything else says no-store.
_PUBLIC = frozenset({*SERVED, "pwa.manifest", "pwa.service_worker", "pwa.offline"})
# Called by other machines, with a secret in the address.
_MACHINES = frozenset({"webhooks.nmbrs_webhook", "webhooks.bank_callback"})
_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# What is about a page and what it may do; on a file, or a part of a page, it would only weigh.
OF_PAGES = {
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}

# A part of a page lives by the policy of its page. Were it ever opened by itself, it may do nothing at all.
FRAGMENT_CSP = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def init_security(app: Flask) -> None:
    app.before_request(refuse_other_sites)
    app.after_request(add_headers)


def refuse_other_sites() -> None:
    """A changing request from another site is refused before it is read (besides the form's token).

    A browser says where it comes from by Sec-Fetch-Site, an older one by Origin; `null` is nobody's origin.
    """
    if request.method not in _UNSAFE or request.endpoint in _MACHINES:
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site not in ("same-origin", "none"):
            abort(403)
        return
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        abort(403)


def content_policy() -> str:
    """Only our own scripts and styles; a form may lead on to a configured bank, Ponto, the broker or Nmbrs."""
    hosts = redirect_hosts() | {services().identity.host}
    if services().rest_offered:
        hosts.add(services().nmbrs_oauth.host)
    if (ponto := services().ponto) is not None:
        hosts.add(ponto.host)
    scheme = "https" if services().base_url.startswith("https") else "http"
    targets = " ".join(f"{scheme}://{host}" for host in sorted(hosts))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"object-src 'none'; form-action 'self' {targets}"
    ).strip()


def _is_part() -> bool:
    """Fetched by a script of ours: no browser opens an answer to such a request as a page."""
    return bool(request.htmx)


def add_headers(response: Response) -> Response:
    page = request.endpoint not in SERVED and not _is_part()
    for name, value in (HEADERS | OF_PAGES if page else HEADERS).items():
        response.headers.setdefault(name, value)
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = FRAGMENT_CSP if _is_part() else content_policy()
    if request.endpoint not in _PUBLIC:
        response.headers.setdefault("Cache-Control", "no-store")
    if services().base_url.startswith("https"):
        response.headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    return response
