"""Security headers on every response, and a same-site check of changing requests."""

from flask import Flask, Response, abort
from htmx_flask import request

from blueprints.web.static_assets import SERVED
from blueprints.web.urls import split_address
from domain.banking.bank_configs import redirect_hosts
from domain.common.services import services

# Responses that browsers may cache; all others are no-store.
_PUBLIC = frozenset({*SERVED, "pwa.manifest", "pwa.service_worker", "pwa.offline"})
# Called by other systems, with a secret in the URL.
_MACHINES = frozenset({"webhooks.nmbrs_webhook", "webhooks.bank_callback"})
_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Headers for whole pages; useless on files and fragments.
OF_PAGES = {
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}

# A fragment is subject to the CSP of its page. If it were opened as a page, it could do nothing.
FRAGMENT_CSP = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def init_security(app: Flask) -> None:
    app.before_request(refuse_other_sites)
    app.after_request(add_headers)


def refuse_other_sites() -> None:
    """Refuse a changing request from another site before it is processed, in addition to the CSRF token.

    Browsers send Sec-Fetch-Site, older ones Origin; `null` matches no origin.
    """
    if request.method not in _UNSAFE or request.endpoint in _MACHINES:
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site not in ("same-origin", "none"):
            abort(403)
        return
    origin = request.headers.get("Origin")
    if origin is not None and split_address(origin).netloc != request.host:
        abort(403)


def content_policy() -> str:
    """Return the CSP: own scripts and styles only; forms may redirect to configured banks, Ponto, the broker or Nmbrs.
    """
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
    """Return whether htmx requested a fragment; browsers never show such a response as a page."""
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
