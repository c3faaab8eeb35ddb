"""Uploading a bank report: the payment is updated, or the page shows why not."""

from io import BytesIO

import pytest

from domain.orders import submission
from domain.payments.release import release
from models import BankOrder, Batch, Membership
from tests.connectors.test_pain002 import report
from tests.support.factories import PSU, Demo, make_user
from tests.support.web_client import Site, WebClient


@pytest.fixture
def sent(demo: Demo) -> Batch:
    batch = demo.batch()
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    submission.submit_order(batch.id)
    return Batch.get_by_id(batch.id)


def path_of(demo: Demo, batch: Batch) -> str:
    return f"/{demo.client.public_id}/betalingen/{batch.reference}"


def test_a_status_report_about_a_linked_bank_makes_us_ask_it(owner: WebClient, demo: Demo, sent: Batch):
    page = owner.open(path_of(demo, sent))
    assert any(link.get("href") == f"{path_of(demo, sent)}/bestand" for link in page.all("a"))
    order = BankOrder.get(BankOrder.batch == sent.id)
    assert order.msg_id in owner.open(f"{path_of(demo, sent)}/bestand").text
    raw = report("<GrpSts>ACSC</GrpSts>", message_id=order.msg_id)
    answer = owner.post(f"{path_of(demo, sent)}/bestand", bestand=(BytesIO(raw), "status.xml"))
    assert answer.status_code == 422
    assert "de status komt rechtstreeks van de bank" in answer.text
    assert Batch.get_by_id(sent.id).state == "at_bank"


@pytest.mark.parametrize(
    ("raw", "words"),
    [(report("<GrpSts>ACSC</GrpSts>", message_id="another"), "over een andere betaling"), (b"<html>", "niet"),
     (b"", "niet")],
)  # fmt: skip
def test_another_file_shows_why_it_changes_nothing(owner: WebClient, demo: Demo, sent: Batch, raw: bytes, words: str):
    owner.open(path_of(demo, sent))
    answer = owner.post(f"{path_of(demo, sent)}/bestand", bestand=(BytesIO(raw), "x.xml"))
    assert answer.status_code == 422
    assert words in answer.says(".note.bad")
    assert "Er is niets veranderd" in answer.says(".note.bad")
    assert Batch.get_by_id(sent.id).state == "at_bank"


@pytest.mark.parametrize(("megabytes", "status"), [(3, 422), (15, 422), (17, 413)])
def test_a_long_file_is_read_up_to_its_bound(owner: WebClient, demo: Demo, sent: Batch, megabytes: int, status: int):
    owner.open(path_of(demo, sent))
    padded = report("<GrpSts>ACSC</GrpSts>", message_id="another") + b"\n" * (megabytes * 1024 * 1024)
    answer = owner.post(f"{path_of(demo, sent)}/bestand", bestand=(BytesIO(padded), "x.xml"))
    assert answer.status_code == status
    if status == 422:
        assert "over een andere betaling" in answer.says(".note.bad")


def test_who_is_not_signed_in_sends_no_long_file(site: Site, demo: Demo, sent: Batch):
    stranger = site.person()
    stranger.open("/inloggen")
    answer = stranger.post(f"{path_of(demo, sent)}/bestand", bestand=(BytesIO(b"\n" * 3 * 1024 * 1024), "x.xml"))
    assert answer.status_code == 413


def test_a_preparer_cannot_upload(site: Site, demo: Demo, sent: Batch):
    preparer = make_user()
    Membership.create(user=preparer, client=demo.client, role="preparer")
    browser = site.person(preparer)
    browser.open(path_of(demo, sent))
    assert browser.get(f"{path_of(demo, sent)}/bestand").status_code == 403


def test_an_unsubmitted_payment_accepts_no_file(owner: WebClient, demo: Demo):
    batch = demo.batch()
    assert owner.get(f"{path_of(demo, batch)}/bestand").location == path_of(demo, batch)
