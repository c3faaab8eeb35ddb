"""Pages that differ only in texts are checked once (tests/support/page_rules): the mask hides no fault."""

import pytest

from tests.support.page_rules import faults_of, masked

PAGE = (
    '<!doctype html><html lang="nl"><title>One</title><body hx-headers=\'{{"X-CSRFToken": "{token}"}}\'><main>'
    '<h1>One &amp; two</h1>'
    '<form method="post" action="/client000001/x?a=1&amp;b=2"><input type="hidden" name="csrf_token" value="{token}">'
    '<label for="a">{word}</label><input id="a" name="a" value="{word}">'
    '<button type="submit" formaction="/client/{token}">{word}</button></form></main>'
    '<footer class="help"><a href="/help/{token}">h</a><a href="/p">p</a>'
    '<a href="/q">q</a><a href="/r">r</a></footer></body></html>'
)
GOOD = PAGE.format(token="IjA5Zi1hYiI.aRk-x_9", word="Wages of April")


def test_texts_and_tokens_are_masked():
    assert faults_of(GOOD) == []
    assert masked(GOOD) == masked(PAGE.format(token="Zz_8.q-1", word="Lonen"))


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ('id="a"', 'id="b"'), ('for="a"', 'for="b"'), ("<title>One</title>", "<title> </title>"),
        ("&amp; two", "&two; two"), ("&amp;b", "&b"), ('value="', 'style="'), ('name="csrf_token"', 'name="other"'),
        ("</label>", "</span>"), ('lang="nl"', 'lang="de"'), ('method="post"', 'method="get"'),
        (' href="', ' onclick="'), ('name="a" value="', 'name="a" name="'), ("<main>", "<main><script>x</script>"),
    ],
)  # fmt: skip
def test_structure_is_not_masked(there: str, instead: str):
    assert there in GOOD
    assert masked(GOOD.replace(there, instead)) != masked(GOOD)
