"""The rules every page is held to do notice what breaks them."""

import pytest

from tests.support.page_rules import faults_of

GOOD = '<!doctype html><html lang="nl"><title>x</title><body><h1>x</h1>{}</body></html>'


@pytest.mark.parametrize(
    ("part", "fault"),
    [
        ("<h1>y</h1>", "2 h1"),
        ('<p id="a"></p><p id="a"></p>', "id a 2 times"),
        ('<input name="a">', "without a label"),
        ("<form></form>", "with method"),
        ('<form method="post"></form>', "with 0 tokens"),
        ('<form method="get"><input type="hidden" name="csrf_token"></form>', "with 1 tokens"),
        ('<p style="color: red">', "with style"),
        ('<p onclick="go()">', "with onclick"),
        ("<script>go()</script>", "inline script"),
        ("<style>p {}</style>", "inline style"),
        ("<p><div></p>", "unexpected-end-tag"),
    ],
)
def test_a_breach_is_noticed(part: str, fault: str):
    assert any(fault in found for found in faults_of(GOOD.format(part)))


def test_a_good_page_has_no_faults():
    form = '<form method="post"><input type="hidden" name="csrf_token"><label>a <input name="a"></label></form>'
    assert faults_of(GOOD.format(form)) == []


@pytest.mark.parametrize("page", ["overzicht", "saldo", "betalingen", "apps", "apps/nmbrs", "instellingen", "welkom"])
def test_every_page_keeps_them(owner, demo, page: str):
    demo.batch()
    assert owner.get(f"/{demo.client.public_id}/{page}").status_code == 200
