"""A payment with many lines: search, filter and pages, while approval covers all lines."""

import pytest

from domain.payments import amendments
from domain.payments.line_search import PAGE
from models import Batch, BatchLine, Client, Membership
from tests.support.factories import Demo, make_user
from tests.support.large_batches import iban, many, name
from tests.support.web_client import Page, Site, WebClient


def at(demo: Demo, batch: Batch, tail: str = "") -> str:
    return f"/{demo.client.public_id}/betalingen/{batch.reference}{tail}"


PLAIN = str.maketrans("ıÖü", "iOu")


def names(page: Page) -> list[str]:
    return [node.findtext("b/bdi") or "" for node in page.all("li.line")]


def line_of(batch: Batch, position: int) -> int:
    return BatchLine.get(BatchLine.batch == batch.id, BatchLine.position == position).id


def part(who: WebClient, path: str, trigger: str = "zoeken") -> Page:
    """Return what htmx gets for a search or page."""
    return who.get(path, htmx=True, headers={"HX-Target": "found", "HX-Trigger": trigger})


@pytest.fixture
def batch(demo: Demo) -> Batch:
    return demo.batch(many(2 * PAGE + 20))


@pytest.mark.parametrize(("count", "searched"), [(29, 0), (30, 1)])
def test_search_is_offered_from_thirty_lines(owner: WebClient, demo: Demo, count: int, searched: int):
    page = owner.open(at(demo, demo.batch(many(count))))
    assert len(page.all("form#zoeken")) == searched
    assert len(page.all("li.line")) == count
    assert page.all(".pages, #getoond") == []


def test_a_page_has_a_hundred_lines(owner: WebClient, demo: Demo, batch: Batch):
    page = owner.open(at(demo, batch))
    assert len(page.all("li.line")) == PAGE
    assert page.says("#getoond") == "Regel 1 tot en met 100 van 220. Met Betaal betaal je alle 220 regels."
    assert page.says(".pages span.num") == "Pagina 1 van 3"
    assert page.all("#vorige") == []
    page = owner.open(page.value("#volgende", "href"))
    assert names(page)[0] == name(101)
    page = owner.open(page.value("#volgende", "href"))
    assert (len(page.all("li.line")), page.all("#volgende")) == (20, [])
    assert page.value("#vorige", "href") == at(demo, batch, "?blad=2")


def amounts(page: Page) -> list[str]:
    return [node.text_content() for node in page.all("li.line .sum")]


@pytest.mark.parametrize("count", [40, 2 * PAGE + 20])
def test_lines_are_shown_by_amount_or_by_name(owner: WebClient, demo: Demo, count: int):
    rows = [
        (f"{chr(97 + 7 * number % 26)}{who}", account, 100 + 37 * number % 211)
        for number, (who, account, _) in enumerate(many(count))
    ]
    batch = demo.batch(rows)
    by_amount = owner.open(at(demo, batch, "?volgorde=bedrag"))
    shown = [float(one.replace(",", ".")) for one in amounts(by_amount)]
    assert shown == sorted((cents / 100 for *_, cents in rows), reverse=True)[:PAGE]
    by_name = owner.open(at(demo, batch, "?volgorde=naam"))
    assert names(by_name) == sorted(who for who, *_ in rows)[:PAGE]
    assert by_name.one("#volgorde-naam").get("checked") is not None
    assert names(owner.open(at(demo, batch, "?volgorde=iets"))) == [who for who, *_ in rows][:PAGE]
    assert by_name.says("#pay-place button") == by_amount.says("#pay-place button")


def test_the_order_stays_on_the_next_page_and_after_a_cross(owner: WebClient, demo: Demo, batch: Batch):
    page = owner.open(at(demo, batch, "?volgorde=naam"))
    assert page.value("#volgende", "href") == at(demo, batch, "?blad=2&volgorde=naam")
    answer = owner.post(at(demo, batch, f"/regels/{line_of(batch, 3)}?verdict=refuse"), volgorde="naam")
    assert answer.location.startswith(at(demo, batch, "?volgorde=naam#"))


def test_search_works_as_a_plain_form(owner: WebClient, demo: Demo, batch: Batch):
    whole = owner.open(at(demo, batch))
    form = whole.one("form#zoeken")
    assert (form.get("method"), form.get("action")) == ("get", at(demo, batch))
    page = owner.open(at(demo, batch, "?zoek=jansen+anna&bij="))
    assert names(page) == [name(number) for number in (2, 102, 202)]
    assert page.says("#getoond") == "3 van 220 regels. Met Betaal betaal je alle 220 regels."
    assert page.value("#zoek") == "jansen anna"
    for same in ("#hero h2", "#hero p", "#pay-place button"):
        assert page.says(same) == whole.says(same)
    for digest in ("#payment > [name=shown]", "#pay-place [name=shown]"):
        assert page.value(digest) == whole.value(digest)


def test_an_iban_is_found_in_any_notation(owner: WebClient, demo: Demo, batch: Batch):
    wanted = iban(177)
    for typed in (wanted, f"{wanted[:4]}+{wanted[4:8]}+{wanted[8:12]}+{wanted[12:16]}+{wanted[16:]}"):
        assert names(owner.open(at(demo, batch, f"?zoek={typed}"))) == [name(177)]


def test_htmx_gets_only_the_results(owner: WebClient, demo: Demo, batch: Batch):
    owner.open(at(demo, batch))
    answer = part(owner, at(demo, batch, "?zoek=jansen+anna&bij="))
    assert len(answer.all("#found")) == 1
    assert answer.all("#payment, #pay-place, #zoek, [autofocus]") == []
    assert names(answer) == [name(number) for number in (2, 102, 202)]
    told = "3 regels gevonden. 3 van 220 regels. Met Betaal betaal je alle 220 regels."
    assert answer.says("#live") == told


def test_the_search_text_is_in_no_url(owner: WebClient, demo: Demo, batch: Batch):
    owner.open(at(demo, batch))
    assert part(owner, at(demo, batch, "?zoek=jansen")).headers["HX-Replace-Url"] == at(demo, batch)
    kept = part(owner, at(demo, batch, "?bij=geweigerd&zoek=")).headers["HX-Replace-Url"]
    assert kept == at(demo, batch, "?bij=geweigerd")


def test_the_page_of_lines_is_kept(owner: WebClient, demo: Demo, batch: Batch):
    owner.open(at(demo, batch))
    answer = part(owner, at(demo, batch, "?blad=2"), "volgende")
    assert answer.one("#found").get("autofocus") is not None
    assert answer.headers["HX-Replace-Url"] == at(demo, batch, "?blad=2")


def test_no_results_link_back_to_all(owner: WebClient, demo: Demo, batch: Batch):
    page = owner.open(at(demo, batch, "?zoek=%3Cb%3Enobody"))
    assert "Geen regels gevonden met “<b>nobody”." in page.says("#found")
    assert page.value("#found .card a", "href") == at(demo, batch)
    assert page.says("#pay-place button").startswith("Betaal")


def test_excluding_keeps_filter_and_page(owner: WebClient, demo: Demo, batch: Batch):
    owner.open(at(demo, batch, "?zoek=jansen&bij=&blad=1"))
    line = line_of(batch, 102)
    answer = owner.post(at(demo, batch, f"/regels/{line}?verdict=refuse"), zoek="jansen")
    assert answer.location == at(demo, batch, f"?zoek=jansen#regel-{line}")
    answer = owner.post(at(demo, batch, f"/regels/{line_of(batch, 150)}?verdict=refuse"), blad="2")
    assert answer.location == at(demo, batch, f"?blad=2#regel-{line_of(batch, 150)}")
    page = owner.open(at(demo, batch, "?bij=geweigerd"))
    assert names(page) == [name(102), name(150)]
    assert page.says("#getoond") == "2 van 220 regels. Met Betaal betaal je de 218 regels die niet zijn weggelaten."


def test_htmx_updates_the_result_count(owner: WebClient, demo: Demo, batch: Batch):
    shown = owner.open(at(demo, batch)).value("#payment > [name=shown]")
    path = at(demo, batch, f"/regels/{line_of(batch, 150)}?verdict=refuse")
    answer = owner.post(path, htmx=True, shown=shown, zoek="jansen", bij="")
    assert (answer.status_code, names(answer)) == (200, [name(150)])
    assert answer.says("#getoond").startswith("22 van 220 regels.")
    assert "219 van 220 regels" in answer.says("#hero")
    assert answer.value("#alles [name=zoek]") == "jansen"


def test_an_outdated_page_gets_its_own_results(owner: WebClient, demo: Demo, batch: Batch):
    shown = owner.open(at(demo, batch)).value("#payment > [name=shown]")
    amendments.exclude_line(demo.client, demo.user, batch.reference, line_of(batch, 200))
    path = at(demo, batch, f"/regels/{line_of(batch, 102)}?verdict=refuse")
    answer = owner.post(path, htmx=True, shown=shown, zoek="jansen anna", bij="")
    assert answer.status_code == 422
    assert answer.value("#lines #zoek") == "jansen anna"
    assert len(answer.all("#lines li.line")) == 3


def test_including_all_covers_hidden_lines(owner: WebClient, demo: Demo, batch: Batch):
    for position in (102, 150):
        amendments.exclude_line(demo.client, demo.user, batch.reference, line_of(batch, position))
    page = owner.open(at(demo, batch, "?zoek=jansen+anna"))
    assert page.says("#alles p") == "2 weggelaten regels toch betalen"
    answer = owner.post(at(demo, batch, "/alles"), zoek="jansen anna")
    assert answer.location == at(demo, batch, "?zoek=jansen+anna")
    page = owner.open(answer.location)
    assert page.says(".note.good").startswith("2 regels zijn teruggezet. Alle 220 regels worden weer betaald: €")
    assert demo.view(batch).lines_payable == 220


def test_a_notice_links_to_the_page_of_its_line(owner: WebClient, demo: Demo):
    people = many(220)
    for number in (3, 150, 160, 170, 180, 190, 200):
        people[number - 1] = (f"Şahin {number}", *people[number - 1][1:])
    batch = demo.batch([(who.translate(PLAIN) if "Şahin" not in who else who, account, cents)
                        for who, account, cents in people])  # fmt: skip
    page = owner.open(at(demo, batch))
    links = [node.get("href") for node in page.all("#opgemerkt li a")]
    assert links[0] == f"#regel-{line_of(batch, 3)}"
    assert links[1] == at(demo, batch, f"?blad=2#regel-{line_of(batch, 150)}")
    assert links[-1] == at(demo, batch, "?bij=opmerking")
    assert "en 2 andere" in page.says("#opgemerkt")
    assert "De bank schrijft 7 namen anders" in [node.text_content() for node in page.all("#opgemerkt b")]
    assert len(names(owner.open(str(links[-1])))) == 7


# --- hidden lines ---
@pytest.fixture
def anna(site: Site, demo: Demo) -> WebClient:
    Client.update(hide_lines_from_preparers=True).where(Client.id == demo.client.id).execute()
    member = Membership.create(user=make_user(name="Anna"), client=demo.client, role="preparer")
    return site.person(member.user)


@pytest.mark.parametrize("tail", ["?zoek=jansen", "?zoek=nobody", "?bij=opmerking", "?blad=2"])
def test_search_reveals_no_hidden_lines(anna: WebClient, demo: Demo, batch: Batch, tail: str):
    plain, searched = (anna.open(at(demo, batch, one)) for one in ("", tail))
    assert searched.main.text_content() == plain.main.text_content()
    assert searched.all("form#zoeken, li.line, #getoond, .pages") == []
    headers = {"HX-Request": "true", "HX-Target": "found"}
    fragment = anna.client.get(at(demo, batch, tail), headers=headers).get_data(as_text=True)
    assert "Jansen" not in fragment and "gevonden" not in fragment
