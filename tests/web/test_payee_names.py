"""Payee verification on the pages: leaving during the check, mismatches, and the three decisions."""

import pytest

from domain.orders import submission
from domain.payments.release import release
from models import AcceptedCreditorName, BankOrder, Batch, BatchLine, Membership
from tests.support.factories import PSU, Demo, make_user
from tests.support.names import ALL, CLOSE, OTHER, follow, send, sign
from tests.support.sandbox import Sandbox
from tests.support.web_client import Page, Site, WebClient
from tests.web.test_payment_page import at


@pytest.fixture(autouse=True)
def checking(demo: Demo, sandbox: Sandbox) -> None:
    sandbox.control("PUT", "banks/redirect", {"vop": True})


@pytest.fixture
def batch(demo: Demo) -> Batch:
    """Four lines: a match, a close match, no match and one that cannot be verified."""
    return send(demo, ALL)


def line_id(name: str) -> int:
    return BatchLine.get(BatchLine.creditor_name == name).id


def shown_for(page: Page, choice: str) -> str:
    """The digest of what the page shows: of the payment for a line, of the names for the button that confirms all."""
    return page.value("#payment > [name=shown]" if choice else "#payment form[action$='/namen'] [name=shown]")


def press(who: WebClient, demo: Demo, batch: Batch, choice: str = "", name: str = "", htmx: bool = False) -> Page:
    """Press a button of the current page: of a line, or the one that confirms all."""
    shown = shown_for(who.open(at(demo, batch)), choice)
    tail, data = (f"/namen/{line_id(name)}", {"keuze": choice}) if choice else ("/namen", {})
    return who.post(at(demo, batch, tail), htmx=htmx, data={"shown": shown, **data})


def test_the_page_may_be_left_during_verification(owner: WebClient, demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_vop_slow=True)
    page = owner.open(at(demo, send(demo, ALL)))
    assert page.says("#hero .badge") == "Namen worden gecontroleerd"
    assert "Dit kan twintig minuten duren. Je kunt deze pagina sluiten." in page.says("#payment .waiting")
    assert page.one("#payment").get("hx-trigger") == "every 2s"
    assert page.all("#namen") == page.all("#pay-place button") == []


def test_the_page_updates_after_verification(owner: WebClient, demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_vop_slow=True)
    batch = send(demo, ALL)
    asks = owner.open(at(demo, batch)).value("#payment", "hx-get")
    assert owner.get(asks, htmx=True).status_code == 204
    sandbox.fault(bank_vop_slow=False)
    follow(batch)
    part = owner.get(asks, htmx=True)
    assert (part.status_code, len(part.all("#namen form"))) == (200, 3)
    assert part.says("#hero .badge") == "Controleer de namen"
    assert part.says("#live") == "Controleer de namen"


def test_each_mismatch_is_shown_with_the_banks_name(owner: WebClient, demo: Demo, batch: Batch):
    page = owner.open(at(demo, batch))
    close, other, abroad = page.all("#namen form")
    assert [one.get("aria-label") for one in (close, other, abroad)] == [line[0] for line in ALL[1:]]
    assert "Silva, Jose" in close.text_content()
    assert "NL27 RABO 0315 2732 37" in close.text_content().replace("\u00a0", " ")
    assert "hoort deze naam niet bij deze rekening" in other.text_content()
    assert "kan deze naam niet controleren" in abroad.text_content()
    labels = [[button.text_content() for button in one.cssselect("button")] for one in (close, other, abroad)]
    assert labels == [["Naam van de bank overnemen", "Regel niet betalen"]] + [["Regel niet betalen"]] * 2
    assert "Er is nog niets betaald" in page.says("#payment .note.warn")


@pytest.mark.parametrize("htmx", [False, True])
def test_confirming_all_continues_to_sca(owner: WebClient, demo: Demo, batch: Batch, htmx: bool):
    part = press(owner, demo, batch, htmx=htmx)
    assert part.status_code == (200 if htmx else 303)
    page = owner.open(at(demo, batch))
    assert page.says("#hero .badge") == "Wacht op ondertekening bij de bank"
    assert page.says("#pay-place button") == "Onderteken bij Zandbank"
    assert page.all("#namen") == []


@pytest.mark.parametrize("htmx", [False, True])
def test_accepting_a_name_changes_nothing_else(
    owner: WebClient, demo: Demo, batch: Batch, htmx: bool
):
    part = press(owner, demo, batch, "overnemen", CLOSE[0], htmx)
    assert part.status_code == (200 if htmx else 303)
    close = owner.open(at(demo, batch)).all("#namen form")[0]
    assert "opgeslagen voor de volgende keer" in close.text_content()
    assert [button.text_content() for button in close.cssselect("button")] == ["Regel niet betalen"]
    assert (AcceptedCreditorName.get().vop_name, demo.view(batch).state) == ("Silva, Jose", "name_check")


@pytest.mark.parametrize("htmx", [False, True])
def test_excluding_a_line_requires_a_new_approval(owner: WebClient, demo: Demo, batch: Batch, htmx: bool):
    part = press(owner, demo, batch, "niet-betalen", OTHER[0], htmx)
    assert part.status_code == (200 if htmx else 303)
    page = owner.open(at(demo, batch))
    assert page.says("#hero .badge") == "Goedkeuring vereist"
    assert "Keur de betaling opnieuw goed" in page.text
    assert "3 van 4 regels" in page.text
    assert page.says("#pay-place button").startswith("Betaal")


@pytest.mark.parametrize(("choice", "name"), [("", ""), ("overnemen", CLOSE[0]), ("niet-betalen", OTHER[0])])
def test_a_page_of_an_old_order_is_refused(
    owner: WebClient, demo: Demo, batch: Batch, choice: str, name: str
):
    owner.open(at(demo, batch))
    tail, data = (f"/namen/{line_id(name)}", {"keuze": choice}) if choice else ("/namen", {})
    part = owner.post(at(demo, batch, tail), htmx=True, data={"shown": "0" * 64, **data})
    assert part.status_code == 422
    assert "intussen gewijzigd" in part.says("#payment [role=alert]")
    assert (demo.view(batch).state, AcceptedCreditorName.select().count()) == ("name_check", 0)


@pytest.mark.parametrize("choice", ["", "niet-betalen"])
def test_pressing_twice_shows_the_current_state(owner: WebClient, demo: Demo, batch: Batch, choice: str):
    shown = shown_for(owner.open(at(demo, batch)), choice)
    tail, data = (f"/namen/{line_id(OTHER[0])}", {"keuze": choice}) if choice else ("/namen", {})
    assert owner.post(at(demo, batch, tail), htmx=True, data={"shown": shown, **data}).status_code == 200
    assert owner.post(at(demo, batch, tail), htmx=True, data={"shown": shown, **data}).status_code == 422
    assert BankOrder.select().count() == 1


def test_an_unreachable_bank_is_reported(owner: WebClient, demo: Demo, batch: Batch, sandbox: Sandbox):
    owner.open(at(demo, batch))
    sandbox.fault(bank_down=True)
    part = press(owner, demo, batch, htmx=True)
    assert part.status_code == 422
    assert "De bank is nu niet bereikbaar. Er is niets betaald." in part.says("#payment [role=alert]")


def test_an_unknown_choice_is_refused(owner: WebClient, demo: Demo, batch: Batch):
    assert press(owner, demo, batch, "anders", CLOSE[0]).status_code == 400
    assert demo.view(batch).state == "name_check"


def test_a_preparer_sees_mismatches_without_decisions(site: Site, demo: Demo, batch: Batch):
    lisanne = make_user(name="Lisanne Schuurman")
    Membership.create(user=lisanne, client=demo.client, role="preparer")
    who = site.person(lisanne)
    page = who.open(at(demo, batch))
    assert len(page.all("#namen form")) == 3
    assert page.all("#payment button") == []
    assert who.post(at(demo, batch, "/namen"), shown="x").status_code == 403


def test_another_client_gets_404(charlie: WebClient, demo: Demo, batch: Batch):
    assert charlie.get(at(demo, batch)).status_code == 404
    assert charlie.post(at(demo, batch, "/namen"), shown="x").status_code == 404


# --- the result of each line ---
@pytest.fixture
def paid(demo: Demo, sandbox: Sandbox) -> Batch:
    """Signed at a bank without payee verification."""
    sandbox.control("PUT", "banks/redirect", {"vop": False})
    batch = demo.batch()
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    submission.submit_order(batch.id)
    sign(demo, batch)
    return follow(batch)


def test_a_partial_execution_shows_each_line(owner: WebClient, demo: Demo, sandbox: Sandbox, paid: Batch):
    sandbox.fault(bank_partial_execution=True)
    sandbox.control("POST", "clock", {"advance_days": 5})
    follow(paid)
    page = owner.open(at(demo, paid))
    assert page.says("#hero .badge") == "Deels uitgevoerd"
    said = {node.findtext("b/bdi"): node.cssselect(".say")[0].text_content() for node in page.all("li.line")}
    assert said["Jong, Wouter de"] == "Geweigerd door de bank: de rekening is geblokkeerd"
    assert said["Donkersloot Meijer, Naomi"] == said["Schuurman, Lisanne"] == "Betaald"
    assert "Per regel zie je de status." in page.text


def test_a_return_shows_its_reason(owner: WebClient, demo: Demo, sandbox: Sandbox, paid: Batch):
    sandbox.control("POST", "clock", {"advance_days": 5})
    follow(paid)
    sandbox.fault(bank_returns_line=True)
    sandbox.control("POST", "clock", {"advance_days": 1})
    follow(paid)
    page = owner.open(at(demo, paid))
    assert "Teruggestort: de rekening is geblokkeerd" in page.all("#lines .card")[1].text_content()
