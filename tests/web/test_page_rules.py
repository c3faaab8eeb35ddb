"""The rules for every page detect violations."""

import pytest

from tests.support.page_rules import faults_of

HELP = """<footer class="help"><a href="mailto:a@b.example">a</a>
<a href="/p">p</a><a href="/q">q</a><a href="/r">r</a></footer>"""
GOOD = f'<!doctype html><html lang="nl"><title>x</title><body><main><h1>x</h1>{{}}</main>{HELP}</body></html>'


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
        ('<label for="a">x</label>', "label for a, which is not there"),
        ('<button type="button"></button>', "button without a name"),
        ('<a href="/x"><img src="/y" alt=""></a>', "a without a name"),
    ],
)
def test_a_violation_is_detected(part: str, fault: str):
    assert any(fault in found for found in faults_of(GOOD.format(part)))


@pytest.mark.parametrize(
    ("there", "instead", "fault"),
    [
        ("<h1>x</h1>", "", "0 h1"),
        ("<title>x</title>", "<title> </title>", "no words in the title"),
        ('lang="nl"', "", "language None"),
        ('lang="nl"', 'lang="de"', "language 'de'"),
        (HELP, "", "nowhere to find help"),
        ("main>", "div>", "0 main"),
    ],
)
def test_a_missing_part_is_detected(there: str, instead: str, fault: str):
    assert fault in faults_of(GOOD.format("").replace(there, instead))


def test_a_fragment_may_have_a_label_without_field():
    assert faults_of('<label for="a">x</label>', fragment=True) == []


def test_a_valid_page_has_no_violations():
    fields = '<input type="hidden" name="csrf_token"><label>a <input name="a"></label><button aria-label="x"></button>'
    form = f'<form method="post">{fields}</form>'
    assert faults_of(GOOD.format(form)) == []


@pytest.mark.parametrize("page", ["overzicht", "saldo", "betalingen", "apps", "apps/nmbrs", "instellingen", "welkom"])
def test_every_page_follows_the_rules(owner, demo, page: str):
    demo.batch()
    assert owner.get(f"/{demo.client.public_id}/{page}").status_code == 200
