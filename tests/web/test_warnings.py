"""Warnings that must be read before approval: the button leads there, and reading them enables approval."""

from domain.payments import warnings
from models import Batch, BatchLine, Membership, PayrollRun, WarningAcknowledgement
from tests.support.factories import LINES, Demo, make_user
from tests.support.sandbox import Sandbox
from tests.support.web_client import Site, WebClient


def path_of(demo: Demo, batch: Batch, tail: str = "") -> str:
    return f"/{demo.client.public_id}/betalingen/{batch.reference}{tail}"


def two_of_one_period(demo: Demo) -> tuple[Batch, Batch]:
    first, second = demo.batch(), demo.batch(LINES[:2], number=2)
    Batch.update(period_start=4, period_end=4).execute()
    return first, second


def a_difference(demo: Demo) -> tuple[Batch, Batch]:
    """A submitted payment, and a later supplement that is due."""
    old, new = demo.batch(), demo.batch(LINES[:1], number=2)
    Batch.update(state="at_bank").where(Batch.id == old.id).execute()
    Batch.update(is_supplement=True, run=old.run_id, run_number=1, version="v2").where(Batch.id == new.id).execute()
    PayrollRun.update(version="v2", overpaid=[["Donkersloot Meijer, Naomi", "NL52ABNA7650143244", 61_100]]).where(
        PayrollRun.id == old.run_id
    ).execute()
    return old, new


def test_approval_waits_for_the_acknowledgement(owner: WebClient, demo: Demo):
    first, second = two_of_one_period(demo)
    page = owner.open(path_of(demo, second))
    assert "Voor deze periode is er nog een betaling" in page.text
    assert page.says("#pay-place") == "Bekijk eerst de waarschuwingen"
    assert page.value("#pay-place a", "href") == path_of(demo, second, "/lezen")
    read = owner.open(path_of(demo, second, "/lezen"))
    assert first.reference in read.value("main .note a", "href")
    seen = [field.get("value") for field in read.all("input[name=seen]")]
    assert seen == [f"period_twice:{first.reference}"]
    back = owner.post(path_of(demo, second, "/lezen"), seen=seen)
    assert (back.status_code, back.location) == (303, path_of(demo, second))
    assert owner.open(path_of(demo, second)).says("#pay-place") == "Betaal € 6.059,08"


def test_a_forged_approval_is_refused(owner: WebClient, demo: Demo):
    _first, second = two_of_one_period(demo)
    shown = demo.view(second).digest
    owner.open(path_of(demo, second))
    answer = owner.post(path_of(demo, second, "/betalen"), shown=shown)
    assert answer.status_code == 303
    assert "Bekijk eerst de waarschuwingen" in owner.open(path_of(demo, second)).text
    assert Batch.get_by_id(second.id).state == "open"


def test_a_new_warning_is_not_acknowledged(owner: WebClient, demo: Demo):
    _first, second = two_of_one_period(demo)
    owner.open(path_of(demo, second, "/lezen"))
    owner.post(path_of(demo, second, "/lezen"), seen=["period_twice:20260101000000-00000"])
    assert [one.opened for one in warnings.warnings_for(Batch.get_by_id(second.id))] == [False]


def test_a_supplement_shows_changes_and_overpayments(owner: WebClient, demo: Demo):
    old, new = a_difference(demo)
    page = owner.open(path_of(demo, new, "/lezen"))
    assert "Deze run is al eerder betaald" in page.text
    assert "Naomi (NL52 ABNA 7650 1432 44) kreeg € 611,00 te veel" in page.text.replace("\u00a0", " ")
    assert old.reference in page.value("main .note a", "href")
    sent = owner.open(path_of(demo, old))
    assert "Deze run is daarna opnieuw gedraaid" in sent.text
    assert new.reference in [link.get("href", "").rpartition("/")[2] for link in sent.all("#payment a")]


def test_a_preparer_can_read_but_not_acknowledge(site: Site, demo: Demo):
    _first, second = two_of_one_period(demo)
    preparer = make_user(name="Boekhouder")
    Membership.create(user=preparer, client=demo.client, role="preparer")
    browser = site.person(preparer)
    page = browser.open(path_of(demo, second, "/lezen"))
    assert page.says(".pay") == "Terug naar de betaling"
    assert browser.post(path_of(demo, second, "/lezen"), seen=["period_twice:x"]).status_code == 403
    assert WarningAcknowledgement.select().count() == 0


def test_without_warnings_there_is_no_page(owner: WebClient, demo: Demo):
    batch = demo.batch()
    answer = owner.get(path_of(demo, batch, "/lezen"))
    assert (answer.status_code, answer.location) == (303, path_of(demo, batch))


def test_a_missing_run_removes_the_button(owner: WebClient, demo: Demo):
    batch = demo.batch()
    PayrollRun.update(unlisted_since=batch.created_at).execute()
    page = owner.open(path_of(demo, batch))
    assert page.says("#pay-place") == "Deze run staat niet meer in Nmbrs. Betalen is nu niet mogelijk."
    answer = owner.post(path_of(demo, batch, "/betalen"), shown=demo.view(batch).digest)
    assert answer.status_code == 303
    assert "Er is niets betaald" in owner.open(path_of(demo, batch)).text


def test_unpaid_employees_are_counted_and_named(owner: WebClient, demo: Demo):
    batch = demo.batch()
    Batch.update(unpaid_employee_count=2).execute()
    page = owner.open(path_of(demo, batch))
    assert "2 zonder betaling" in page.says(".changes .note") and page.all(".changes .warn")
    Batch.update(unpaid_employee_names=["Noor de Vries", "Alek Nowak"]).execute()
    page = owner.open(path_of(demo, batch))
    assert [node.text_content() for node in page.all(".changes li b")] == ["Noor de Vries", "Alek Nowak"]
    assert "Staat in de salarisrun, maar niet in het betaalbestand." in page.says(".changes")


def test_a_supplement_line_shows_the_earlier_payment(owner: WebClient, demo: Demo, sandbox: Sandbox):
    batch = demo.batch(LINES[:1])
    other = demo.batch(LINES[:1], number=2)
    row = BatchLine.get(BatchLine.batch == other.id)
    facts = {name: value for name, value in row.__data__.items() if name != "id"}
    changed = {"batch": batch.id, "position": 2, "end_to_end_id": "X-2", "already_paid_cents": 200_000}
    BatchLine.insert(**{**facts, **changed}).execute()
    text = owner.open(path_of(demo, batch)).text
    assert "Al betaald: € 2.000,00. Nu in totaal: € 5.448,08." in text
