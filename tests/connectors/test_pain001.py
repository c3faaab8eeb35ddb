"""The payment file: valid, deterministic, and with nothing but what was approved."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from connectors.bank.pain001 import NAMESPACE, parse_own_pain001, write_pain001
from connectors.bank.payment_order import NotOurOrder, OrderLine, OrderUnwritable, PaymentOrder
from tests.support import xsd

LINE = OrderLine("20261123-1", 344808, "Jong, Wouter de", "NL42INGB2268352412", "Salaris november 2026")
SECOND = OrderLine("20261123-2", 261100, "Donkersloot Meijer, Naomi", "NL52ABNA7650143244", "Salaris november 2026")
ORDER = PaymentOrder(
    msg_id="20201113034734-66580", created_at=datetime(2026, 11, 23, 9, 15, tzinfo=UTC), initiating_party="Demo BV",
    debtor_name="Demo BV", debtor_iban="NL95INGB0004921836", execution_date=date(2026, 11, 25), batch_booking=True,
    lines=[LINE, SECOND],
)  # fmt: skip

# --- valid orders ---
SIGNS = "abcXYZ019/-?:().,'+ "
IBANS = ["NL42INGB2268352412", "NL27RABO0315273237", "DE89370400440532013000", "MT84MALT011000012345MTLCAST001S"]


def texts(longest: int) -> st.SearchStrategy[str]:
    return st.text(SIGNS, min_size=1, max_size=longest).filter(lambda text: text == text.strip())


def references() -> st.SearchStrategy[str]:
    return texts(35).filter(lambda text: text.strip("/") == text and "//" not in text)


def order_lines() -> st.SearchStrategy[OrderLine]:
    amounts = st.integers(1, 999_999_999_99)
    return st.builds(OrderLine, references(), amounts, texts(70), st.sampled_from(IBANS), st.just("") | texts(140))


def orders() -> st.SearchStrategy[PaymentOrder]:
    moments = st.integers(0, 2_000_000_000).map(lambda seconds: datetime.fromtimestamp(1_600_000_000 + seconds, UTC))
    return st.builds(
        PaymentOrder, references(), moments, texts(70), texts(70),
        st.sampled_from(IBANS), st.dates(date(2020, 1, 1), date(2099, 1, 1)), st.booleans(),
        st.lists(order_lines(), min_size=1, max_size=5, unique_by=lambda line: line.end_to_end_id),
    )  # fmt: skip


# --- properties ---
@given(orders())
def test_it_round_trips_and_is_valid(order: PaymentOrder):
    body = write_pain001(order)
    assert parse_own_pain001(body) == order
    assert write_pain001(order) == body
    assert xsd.errors(body) == []


@given(orders())
def test_the_older_version_round_trips_and_is_valid(order: PaymentOrder):
    older = replace(order, version="pain.001.001.03")
    body = write_pain001(older)
    assert parse_own_pain001(body) == older
    assert xsd.errors(body, "pain.001.001.03") == []
    assert b"<Dt>" not in body


def test_an_unknown_version_is_refused():
    with pytest.raises(OrderUnwritable):
        write_pain001(replace(ORDER, version="pain.001.001.11"))


BODY = write_pain001(ORDER)


@given(st.integers(0, len(BODY) - 1), st.integers(0, 255))
def test_every_changed_byte_is_detected(place: int, value: int):
    """Any changed byte is refused or gives another order, so that a comparison detects it."""
    changed = BODY[:place] + bytes([value]) + BODY[place + 1 :]
    if changed == BODY:
        return
    with suppress(NotOurOrder):
        assert parse_own_pain001(changed) != ORDER


@given(st.data())
def test_a_missing_or_duplicated_part_is_refused(data: st.DataObject):
    start = data.draw(st.integers(0, len(BODY) - 1))
    end = data.draw(st.integers(start + 1, len(BODY)))
    for changed in (BODY[:start] + BODY[end:], BODY[:end] + BODY[start:end] + BODY[end:]):
        with suppress(NotOurOrder):
            assert changed == BODY or parse_own_pain001(changed) != ORDER


# --- content ---
def values(body: bytes, path: str) -> list[str]:
    names = "/".join(f"p:{name}" for name in path.split("/"))
    return [found.text or "" for found in etree.fromstring(body).iterfind(f".//{names}", {"p": NAMESPACE})]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("GrpHdr/MsgId", ["20201113034734-66580"]),
        ("GrpHdr/CreDtTm", ["2026-11-23T09:15:00Z"]),
        ("GrpHdr/NbOfTxs", ["2"]),
        ("GrpHdr/CtrlSum", ["6059.08"]),
        ("GrpHdr/InitgPty/Nm", ["Demo BV"]),
        ("PmtInf/PmtInfId", ["20201113034734-66580"]),
        ("PmtInf/PmtMtd", ["TRF"]),
        ("PmtInf/Dbtr/Nm", ["Demo BV"]),
        ("PmtInf/NbOfTxs", ["2"]),
        ("PmtInf/CtrlSum", ["6059.08"]),
        ("PmtInf/BtchBookg", ["true"]),
        ("PmtInf/PmtTpInf/SvcLvl/Cd", ["SEPA"]),
        ("PmtInf/PmtTpInf/CtgyPurp/Cd", ["SALA"]),
        ("PmtInf/ReqdExctnDt/Dt", ["2026-11-25"]),
        ("PmtInf/DbtrAcct/Id/IBAN", ["NL95INGB0004921836"]),
        ("PmtInf/DbtrAcct/Ccy", ["EUR"]),
        ("PmtInf/DbtrAgt/FinInstnId/Othr/Id", ["NOTPROVIDED"]),
        ("PmtInf/ChrgBr", ["SLEV"]),
        ("CdtTrfTxInf/PmtId/EndToEndId", ["20261123-1", "20261123-2"]),
        ("CdtTrfTxInf/Amt/InstdAmt", ["3448.08", "2611.00"]),
        ("CdtTrfTxInf/Cdtr/Nm", ["Jong, Wouter de", "Donkersloot Meijer, Naomi"]),
        ("CdtTrfTxInf/CdtrAcct/Id/IBAN", ["NL42INGB2268352412", "NL52ABNA7650143244"]),
        ("CdtTrfTxInf/RmtInf/Ustrd", ["Salaris november 2026", "Salaris november 2026"]),
    ],
)
def test_it_has_these_values(path: str, expected: list[str]):
    assert values(BODY, path) == expected


def test_it_has_no_address_and_one_block():
    assert b"PstlAdr" not in BODY
    assert BODY.count(b"<PmtInf>") == 1


def test_a_line_without_remittance_has_none():
    body = write_pain001(replace(ORDER, lines=[LINE, replace(SECOND, remittance=""), replace(LINE, end_to_end_id="3")]))
    assert body.count(b"<RmtInf>") == 2
    assert [line.remittance for line in parse_own_pain001(body).lines] == [LINE.remittance, "", LINE.remittance]


def test_the_namespace_is_declared_once():
    assert BODY.count(b"xmlns") == 1


def test_the_creation_time_is_utc():
    summer = datetime(2026, 7, 1, 0, 30, tzinfo=timezone(timedelta(hours=2)))
    body = write_pain001(replace(ORDER, created_at=summer))
    assert values(body, "GrpHdr/CreDtTm") == ["2026-06-30T22:30:00Z"]


def test_fractions_of_a_second_do_not_change_the_bytes():
    assert write_pain001(replace(ORDER, created_at=ORDER.created_at.replace(microsecond=999_999))) == BODY


def test_its_repr_contains_no_names():
    assert "Wouter" not in repr(ORDER)


# --- refusals ---
@pytest.mark.parametrize(
    "change",
    [
        {"msg_id": ""},
        {"msg_id": "x" * 36},
        {"msg_id": "/1"},
        {"msg_id": "1/"},
        {"msg_id": "1//2"},
        {"msg_id": "<1>"},
        {"initiating_party": "x" * 71},
        {"initiating_party": ""},
        {"debtor_name": "Café BV"},
        {"debtor_name": "A&B"},
        {"debtor_name": "Demo BV "},
        {"debtor_name": "Demo\nBV"},
        {"debtor_iban": "NL95INGB0004921837"},
        {"debtor_iban": ""},
        {"created_at": ORDER.created_at.replace(tzinfo=None)},
        {"lines": []},
        {"lines": [LINE, replace(SECOND, end_to_end_id=LINE.end_to_end_id)]},
    ],
    ids=str,
)
def test_it_refuses_an_order(change: dict):
    with pytest.raises(OrderUnwritable):
        write_pain001(replace(ORDER, **change))


@pytest.mark.parametrize(
    "change",
    [
        {"end_to_end_id": ""},
        {"end_to_end_id": "a//b"},
        {"end_to_end_id": "/a"},
        {"end_to_end_id": "x" * 36},
        {"amount_cents": 0},
        {"amount_cents": -1},
        {"amount_cents": 34.5},
        {"amount_cents": True},
        {"amount_cents": 1_000_000_000_00},
        {"creditor_name": ""},
        {"creditor_name": "x" * 71},
        {"creditor_name": "Łukasz"},
        {"creditor_name": "</Nm><Nm>Ander"},
        {"creditor_name": "a\x00b"},
        {"creditor_iban": "NL42INGB2268352413"},
        {"creditor_iban": "NL42 INGB 2268 3524 12"},
        {"creditor_iban": "nl42ingb2268352412"},
        {"remittance": " "},
        {"remittance": "x" * 141},
        {"remittance": "salaris & vakantiegeld"},
    ],
    ids=str,
)
def test_it_refuses_a_line_by_number_only(change: dict):
    with pytest.raises(OrderUnwritable) as caught:
        write_pain001(replace(ORDER, lines=[LINE, replace(SECOND, **change)]))
    told = str(caught.value)
    assert told == f"line 2: {next(iter(change))}"


# --- other content ---
STRANGE = {
    "another currency": (b'Ccy="EUR">3448', b'Ccy="USD">3448'),
    "another purpose": (b"<Cd>SALA</Cd>", b"<Cd>SUPP</Cd>"),
    "another who is really paid": (b"<RmtInf>", b"<UltmtCdtr><Nm>Ander</Nm></UltmtCdtr><RmtInf>"),
    "a second remittance": (b"</Ustrd>", b"</Ustrd><Ustrd>meer</Ustrd>"),
    "a comment": (b"<PmtInf>", b"<PmtInf><!-- -->"),
    "a wrong count": (b"<NbOfTxs>2</NbOfTxs>", b"<NbOfTxs>3</NbOfTxs>"),
    "a wrong sum": (b"<CtrlSum>6059.08", b"<CtrlSum>6059.09"),
    "an amount of three decimals": (b">3448.08<", b">3448.080<"),
    "charges for the other": (b"SLEV", b"DEBT"),
    "an address": (b"</Nm></Cdtr>", b"</Nm><PstlAdr><Ctry>NL</Ctry></PstlAdr></Cdtr>"),
    "another namespace": (b"pain.001.001.09", b"pain.001.001.11"),
    "white space": (b"<PmtInf>", b"<PmtInf> "),
    "a document type": (b"<Document", b'<!DOCTYPE Document [<!ENTITY a "Jong, Wouter de">]><Document'),
    "an entity": (b"Jong, Wouter de", b"Jong&#44; Wouter de"),
    "no end": (b"</Document>", b""),
}


@pytest.mark.parametrize("name", STRANGE)
def test_parsing_refuses_other_content(name: str):
    before, after = STRANGE[name]
    changed = BODY.replace(before, after)
    assert changed != BODY
    with pytest.raises(NotOurOrder):
        parse_own_pain001(changed)


def test_parsing_refuses_a_second_block():
    block = BODY[BODY.index(b"<PmtInf>") : BODY.index(b"</PmtInf>") + len(b"</PmtInf>")]
    with pytest.raises(NotOurOrder):
        parse_own_pain001(BODY.replace(b"</CstmrCdtTrfInitn>", block + b"</CstmrCdtTrfInitn>"))


def test_parsing_never_opens_a_file(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("Jong, Wouter de")
    doctype = f'<!DOCTYPE Document [<!ENTITY s SYSTEM "{secret.as_uri()}">]><Document'.encode()
    with pytest.raises(NotOurOrder):
        parse_own_pain001(BODY.replace(b"<Document", doctype).replace(b"Jong, Wouter de", b"&s;"))


@pytest.mark.parametrize("body", [b"", b"{}", b"<Document/>", b"\xff\xfe", BODY.decode().encode("utf-16")])
def test_parsing_refuses_other_documents(body: bytes):
    with pytest.raises(NotOurOrder):
        parse_own_pain001(body)


def test_ten_thousand_lines_round_trip():
    lines = [replace(LINE, end_to_end_id=f"E{number}", amount_cents=number) for number in range(1, 10_001)]
    body = write_pain001(replace(ORDER, lines=lines))
    assert parse_own_pain001(body).lines == lines
    assert values(body, "GrpHdr/CtrlSum") == ["500050.00"]
    assert xsd.errors(body) == []


# --- wage tax ---
def test_wage_tax_has_a_structured_reference_and_no_salary_code():
    line = OrderLine("E1", 693_200, "Belastingdienst", "NL86INGB0002445588", "1000088001260400")
    tax = replace(ORDER, lines=[line], wage_tax=True)
    body = write_pain001(tax)
    assert xsd.errors(body) == []
    assert parse_own_pain001(body) == tax
    text = body.decode()
    assert "SALA" not in text
    assert "<Strd><CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry><Issr>CUR</Issr></Tp>" in text
    assert "<Ref>1000088001260400</Ref>" in text


@pytest.mark.parametrize("reference", ["", "1000.0880.0126.0400", "100008800126040", "Loonheffing april"])
def test_wage_tax_without_reference_is_refused(reference: str):
    line = OrderLine("E1", 693_200, "Belastingdienst", "NL86INGB0002445588", reference)
    with pytest.raises(OrderUnwritable):
        write_pain001(replace(ORDER, lines=[line], wage_tax=True))
