"""The payment files of Nmbrs: content, any size, and every encoding fault."""

import base64
from typing import Any

import pytest
from lxml import etree
from schwifty import IBAN

from tests.support.nmbrs import Nmbrs, raw_call
from tests.support.sandbox import Sandbox

PAIN_03 = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.03"


@pytest.fixture
def nmbrs(sandbox: Sandbox) -> Nmbrs:
    return Nmbrs(sandbox)


def parse(text: str) -> etree._Element:
    return etree.fromstring(text.encode(), etree.XMLParser(huge_tree=True, resolve_entities=False))


def texts(root: etree._Element, path: str) -> list[str]:
    """Return the texts at a path of local names: `CdtTrfTxInf/Cdtr/Nm`."""
    steps = "/".join(f"{{*}}{step}" for step in path.split("/"))
    return [element.text or "" for element in root.iterfind(f".//{steps}")]


def cents(amounts: list[str]) -> list[int]:
    return [int(amount.replace(".", "")) for amount in amounts]


def test_the_demo_run_pays_eight_employees(sandbox: Sandbox, nmbrs: Nmbrs):
    root = parse(nmbrs.sepa(sandbox.run_payroll(lines=8, description="april")))
    assert etree.QName(root).namespace == PAIN_03
    lines = list(
        zip(
            texts(root, "CdtTrfTxInf/Cdtr/Nm"),
            texts(root, "CdtrAcct/Id/IBAN"),
            cents(texts(root, "Amt/InstdAmt")),
            strict=True,
        )
    )
    assert lines == [
        ("Jong, Wouter de", "NL42INGB2268352412", 344808),
        ("Donkersloot Meijer, Naomi", "NL52ABNA7650143244", 261100),
        ("Schuurman, Lisanne", "NL57ABNA7134384551", 250008),
        ("Silva, Jose", "NL27RABO0315273237", 231250),
        ("Nowak, Alek", "NL68TRIO0788875661", 224516),
        ("Bakker, Pepijn", "NL61KNAB0257398104", 219826),
        ("Putten, Floor van", "NL95ABNA0512348873", 226540),
        ("Vries, Noor de", "NL86BUNQ2034567891", 222560),
    ]
    assert texts(root, "GrpHdr/CtrlSum") == texts(root, "PmtInf/CtrlSum") == ["19806.08"]
    assert texts(root, "GrpHdr/NbOfTxs") == texts(root, "PmtInf/NbOfTxs") == ["8"]
    assert set(texts(root, "RmtInf/Ustrd")) == {f"Salaris April {nmbrs.year}"}
    assert texts(root, "PmtInf/Dbtr/Nm") == ["Demo BV"]
    assert texts(root, "DbtrAcct/Id/IBAN") == ["NL95INGB0004921836"]
    assert {amount.get("Ccy") for amount in root.iter("{*}InstdAmt")} == {"EUR"}


def test_the_file_has_the_requested_payment_date(sandbox: Sandbox, nmbrs: Nmbrs):
    root = parse(nmbrs.sepa(sandbox.run_payroll(), day="2026-12-24T00:00:00"))
    assert texts(root, "PmtInf/ReqdExctnDt") == ["2026-12-24"]


@pytest.mark.parametrize("lines", [1, 3, 9, 500])
def test_the_totals_of_any_size_match(sandbox: Sandbox, nmbrs: Nmbrs, lines: int):
    root = parse(nmbrs.sepa(sandbox.run_payroll(lines=lines)))
    amounts, accounts = cents(texts(root, "Amt/InstdAmt")), texts(root, "CdtrAcct/Id/IBAN")
    assert len(amounts) == len(set(accounts)) == lines
    assert sum(amounts) == cents(texts(root, "GrpHdr/CtrlSum"))[0]
    assert all(amount > 0 for amount in amounts)
    assert all(IBAN(account).is_valid for account in accounts)
    assert len(set(texts(root, "PmtId/EndToEndId"))) == lines


def test_the_largest_run_is_complete(sandbox: Sandbox, nmbrs: Nmbrs):
    run = sandbox.run_payroll(lines=20_000)
    body = (
        f"<SalaryDocuments_GetSEPA><CompanyId>9969</CompanyId><RunID>{run['run']}</RunID>"
        f"<Year>{run['year']}</Year><paymentDate>2026-11-25T00:00:00</paymentDate></SalaryDocuments_GetSEPA>"
    )
    answer = raw_call(sandbox, "CompanyService", body)
    envelope = etree.fromstring(answer.content, etree.XMLParser(huge_tree=True, resolve_entities=False))
    root = parse(envelope.findtext(".//{*}SalaryDocuments_GetSEPAResult") or "")
    assert texts(root, "GrpHdr/NbOfTxs") == ["20000"]
    assert len(set(texts(root, "CdtrAcct/Id/IBAN"))) == 20_000
    assert sum(cents(texts(root, "Amt/InstdAmt"))) == cents(texts(root, "GrpHdr/CtrlSum"))[0]


def test_repeated_files_differ_only_in_message_id(sandbox: Sandbox, nmbrs: Nmbrs):
    run = sandbox.run_payroll(lines=12)
    first, second = parse(nmbrs.sepa(run)), parse(nmbrs.sepa(run, day="2026-12-01T00:00:00"))
    same = ("CdtTrfTxInf/Cdtr/Nm", "CdtrAcct/Id/IBAN", "Amt/InstdAmt", "RmtInf/Ustrd", "PmtId/EndToEndId")
    for path in same:
        assert texts(first, path) == texts(second, path)


def test_a_given_file_is_returned_unchanged(sandbox: Sandbox, nmbrs: Nmbrs):
    text = "<?xml version='1.0'?>\n<Anders waarde=\"&lt;1&gt;\">]]&gt; € \ttab</Anders>\r\n"
    assert nmbrs.sepa(sandbox.run_payroll(sepa=text)) == text
    assert nmbrs.sepa(sandbox.run_payroll(sepa="")) is None


def test_a_run_without_employees_has_an_empty_file(sandbox: Sandbox, nmbrs: Nmbrs):
    assert not nmbrs.sepa(sandbox.run_payroll(lines=0))


def test_an_unknown_run_has_no_file(sandbox: Sandbox, nmbrs: Nmbrs):
    run = sandbox.run_payroll()
    assert nmbrs.sepa(run | {"run": 1}) is None
    assert nmbrs.sepa(run | {"year": run["year"] - 1}) is None


def test_the_tax_file_pays_the_return_with_its_reference(sandbox: Sandbox, nmbrs: Nmbrs):
    run = sandbox.run_payroll(lines=8)
    (tax,) = nmbrs.company.WageTax_GetList(CompanyId=9969, intYear=nmbrs.year)
    text = nmbrs.company.SalaryDocuments_GetSEPA_Tax(
        CompanyId=9969, RunID=run["run"], Year=run["year"], WageTaxID=tax.LoonaangifteID,
        paymentDate="2026-12-24T00:00:00",
    )  # fmt: skip
    root = parse(text)
    assert texts(root, "CdtTrfTxInf/Cdtr/Nm") == ["Belastingdienst"]
    assert cents(texts(root, "Amt/InstdAmt")) == [tax.TotalGeneral * 100]
    (reference,) = texts(root, "RmtInf/Ustrd")
    assert reference == tax.PaymentReference.replace(".", "")
    assert checks_by_eleven(reference)


def checks_by_eleven(reference: str) -> bool:
    """Return whether the check digit of a 16-digit Dutch payment reference is valid."""
    weights = [1, 6, 3, 7, 9, 10, 5, 8, 4, 2] * 2
    total = sum(int(digit) * weight for digit, weight in zip(reference[1:], weights[5:], strict=True))
    return int(reference[0]) == {10: 1, 11: 0}.get(11 - total % 11, 11 - total % 11)


# --- encoding faults ---
def dressed(sandbox: Sandbox, nmbrs: Nmbrs, fault: str) -> Any:
    run = sandbox.run_payroll(lines=8)
    sandbox.fault(**{fault: True})
    return nmbrs.sepa(run)


def test_base64(sandbox: Sandbox, nmbrs: Nmbrs):
    root = parse(base64.b64decode(dressed(sandbox, nmbrs, "nmbrs_sepa_base64")).decode())
    assert texts(root, "GrpHdr/NbOfTxs") == ["8"]


def test_a_utf_16_declaration(sandbox: Sandbox, nmbrs: Nmbrs):
    text = dressed(sandbox, nmbrs, "nmbrs_sepa_utf16")
    assert text.startswith('<?xml version="1.0" encoding="utf-16"?>')
    assert texts(parse(text.partition("?>")[2]), "GrpHdr/NbOfTxs") == ["8"]


@pytest.mark.parametrize("fault", ["nmbrs_sepa_empty", "nmbrs_sepa_nil"])
def test_no_file(sandbox: Sandbox, nmbrs: Nmbrs, fault: str):
    assert dressed(sandbox, nmbrs, fault) is None


def test_version_nine(sandbox: Sandbox, nmbrs: Nmbrs):
    root = parse(dressed(sandbox, nmbrs, "nmbrs_sepa_pain09"))
    assert etree.QName(root).namespace == PAIN_03.replace(".03", ".09")
    assert texts(root, "ReqdExctnDt/Dt") == ["2026-11-25"]
    assert len(texts(root, "CdtrAgt/FinInstnId/BICFI")) == 8


def test_repeated_end_to_end_ids(sandbox: Sandbox, nmbrs: Nmbrs):
    root = parse(dressed(sandbox, nmbrs, "nmbrs_sepa_notprovided"))
    assert texts(root, "PmtId/EndToEndId") == ["NOTPROVIDED"] * 8


def test_two_payments_for_one_person(sandbox: Sandbox, nmbrs: Nmbrs):
    root = parse(dressed(sandbox, nmbrs, "nmbrs_sepa_two_for_one"))
    assert texts(root, "CdtTrfTxInf/Cdtr/Nm")[:3] == ["Jong, Wouter de"] * 2 + ["Donkersloot Meijer, Naomi"]
    assert texts(root, "GrpHdr/CtrlSum") == ["19806.08"]
    assert len(set(texts(root, "PmtId/EndToEndId"))) == 9


def test_an_employee_missing_from_the_file(sandbox: Sandbox, nmbrs: Nmbrs):
    run = sandbox.run_payroll(lines=8)
    sandbox.fault(nmbrs_sepa_person_missing=True)
    people = nmbrs.company.Run_GetEmployeesByRunCompany(CompanyId=9969, RunId=run["run"], Year=run["year"])
    names = texts(parse(nmbrs.sepa(run)), "CdtTrfTxInf/Cdtr/Nm")
    assert (len(people), len(names)) == (8, 7)
    assert "Vries, Noor de" not in names


# --- invalid runs ---
@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"company": "1"}, 404),
        ({"company": "abc"}, 404),
        ({}, 404),
        ({"company": "9969", "lines": -1}, 400),
        ({"company": "9969", "lines": 20_001}, 400),
        ({"company": "9969", "lines": "8"}, 400),
        ({"company": "9969", "lines": True}, 400),
        ({"company": "9969", "sepa": 5}, 400),
        ({"company": "9969", "description": ["april"]}, 400),
        ({"company": "9969", "webhook": "smoke"}, 400),
    ],
)
def test_an_invalid_run_is_refused(sandbox: Sandbox, nmbrs: Nmbrs, asked: dict[str, Any], status: int):
    answer = sandbox.post("/control/runs", json=asked)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert nmbrs.company.Run_GetList(CompanyId=9969, Year=nmbrs.year) is None


def test_a_run_answers_201(sandbox: Sandbox):
    answer = sandbox.post("/control/runs", json={"company": "9969", "lines": 8, "description": "april"})
    assert answer.status_code == 201
    assert set(answer.json()) == {"run", "number", "year"}
