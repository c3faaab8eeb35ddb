"""Responses are compressed without loss, and their length reveals little."""

import gzip
from typing import Any

import brotli
import pytest

from tests.support.factories import Demo
from tests.support.web_client import Site, WebClient

GZIP = {"Accept-Encoding": "gzip, deflate"}


def got(who: WebClient, path: str, **headers: str) -> Any:
    return who.client.get(path, headers=GZIP | headers)


def test_a_page_is_compressed_without_loss(site: Site, demo: Demo):
    who = site.person(demo.user)
    path = f"/{demo.client.public_id}/instellingen"
    small, plain = got(who, path), who.client.get(path)
    assert (small.headers["Content-Encoding"], "Content-Encoding" in plain.headers) == ("gzip", False)
    assert all("Accept-Encoding" in answer.headers["Vary"] for answer in (small, plain))
    assert got(who, path, **{"Accept-Encoding": "gzip, br"}).headers["Content-Encoding"] == "gzip", "can be padded"
    page = gzip.decompress(small.data).decode()
    assert "Betaallimieten" in page and page.rstrip().endswith("</html>")
    assert len(small.data) * 3 < len(plain.data)


def test_equal_pages_have_different_lengths(site: Site):
    who = site.person()
    lengths = {len(got(who, "/offline").data) for _ in range(30)}
    assert len(lengths) > 5
    assert max(lengths) - min(lengths) <= 100


def test_a_static_file_is_compressed_once_and_revalidated(site: Site):
    who, path = site.person(), "/static/vendor/htmx-2.0.11.min.js"
    small, plain = got(who, path), who.client.get(path)
    assert gzip.decompress(small.data) == plain.data
    assert small.data == got(who, path).data
    assert len(small.data) < 18_000
    smaller = got(who, path, **{"Accept-Encoding": "gzip, br"})
    assert (smaller.headers["Content-Encoding"], brotli.decompress(smaller.data)) == ("br", plain.data)
    assert len(smaller.data) < len(small.data)
    refused = got(who, path, **{"Accept-Encoding": "br;q=0, gzip"})
    assert refused.headers["Content-Encoding"] == "gzip"
    assert small.headers["ETag"] == "W/" + plain.headers["ETag"]
    for tag in (small.headers["ETag"], plain.headers["ETag"], f'"other", {small.headers["ETag"]}'):
        again = got(who, path, **{"If-None-Match": tag})
        assert (again.status_code, again.data, "Content-Encoding" in again.headers) == (304, b"", False)


def test_images_and_short_responses_are_not_compressed(site: Site):
    who = site.person()
    for path in ("/static/icons/icon-192.png", "/healthz"):
        assert "Content-Encoding" not in got(who, path).headers, path
    assert "Content-Encoding" not in who.client.get("/offline", headers={"Accept-Encoding": "gzip;q=0"}).headers
    assert got(who, "/static/css/base.css", Range="bytes=0-9").status_code == 206


@pytest.mark.parametrize(
    ("comes_from", "tail", "small"),
    [
        ("cross-site", "?verder=/jan", False), ("same-site", "?verder=/jan", False), ("cross-site", "", True),
        ("same-origin", "?verder=/jan", True), ("none", "?verder=/jan", True),
    ],
)  # fmt: skip
def test_cross_site_query_strings_are_not_compressed_with_secrets(
    site: Site, comes_from: str, tail: str, small: bool
):
    answer = got(site.person(), "/inloggen" + tail, **{"Sec-Fetch-Site": comes_from})
    assert ("Content-Encoding" in answer.headers) is small
