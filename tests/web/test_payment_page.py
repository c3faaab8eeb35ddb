"""The page of a payment: its content, including and excluding lines, and concurrent changes."""

import re

import pytest

from domain.payments import amendments
from models import BankAccount, Batch, BatchLine, Membership
from tests.support.factories import LINES, OTHER_IBAN, Demo, make_user
from tests.support.web_client import Page, Site, WebClient

TOTAL, WITHOUT_FIRST = "8.559,16", "5.111,08"


def at(demo: Demo, batch: Batch, tail: str = "") -> str:
    return f"/{demo.client.public_id}/betalingen/{batch.reference}{tail}"


def line_ids(demo: Demo, batch: Batch) -> list[int]:
    return [line.id for line in demo.view(batch).lines]


def strike(who: WebClient, demo: Demo, batch: Batch, number: int, verdict: str = "refuse", **options) -> Page:
    """Exclude or include the line with this number; as a plain form unless `htmx`."""
    line = line_ids(demo, batch)[number]
    return who.post(at(demo, batch, f"/regels/{line}?verdict={verdict}"), **options)


def test_it_shows_the_payment(owner: WebClient, demo: Demo):
    batch = demo.batch()
    page = owner.open(at(demo, batch))
    assert page.says("title") == f"Betaling {TOTAL} · Demo BV · Bizcuit"
    assert page.says("#hero h2") == f"Betaling {TOTAL}"
    assert "Demo BV · 3 regels · april" in page.text
    assert page.says("#hero .badge") == "Goedkeuring vereist"
    assert [node.findtext("b/bdi") for node in page.all("li.line")] == [name for name, _, _ in LINES]
    assert "NL42 INGB 2268 3524 12" in page.text
    assert page.says("#pay-place button") == f"Betaal € {TOTAL}"
    assert "€\u00a08.559,16" in page.one("#pay-place button").text_content()


def test_each_line_has_two_labelled_buttons(owner: WebClient, demo: Demo):
    page = owner.open(at(demo, demo.batch()))
    labels = [button.get("aria-label") for button in page.all(".yn button")]
    assert labels == [f"{verdict}: {name}" for name, _, _ in LINES for verdict in ("Niet betalen", "Betalen")]


def test_the_debtor_account_is_shown_in_full(owner: WebClient, demo: Demo):
    page = owner.open(at(demo, demo.batch()))
    assert "NL95 INGB 0004 9218 36" in page.says(".pair")
    assert "€ 84.210,55" in page.says(".pair")


def test_a_line_is_excluded_and_included(owner: WebClient, demo: Demo):
    batch = demo.batch()
    owner.open(at(demo, batch))
    answer = strike(owner, demo, batch, 0)
    assert (answer.status_code, answer.location) == (303, at(demo, batch, f"#regel-{line_ids(demo, batch)[0]}"))
    page = owner.open(at(demo, batch))
    assert page.says("#pay-place button") == f"Betaal € {WITHOUT_FIRST}"
    assert "2 van 3 regels" in page.text
    assert "Later betalen" in page.all("li.line")[0].text_content()
    assert page.one("#alles").get("hidden") is None
    strike(owner, demo, batch, 0, "accept")
    page = owner.open(at(demo, batch))
    assert page.says("#pay-place button") == f"Betaal € {TOTAL}"
    assert page.one("#alles").get("hidden") is not None


@pytest.mark.parametrize("verdict", ["refuse", "accept"])
def test_pressing_twice_has_no_further_effect(owner: WebClient, demo: Demo, verdict: str):
    batch = demo.batch()
    owner.open(at(demo, batch))
    totals = []
    for _ in range(2):
        strike(owner, demo, batch, 0, verdict)
        totals.append(owner.open(at(demo, batch)).says("#hero h2"))
    assert totals[0] == totals[1]


def test_htmx_updates_line_total_count_and_button(owner: WebClient, demo: Demo):
    batch = demo.batch()
    shown = owner.open(at(demo, batch)).value("#payment > [name=shown]")
    part = strike(owner, demo, batch, 0, htmx=True, shown=shown)
    digest = demo.view(batch).digest
    assert part.status_code == 200
    assert [node.get("id") for node in part.all("li.line")] == [f"regel-{line_ids(demo, batch)[0]}"]
    assert {node.get("id") for node in part.all("[hx-swap-oob=true]")} == {
        "shown", "gezegd", "hero", "opgemerkt", "pay-place", "alles",
    }  # fmt: skip
    assert "2 van 3 regels" in part.says("#hero")
    assert part.says("#pay-place[hx-swap-oob] button") == f"Betaal € {WITHOUT_FIRST}"
    assert {node.get("value") for node in part.all("[name=shown]")} == {digest}
    assert part.says("#live") == f"Jong, Wouter de: wordt later betaald. Totaal € {WITHOUT_FIRST}."


def test_an_outdated_page_gets_all_lines_and_a_message(owner: WebClient, app, demo: Demo):
    batch = demo.batch()
    shown = owner.open(at(demo, batch)).value("#payment > [name=shown]")
    amendments.exclude_line(demo.client, demo.user, batch.reference, line_ids(demo, batch)[2])
    part = strike(owner, demo, batch, 0, htmx=True, shown=shown)
    assert part.status_code == 422
    assert part.headers["HX-Retarget"] == "#payment"
    assert part.headers["HX-Reswap"].startswith("outerHTML")
    assert len(part.all("#lines[hx-swap-oob] li.line")) == 3
    assert part.all("#lines [hx-swap-oob]") == []  # htmx would remove it from the lines
    assert [node.get("class") for node in part.all("li.line")] == ["line off", "line", "line off"]
    assert "intussen gewijzigd" in part.says("#payment .note.bad")
    assert part.says("#pay-place button") == "Betaal € 2.611,00"


def test_a_changed_account_is_reported(owner: WebClient, demo: Demo):
    batch = demo.batch()
    shown = owner.open(at(demo, batch)).value("#payment > [name=shown]")
    amendments.change_date_and_account(demo.client, demo.user, batch.reference, None, demo.other.id)
    part = strike(owner, demo, batch, 0, htmx=True, shown=shown)
    assert (part.status_code, part.headers.get("HX-Retarget")) == (422, "#payment")
    assert "NL64 TRIO 0379 5016 86" in part.says(".pair")


def test_one_button_includes_all_lines(owner: WebClient, demo: Demo):
    batch = demo.batch()
    owner.open(at(demo, batch))
    for number in range(2):
        strike(owner, demo, batch, number)
    part = owner.post(at(demo, batch, "/alles"), htmx=True)
    assert part.says("#pay-place button") == f"Betaal € {TOTAL}"
    told = f"2 regels zijn teruggezet. Alle 3 regels worden weer betaald: € {TOTAL}. Er is nog niets betaald."
    assert (part.says("#live"), part.says("#payment .note.good")) == (told, told)
    assert demo.view(batch).lines_payable == 3


def test_an_unknown_decision_changes_nothing(owner: WebClient, demo: Demo):
    batch = demo.batch()
    owner.open(at(demo, batch))
    assert strike(owner, demo, batch, 0, "perhaps").status_code == 400
    assert demo.view(batch).lines_payable == 3


def test_a_line_of_another_payment_is_404(owner: WebClient, demo: Demo):
    batch, other = demo.batch(number=1), demo.batch(number=2)
    owner.open(at(demo, batch))
    answer = owner.post(at(demo, batch, f"/regels/{line_ids(demo, other)[0]}?verdict=refuse"))
    assert answer.status_code == 404
    assert BatchLine.select().where(BatchLine.state == "excluded").count() == 0


def test_notices_are_above_the_lines(owner: WebClient, demo: Demo):
    batch = demo.batch([*LINES[:2], ("Šafařík, Tomáš", *LINES[2][1:])])
    amendments.change_date_and_account(demo.client, demo.user, batch.reference, None, demo.other.id)
    BankAccount.update(balance_cents=100, limit_payment_cents=855_915).where(BankAccount.iban == OTHER_IBAN).execute()
    line = line_ids(demo, batch)[2]
    page = owner.open(at(demo, batch))
    titles = [re.sub(r" op \d+.[a-z]+$", "", note.text_content()) for note in page.all("#payment .note b")]
    assert titles == [
        "Boven je betaallimiet", "€\u00a08.558,16 te kort", "Andere rekening dan in Nmbrs",
        "De bank schrijft 1 naam anders",
    ]  # fmt: skip
    assert page.one("#payment .note [href^=mailto]").get("href") == "mailto:support@bizcuit.nl"
    assert page.one(f"#payment a[href='#regel-{line}']").text_content() == "Šafařík, Tomáš"
    assert "Bij de bank: Safarik, Tomas" in page.says(f"#regel-{line}")


def test_an_ordinary_payment_has_no_notices(owner: WebClient, demo: Demo):
    assert owner.open(at(demo, demo.batch())).all("#payment .note") == []


def test_names_are_escaped(owner: WebClient, demo: Demo):
    batch = demo.batch([("<b onclick=x>Jan</b>", *LINES[0][1:])])
    page = owner.open(at(demo, batch))
    assert "<b onclick=x>Jan</b>" in page.text
    assert page.all("[onclick]") == []


def test_a_preparer_can_exclude_but_not_approve(site: Site, demo: Demo):
    membership = Membership.create(user=make_user(name="Anna"), client=demo.client, role="preparer")
    anna, batch = site.person(membership.user), demo.batch()
    page = anna.open(at(demo, batch))
    assert page.all("#pay-place button, #pay-place a") == []
    assert "Iemand die mag betalen keurt ze goed" in page.says("#pay-place")
    assert strike(anna, demo, batch, 0).status_code == 303
    assert demo.view(batch).lines_payable == 2
    answer = anna.post(at(demo, batch, "/betalen"), shown=demo.view(batch).digest)
    assert (answer.status_code, demo.view(batch).state) == (403, "open")


PATHS = [
    ("GET", ""), ("GET", "/status"), ("GET", "/wijzigen"), ("GET", "/pincode"), ("POST", "/alles"),
    ("POST", "/wijzigen"), ("POST", "/betalen"), ("POST", "/pincode"), ("POST", "/ondertekenen"), ("POST", "/opnieuw"),
    ("POST", "/regels/1?verdict=refuse"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "tail"), PATHS)
def test_another_client_cannot_see_or_change(charlie: WebClient, demo: Demo, method: str, tail: str):
    batch = demo.batch()
    own = Membership.get(Membership.client != demo.client.id).client
    charlie.open(f"/{own.public_id}/betalingen")
    for client in (demo.client, own):
        path = f"/{client.public_id}/betalingen/{batch.reference}{tail}"
        unknown = path.replace(batch.reference, "20200101000001-00001")
        page, other = (charlie.get(one) if method == "GET" else charlie.post(one) for one in (path, unknown))
        assert page.status_code == other.status_code and page.status_code in (404, 303)
        assert page.status_code == 404 or "/identificatie" in page.location, "who may not sign is asked that first"
        assert "Jong" not in page.text
    assert demo.view(batch).lines_payable == 3


@pytest.mark.parametrize("tail", [tail for method, tail in PATHS if method == "GET"])
def test_anonymous_users_must_log_in(site: Site, demo: Demo, tail: str):
    path = at(demo, demo.batch(), tail)
    page = site.person().get(path)
    assert page.status_code == 303
    assert page.location == f"/inloggen?verder={path}"


def test_a_mail_link_leads_to_its_client(owner: WebClient, charlie: WebClient, demo: Demo):
    batch = demo.batch()
    answer = owner.get(f"/betalingen/{batch.reference}")
    assert (answer.status_code, answer.location) == (303, at(demo, batch))
    assert charlie.get(f"/betalingen/{batch.reference}").status_code == 404


@pytest.mark.parametrize("number", [2**31, 2**63, 10**30])
def test_an_out_of_range_id_is_404(owner: WebClient, demo: Demo, number: int):
    batch, client = demo.batch(), demo.client.public_id
    owner.open(f"/{client}/betalingen/{batch.reference}")
    assert owner.post(f"/{client}/betalingen/{batch.reference}/regels/{number}?verdict=refuse").status_code == 404
    for path in (f"saldo/bevestigen/{number}", f"apps/nmbrs/{number}/instellingen", f"apps/nmbrs/historie/{number}"):
        assert owner.get(f"/{client}/{path}").status_code == 404
