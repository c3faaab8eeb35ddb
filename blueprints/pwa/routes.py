import json
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from flask import Blueprint, Response, current_app, render_template, request, url_for
from flask_babel import force_locale
from flask_babel import gettext as _

from blueprints.web.device_cookie import visit
from blueprints.web.i18n import LANGUAGES, language
from blueprints.web.static_assets import static_url
from domain.accounts import push_subscriptions
from domain.common.errors import InvalidSubscription
from domain.common.services import services

blueprint = Blueprint("pwa", __name__)

# The static files of every page, cached by the service worker under the URLs that pages use.
KEPT = [
    "css/bizcuit.css",
    "vendor/htmx-2.0.11.min.js",
    "js/fade.js",
    "js/bizcuit.js",
    "js/passkey.js",
    "js/pin.js",
    "js/notifications.js",
    "icons/icon.svg",
]
# Revalidate every time; the response contains nothing personal.
FRESH = "no-cache"


def _icon(name: str, size: int, purpose: str) -> dict[str, str]:
    return {"src": static_url(f"icons/{name}"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}


def _shortcut(name: str, url: str) -> dict[str, object]:
    return {"name": name, "url": url, "icons": [_icon("icon-192.png", 192, "any")]}


@dataclass(frozen=True)
class Screenshot:
    """A screenshot in the manifest, made by tools/splash_images.py. Sizes in pixels."""

    name: str
    page: str
    width: int
    height: int
    form: str

    def told(self) -> dict[str, str]:
        words = {"payment": _("Een betaling die klaarstaat"), "overview": _("Is er iets te doen?")}
        return {
            "src": static_url(self.name), "sizes": f"{self.width}x{self.height}", "type": "image/webp",
            "form_factor": self.form, "label": words[self.page],
        }  # fmt: skip


SCREENSHOTS = (
    Screenshot("screens/betaling.webp", "payment", 780, 1688, "narrow"),
    Screenshot("screens/overzicht.webp", "overview", 780, 1688, "narrow"),
    Screenshot("screens/betaling-breed.webp", "payment", 1280, 800, "wide"),
)


@blueprint.get("/manifest.webmanifest")
def manifest() -> Response:
    content = {
        "id": "/",
        "name": "Bizcuit",
        "short_name": "Bizcuit",
        "description": _("Salarissen uit Nmbrs betalen, vanaf je telefoon."),
        "lang": language(),
        "dir": "ltr",
        "start_url": url_for("overview.all_clients"),
        "scope": "/",
        "display": "standalone",
        "background_color": "#FBF8F4",
        "theme_color": "#FBF8F4",
        "categories": ["finance", "business"],
        "icons": [
            {"src": static_url("icons/icon.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"},
            _icon("icon-192.png", 192, "any"),
            _icon("icon-512.png", 512, "any"),
            _icon("maskable-192.png", 192, "maskable"),
            _icon("maskable-512.png", 512, "maskable"),
        ],
        "screenshots": [one.told() for one in SCREENSHOTS],
        "shortcuts": [
            _shortcut(_("Betalingen"), url_for("shortcuts.to_betalingen")),
            _shortcut(_("Saldo"), url_for("shortcuts.to_saldo")),
        ],
    }
    response = Response(json.dumps(content, ensure_ascii=False), mimetype="application/manifest+json")
    response.headers["Cache-Control"] = FRESH
    return response


@blueprint.get("/sw.js")
def service_worker() -> Response:
    files = [static_url(name) for name in KEPT]
    version = sha256("\n".join([*files, *_offline_pages()]).encode()).hexdigest()[:12]
    source = (Path(current_app.static_folder or "static") / "sw.js").read_text()
    known = {
        "version": version, "files": files, "icon": static_url("icons/icon-192.png"),
        "renewed": url_for("pwa.subscription_renewed"), "key": services().pusher.public_key,
    }  # fmt: skip
    source = re.sub(r'"@(\w+)@"', lambda place: json.dumps(known[place[1]]), source)
    response = Response(source, mimetype="text/javascript")
    response.headers["Cache-Control"] = FRESH
    return response


def _offline_pages() -> list[str]:
    """Render the offline page in all languages: a change in any of them must give the service worker a new version."""
    pages = []
    for one in LANGUAGES:
        with force_locale(one):
            pages.append(render_template("pwa/offline.html"))
    return pages


@blueprint.post("/meldingen/vernieuwd")
def subscription_renewed() -> Response:
    """Store the replaced subscription that the service worker reports; the device cookie identifies the browser.

    There is no form and so no CSRF token; requests from other sites are refused before this view.
    """
    try:
        push_subscriptions.renew_subscription(visit(), request.get_data(cache=False, as_text=True))
    except InvalidSubscription:
        return Response(status=422)
    return Response(status=204)


@blueprint.get("/offline")
def offline() -> Response:
    response = Response(render_template("pwa/offline.html"), mimetype="text/html")
    response.headers["Cache-Control"] = FRESH
    return response
