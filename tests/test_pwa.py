"""Manifest, service worker, offline page, and permanently cacheable static files."""

import json
import re
from pathlib import Path

import pytest
from flask import Flask, g
from flask_babel import Babel
from jinja2 import StrictUndefined

from blueprints import account, overview, shortcuts
from blueprints.pwa import blueprint, splash
from blueprints.web.authorization import is_possible
from blueprints.web.formatters import init_context
from blueprints.web.outside_text import init_outside_text
from blueprints.web.static_assets import FOR_EVER, JOINED, init_assets, static_url
from domain.common.services import Services
from models.states import ClientState
from tests.support.factories import make_world

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module", autouse=True)
def world(tmp_path_factory: pytest.TempPathFactory) -> Services:
    """Nothing external is reachable."""
    return make_world("http://127.0.0.1:1", 1, tmp_path_factory.mktemp("keys"))


@pytest.fixture
def app() -> Flask:
    app = Flask("app", root_path=str(ROOT))
    app.config.update(BABEL_DEFAULT_LOCALE="nl", SUPPORT_EMAIL="support@bizcuit.nl")
    app.jinja_env.undefined = StrictUndefined
    Babel(app)
    init_assets(app)
    init_context(app)
    init_outside_text(app)
    app.jinja_env.globals["possible"] = is_possible
    # the manifest and the offline page lead to pages of the others
    for one in (blueprint, overview.blueprint, shortcuts.blueprint, account.blueprint):
        app.register_blueprint(one)
    return app


@pytest.fixture
def client(app: Flask):
    return app.test_client()


def files_of(worker: str) -> list[str]:
    found = re.search(r"const FILES = (\[.*?\]);", worker)
    assert found
    return json.loads(found.group(1))


def test_the_manifest_makes_the_app_installable(client):
    answer = client.get("/manifest.webmanifest")
    told = json.loads(answer.data)
    assert answer.mimetype == "application/manifest+json"
    assert "orientation" not in told, "upright or on its side, as the person holds it (WCAG 1.3.4)"
    assert (told["id"], told["scope"], told["display"], told["start_url"]) == ("/", "/", "standalone", "/overzicht")
    assert {(i["sizes"], i["purpose"]) for i in told["icons"]} == {
        ("any", "any"), ("192x192", "any"), ("512x512", "any"), ("192x192", "maskable"), ("512x512", "maskable"),
    }  # fmt: skip


def test_the_worker_has_the_vapid_key_and_the_renewal_url(client, world: Services):
    worker = client.get("/sw.js").text
    assert "@" not in re.sub(r"//.*", "", worker), "something was not filled in"
    assert f'const SERVER_KEY = "{world.pusher.public_key}";' in worker
    assert client.post(json.loads(re.findall(r"const RENEWED = (.+);", worker)[0])).status_code != 404


def test_every_icon_of_the_manifest_exists(client):
    for icon in json.loads(client.get("/manifest.webmanifest").data)["icons"]:
        answer = client.get(icon["src"])
        assert answer.status_code == 200
        if icon["sizes"] == "any":
            assert (answer.mimetype, icon["type"]) == ("image/svg+xml", "image/svg+xml")
            continue
        assert answer.data[:8] == b"\x89PNG\r\n\x1a\n"
        width = int.from_bytes(answer.data[16:20], "big")
        assert f"{width}x{width}" == icon["sizes"]


def size_of(picture: bytes) -> tuple[int, int]:
    """Return the size of a PNG, or of an extended WebP (RFC 9649, 2.7: twice 24 bits, minus one each)."""
    if picture[:8] == b"\x89PNG\r\n\x1a\n":
        return int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")
    assert picture[8:16] == b"WEBPVP8X"
    return int.from_bytes(picture[24:27], "little") + 1, int.from_bytes(picture[27:30], "little") + 1


def test_the_manifest_has_screenshots(client):
    told = json.loads(client.get("/manifest.webmanifest").data)["screenshots"]
    assert {one["form_factor"] for one in told} == {"narrow", "wide"}
    for one in told:
        answer = client.get(one["src"])
        assert (answer.status_code, answer.mimetype) == (200, one["type"])
        assert "{}x{}".format(*size_of(answer.data)) == one["sizes"]
        assert len(answer.data) < 100_000
        assert one["label"]


@pytest.mark.parametrize("one", splash.ALL, ids=lambda one: f"{one.name}")
def test_ios_splash_images_match_the_screen(client, one: splash.Splash):
    answer = client.get(f"/static/{one.name}")
    assert size_of(answer.data) == (one.width * one.ratio, one.height * one.ratio)


def test_splash_images_are_for_ios_only():
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"
    assert splash.wanted(phone) == splash.ALL
    assert splash.wanted("Mozilla/5.0 (Linux; Android 14) Chrome/130.0 Mobile") == []
    assert len({one.media for one in splash.ALL}) == len(splash.ALL) == 42


def test_the_worker_caches_only_versioned_files(client):
    answer = client.get("/sw.js")
    files = files_of(answer.text)
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "@version@" not in answer.text
    assert all(re.fullmatch(r"/static/[\w./-]+\?v=[0-9a-f]{10}", file) for file in files)
    assert [client.get(file).status_code for file in files] == [200] * len(files)


def scripts_of_some_pages() -> set[str]:
    """Return the scripts that templates load besides those of every page."""
    told = [re.findall(r"set scripts = \[(.*?)\]", file.read_text()) for file in (ROOT / "templates").rglob("*.html")]
    return {name for names in told for found in names for name in re.findall(r"'(\w+)'", found)}


def test_the_worker_caches_every_file_of_a_page(app, client):
    page, some = app.jinja_env.get_template("base.html"), scripts_of_some_pages()
    assert some == {"pin", "passkey", "notifications"}
    with app.test_request_context():
        html = page.render(
            client=None, csrf_token=lambda: "", support_email="x", get_flashed_messages=lambda **_: [],
            scripts=sorted(some),
        )  # fmt: skip
    loaded = {url for url in re.findall(r"(?:src|href)=\"(/static/[^\"]+)\"", html) if "apple-touch" not in url}
    assert loaded == set(files_of(client.get("/sw.js").text))


def test_the_worker_changes_when_a_file_changes(app, client, tmp_path):
    before = client.get("/sw.js").text
    same = client.get("/sw.js").text
    copy = tmp_path / "static"
    for file in (ROOT / "static").rglob("*"):
        if file.is_file():
            target = copy / file.relative_to(ROOT / "static")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    (copy / "css" / "base.css").write_text("/* other */")
    app.static_folder = str(copy)
    assert before == same
    assert client.get("/sw.js").text != before


def test_the_worker_is_small():
    assert len((ROOT / "static" / "sw.js").read_text().splitlines()) < 120


def test_the_offline_page_is_not_personal(app, client):
    @app.before_request
    def _someone() -> None:
        g.client = type("Client", (), {"public_id": "k3x9", "name": "Demo BV", "state": ClientState.OPEN})()

    answer = client.get("/offline")
    assert "Je hebt geen verbinding" in answer.text
    assert "Demo BV" not in answer.text
    assert "Set-Cookie" not in answer.headers


def test_a_versioned_file_is_cached_permanently(client):
    kept, other = files_of(client.get("/sw.js").text)[0], "/static/css/base.css?v=0000000000"
    assert client.get(kept).headers["Cache-Control"] == FOR_EVER
    assert client.get(other).headers["Cache-Control"] != FOR_EVER
    assert client.get("/static/css/base.css").headers["Cache-Control"] != FOR_EVER


def test_there_are_no_inline_styles_or_scripts():
    pages = [path for path in (ROOT / "templates").rglob("*.html") if "mail" not in path.parts]
    for path in pages:
        text = path.read_text()
        assert not re.search(r"\s(?:style|on[a-z]+)=[\"']|<style|<script(?![^>]*\ssrc=)|hx-on|javascript:", text), path


# --- combined files ---
@pytest.mark.parametrize("name", JOINED)
def test_files_are_combined(client, name: str):
    answer = client.get(f"/static/{name}")
    texts = [(ROOT / "static" / one).read_text() for one in JOINED[name]]
    assert answer.status_code == 200
    assert [text for text in texts if text not in answer.text] == []
    assert answer.text.index(texts[0]) < answer.text.index(texts[-1])


def test_every_script_is_served_once():
    """Either in the combined file or separately: none is missing or duplicated."""
    joined = [one for names in JOINED.values() for one in names if one.endswith(".js")]
    all_of_them = {f"js/{file.name}" for file in (ROOT / "static/js").iterdir()}
    alone = {f"js/{name}.js" for name in scripts_of_some_pages()} | {"js/fade.js"}
    assert sorted([*joined, *alone]) == sorted(all_of_them)


def test_the_version_of_a_combined_file_covers_all_parts(app, client, tmp_path):
    with app.test_request_context():
        address = static_url("css/bizcuit.css")
        assert client.get(address).headers["Cache-Control"] == FOR_EVER
        app.static_folder = str(tmp_path)
        for one in JOINED["css/bizcuit.css"]:
            (tmp_path / one).parent.mkdir(exist_ok=True)
            (tmp_path / one).write_text("a")
        before = static_url("css/bizcuit.css")
        (tmp_path / one).write_text("b")
        assert len({address, before, static_url("css/bizcuit.css")}) == 3
