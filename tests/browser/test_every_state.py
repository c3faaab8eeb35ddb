"""Every page state that the web tests encountered, in a browser, light and dark: no serious axe violation, no overflow
on the smallest phone, no text cut off. `make states` stores and checks them, as does .ci/run.

The pages are static here: with styles, without scripts and without a server.
"""

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Page, Route, ViewportSize

from blueprints.web.static_assets import init_assets
from tests.browser.test_every_page import SHORTENED, STICKS_OUT
from tests.support.accessibility import axe_violations

pytestmark = [pytest.mark.browser, pytest.mark.thorough]

STATES = sorted(Path(os.environ["BIZCUIT_STATES"]).glob("*.html"))
FEWEST = 300  # fewer would mean that not all were stored
ROOT = Path(__file__).parents[2]
PHONE: ViewportSize = {"width": 360, "height": 740}


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

    context = chromium.new_context(viewport=PHONE, reduced_motion="reduce")
    made = context.new_page()
    made.route("**/*", serve)
    yield made
    context.close()


def test_all_states_are_stored():
    assert len(STATES) >= FEWEST


@pytest.mark.parametrize("file", STATES, ids=lambda file: file.stem)
def test_each_state(page: Page, file: Path):
    text = file.read_text()
    page.route("**/state", lambda route: route.fulfill(body=text, content_type="text/html; charset=utf-8"))
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)
    page.goto("http://state.invalid/state")
    # In a window of the height of the page the bar at its foot covers nothing: axe judges as if one had scrolled.
    whole = max(PHONE["height"], page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": PHONE["width"], "height": whole})
    wrong = page.evaluate(STICKS_OUT) + page.evaluate(SHORTENED)
    wrong += [f"light {one}" for one in axe_violations(page)]
    page.emulate_media(color_scheme="dark")
    wrong += [f"dark {one}" for one in axe_violations(page, of_colour_only=True)]
    page.unroute("**/state")
    assert wrong == [], re.findall("<!-- (.*) -->", text)[-1]
