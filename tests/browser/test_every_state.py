"""Every page state that the web tests encountered, in a browser, light and dark: no serious axe violation, no overflow
on the smallest phone, no text cut off. `make states` stores and checks them, as does .ci/run.

The pages are static here: with styles, without scripts and without a server.
"""

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page, Route

from blueprints.web.static_assets import init_assets
from tests.browser.test_every_page import EVERY_RULE, SHORTENED, STICKS_OUT

pytestmark = pytest.mark.browser

STATES = sorted(Path(os.environ["BIZCUIT_STATES"]).glob("*.html"))
FEWEST = 300  # fewer would mean that not all were stored
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def page(chromium):
    """A window of the smallest phone, which can load only our static files."""
    files = Flask("files", root_path=str(ROOT))
    init_assets(files)
    client = files.test_client()

    def serve(route: Route) -> None:
        address = urlsplit(route.request.url)
        if not address.path.startswith("/static/") or address.path.endswith(".js"):
            return route.fulfill(status=404)
        found = client.get(address.path)
        return route.fulfill(status=found.status_code, body=found.data, content_type=found.content_type)

    context = chromium.new_context(viewport={"width": 360, "height": 740}, reduced_motion="reduce")
    made = context.new_page()
    made.route("**/*", serve)
    yield made
    context.close()


def test_all_states_are_stored():
    assert len(STATES) >= FEWEST


@pytest.mark.parametrize("file", STATES, ids=lambda file: file.stem)
def test_each_state(page: Page, file: Path):
    text, wrong = file.read_text(), []
    page.route("**/state", lambda route: route.fulfill(body=text, content_type="text/html; charset=utf-8"))
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.goto("http://state.invalid/state")
        wrong += page.evaluate(STICKS_OUT) + page.evaluate(SHORTENED)
        found = Axe().run(page, options=EVERY_RULE).response["violations"]
        wrong += [f"{scheme} {one['id']}: {[node['html'][:120] for node in one['nodes'][:3]]}" for one in found]
    page.unroute("**/state")
    assert wrong == [], re.findall("<!-- (.*) -->", text)[-1]
