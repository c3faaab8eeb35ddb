"""Every page is in English for a person who chose English, in any role."""

import re

from lxml import etree

from models import BatchLine, User
from tests.support.prepared_site import NO_PAGES, PreparedSite
from tests.support.web_client import Page

HEARD = ("aria-label", "placeholder", "alt", "title", "data-done", "data-lost", "data-failed")
DUTCH = re.compile(
    r"\b(de|het|een|niet|geen|jouw|deze|wordt|betaling|betalingen|rekening|klopt|nog|naar|ook|maar|voor|met|van|je)\b",
    re.IGNORECASE,
)


def words_of(page: Page) -> str:
    """Return the texts that a person reads or hears on a page, without names, data and quotes of Nmbrs."""
    root = page.tree
    for quiet in [*root.iter("script", "style", "title"), *root.xpath("//body//*[@lang='nl']")]:
        quiet.drop_tree()
    heard = [value for node in root.iter(etree.Element) for name, value in node.items() if name in HEARD]
    text = re.sub("‘[^’]*’", "", " ".join([*root.itertext(), *heard]))
    for one in names():
        text = text.replace(one, "")
    return text


def names() -> set[str]:
    """Return names that people gave, which are in no particular language."""
    lines = [(line.creditor_name, line.remittance) for line in BatchLine.select()]
    return {user.name for user in User.select()} | {word for line in lines for word in line}


def pages(prepared: PreparedSite, who: str) -> dict[str, list[str]]:
    """Return the Dutch texts on each page for this person."""
    found = {}
    places = {(rule.endpoint, "GET") for rule in prepared.app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    for path in sorted({prepared.address(*place) for place in places}):
        if not path.startswith(NO_PAGES):
            answer = prepared.ask(who, "GET", path)
            if answer.status_code == 200 and answer.mimetype == "text/html":
                found[path] = DUTCH.findall(words_of(answer))
    return found


def test_every_page_is_in_english(prepared: PreparedSite):
    dutch = pages(prepared, "owner")
    assert len(dutch) > 30 and all(dutch.values()), "the words that are looked for are on every Dutch page"
    User.update(locale="en").execute()
    for who, fewest in (("owner", 30), ("preparer", 15)):
        english = pages(prepared, who)
        assert len(english) > fewest
        assert {path: words for path, words in english.items() if words} == {}
