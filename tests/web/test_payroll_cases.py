"""Payroll files after real reports, from the webhook to the order at the bank: nothing changed, dropped or doubled."""

import base64
import json
import re

import pytest

from models import Batch, BatchLine, PayrollRun
from tests.support import reference
from tests.support.factories import Demo
from tests.support.pain001_builder import IBANS, File, Line, Part, file_of
from tests.support.sandbox import Sandbox
from tests.support.web_client import Site, WebClient
from tests.web.test_held_lines import at, deliver, pay, read, send

CUR, RF = "1234567890123456", "RF18539007547034"


def structured(value: str, issuer: str) -> str:
    issued = f"<Issr>{issuer}</Issr>" if issuer else ""
    kind = f"<Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry>{issued}</Tp>"
    return f"<RmtInf><Strd><CdtrRefInf>{kind}<Ref>{value}</Ref></CdtrRefInf></Strd></RmtInf>"


LINES = (
    Line(cents=812_300, name="Belastingdienst", remittance=None, more=structured(CUR, "CUR")),
    Line(cents=90_000, name="Pensioenfonds", iban=IBANS[3], remittance=None, more=structured(RF, "ISO")),
    Line(cents=100, name="Fonds", iban=IBANS[2], remittance=None, more=structured("A-1", "")),
    Line(cents=150_000, name="Jansen, P.", iban=IBANS[1]),
)


def run_file(site: Site, demo: Demo, raw: bytes) -> list[Batch]:
    site.sandbox.run_payroll(sepa=base64.b64encode(raw).decode(), webhook="none")
    return deliver(site, demo)


def order_of(sandbox: Sandbox) -> str:
    (order,) = sandbox.control("GET", "orders")
    return order["body"]


# --- structured references ---
@pytest.mark.parametrize("form", ["pain.001.001.09", "pain.001.001.03"])
def test_a_structured_reference_goes_out_as_it_came(
    owner: WebClient, site: Site, demo: Demo, sandbox: Sandbox, form: str
):
    sandbox.control("PUT", "banks/redirect", {"format": form})
    (batch,) = run_file(site, demo, file_of(*LINES).raw())
    page = owner.open(at(demo, batch))
    assert f"Betalingskenmerk {CUR}" in page.text
    assert f"Betalingskenmerk {RF}" in page.text
    assert pay(owner, demo, batch) == "approved"
    assert len(send(batch)) == 4
    body = order_of(sandbox)
    assert re.findall(r"<RmtInf>.*?</RmtInf>", body) == [
        structured(CUR, "CUR"), structured(RF, "ISO"), structured("A-1", ""),
        "<RmtInf><Ustrd>Salaris april</Ustrd></RmtInf>",
    ]  # fmt: skip


def test_a_structured_reference_in_json(owner: WebClient, site: Site, demo: Demo, sandbox: Sandbox):
    sandbox.control("PUT", "banks/redirect", {"format": "json"})
    (batch,) = run_file(site, demo, file_of(*LINES).raw())
    assert pay(owner, demo, batch) == "approved"
    assert len(send(batch)) == 4
    payments = json.loads(order_of(sandbox))["payments"]
    assert [one.get("remittanceInformationStructured") for one in payments] == [
        {"reference": CUR, "referenceType": "SCOR", "referenceIssuer": "CUR"},
        {"reference": RF, "referenceType": "SCOR", "referenceIssuer": "ISO"},
        {"reference": "A-1", "referenceType": "SCOR"}, None,
    ]  # fmt: skip
    assert payments[3]["remittanceInformationUnstructured"] == "Salaris april"


def test_a_bank_that_takes_no_reference_gets_no_payment(owner: WebClient, site: Site, demo: Demo, sandbox: Sandbox):
    sandbox.control("PUT", "banks/redirect", {"line": {"structured": False}})
    (batch,) = run_file(site, demo, file_of(*LINES).raw())
    assert pay(owner, demo, batch) == "open"
    assert "Deze bank accepteert een betalingskenmerk van een regel niet." in owner.open(at(demo, batch)).text
    for row in BatchLine.select().where(BatchLine.reference_type.is_null(False)):
        owner.post(at(demo, batch, f"/regels/{row.id}?verdict=refuse"))
    assert pay(owner, demo, batch) == "approved"
    assert send(batch) == [(IBANS[1], 150_000)]


def test_another_reference_is_another_version(owner: WebClient, site: Site, demo: Demo):
    (batch,) = run_file(site, demo, file_of(*LINES).raw())
    before = demo.view(batch).digest
    again = (LINES[0], Line(cents=90_000, name="Pensioenfonds", iban=IBANS[3], remittance=RF), *LINES[2:])
    given = {"action": "again", "sepa": file_of(*again).xml(), "webhook": "none"}
    site.sandbox.control("POST", f"nmbrs/runs/{PayrollRun.get().nmbrs_id}", given)
    (second,) = deliver(site, demo)
    assert Batch.get_by_id(batch.id).state == "replaced"
    assert demo.view(second).digest != before


# --- the cases ---
@pytest.mark.parametrize(
    ("name", "cents", "held"),
    [
        ("p1_strd_cur", [812_300, 150_000], []),
        ("p1_strd_rf", [90_000], []),
        ("p1_strd_and_ustrd", [150_000], []),
        ("p1_name_latin1_declared_cp1252", None, []),
        ("p1_enc_cp1250", None, []),
        ("p1_dup_e2e", [150_000, 150_000], []),
        ("p1_iban_country_TR", [], ["De rekening valt buiten SEPA."]),
        ("p1_iban_country_AE", [], ["De rekening valt buiten SEPA."]),
        ("p1_name_arabic", [], ["De naam bevat alleen tekens die de bank niet accepteert."]),
    ],
)
def test_a_reported_file_becomes_the_right_order(
    owner: WebClient, site: Site, demo: Demo, name: str, cents: list[int] | None, held: list[str]
):
    made = run_file(site, demo, reference.case(f"{name}.xml").read_bytes())
    entry = owner.open(f"/{demo.client.public_id}/apps/nmbrs/historie/{PayrollRun.get().id}")
    for why in held:
        assert why in entry.says("#niet-betaald li")
    if cents == []:
        assert made == []
        return
    (batch,) = made
    assert pay(owner, demo, batch) == "approved"
    sent = [amount for _, amount in send(batch)]
    assert sent == (cents if cents is not None else [row.amount_cents for row in BatchLine.select()])


@pytest.mark.parametrize(
    ("name", "words"),
    [("p1_two_debtors", "bevat meer dan één rekening"), ("p1_two_dates", "bevat meer dan één betaaldatum")],
)
def test_a_file_for_two_payments_is_refused_with_what_to_do(
    owner: WebClient, site: Site, demo: Demo, name: str, words: str
):
    assert run_file(site, demo, reference.case(f"{name}.xml").read_bytes()) == []
    text = owner.open(f"/{demo.client.public_id}/overzicht").text
    assert words in text
    assert "Kies in Nmbrs één" in text
    assert "Er is niets betaald." in text


# --- their siblings ---
GOOD = file_of(Line(), Line(cents=5, iban=IBANS[1])).xml()


@pytest.mark.parametrize(
    "raw",
    [
        b"\n  " + GOOD.encode(),
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("utf-8", "utf-16").encode("utf-16"),
        GOOD.replace("utf-8", "utf-16").encode(),
        GOOD.replace("utf-8", "windows-1252").replace("Nowak", "Nöwak").encode("windows-1252"),
        file_of(Line(), Line(cents=5, iban=IBANS[1]), count="", total="").raw(),
        File((Part((Line(), Line(cents=5, iban=IBANS[1])), count="", total=""),)).raw(),
        File((Part((Line(),)), Part((Line(cents=5, iban=IBANS[1]),)))).raw(),
        file_of(Line(iban="nl42 ingb 2268 3524 12"), Line(cents=5, iban=IBANS[1])).raw(),
        file_of(Line(), Line(cents=5, iban=IBANS[1], end_to_end_id="NOTPROVIDED")).raw().replace(b"INGBNL2A", b"X"),
        file_of(Line(name="N" * 200), Line(cents=5, iban=IBANS[1])).raw(),
        file_of(Line(amount="2611.000"), Line(cents=5, iban=IBANS[1])).raw(),
    ],
    ids=["white space", "BOM", "utf-16", "utf-16 declared", "windows-1252", "totals of the part", "totals of the group",
         "two parts", "lower case and blanks", "wrong BIC", "long name", "three decimals"],
)  # fmt: skip
def test_a_file_of_another_form_is_the_same_payment(owner: WebClient, site: Site, demo: Demo, raw: bytes):
    (batch,) = run_file(site, demo, raw)
    assert pay(owner, demo, batch) == "approved"
    assert send(batch) == [(IBANS[0], 261_100), (IBANS[1], 5)]


def test_a_held_line_beside_others_in_two_parts(owner: WebClient, site: Site, demo: Demo):
    parts = (Part((Line(), Line(currency="USD", cents=7))), Part((Line(cents=5, iban=IBANS[1]), Line(name=" "))))
    (batch,) = run_file(site, demo, File(parts).raw())
    assert "2 regels kunnen niet worden betaald" in owner.open(at(demo, batch)).text
    read(owner, demo, batch)
    assert pay(owner, demo, batch) == "approved"
    assert send(batch) == [(IBANS[0], 261_100), (IBANS[1], 5)]
