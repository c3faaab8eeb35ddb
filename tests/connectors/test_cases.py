"""The readers on files after reports of real banks and payrolls, with what each of them says.

The files are reference data beside the repository (tests/support/reference.py); siblings made here and in the tests of
each reader hold the same rules where they are missing.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.bank.camt import AccountEntry, AccountReportDocument, read_account_report
from connectors.bank.pain002 import StatusReportDocument, read_status_report
from connectors.nmbrs.payment_file import Caution, PaymentFile, StructuredReference, read_payment_file
from tests.support import reference

IBAN = "NL95INGB0004921836"
MSG, E1, E2, E3 = "20261123034734-66580", "E-1", "E-2", "E-3"
A1, A2, A3 = 100_000, 200_050, 300_001
TOTAL = A1 + A2 + A3
AMOUNTS = {"TOTAL": TOTAL, "A1": A1, "A2": A2, "A3": A3, "TOTAL-A1": TOTAL - A1, "TOTAL-A2": TOTAL - A2}
FILLED = {"MSG": MSG, "IBAN": IBAN, "E1": E1, "E2": E2, "E3": E3, "COUNT": "3"} | {
    name: f"{cents // 100}.{cents % 100:02d}" for name, cents in AMOUNTS.items()
}


def raw_case(name: str) -> bytes:
    """Return the file with the order's ids and amounts filled in."""
    raw = reference.case(name).read_bytes()
    for mark, value in FILLED.items():
        raw = raw.replace(f"@{mark}@".encode(), value.encode())
    return raw


# --- status reports -----------------------------------------------------------------------------------
REJECTED = ("line", "RJCT", E2, ("AC01",))
REPORTS: dict[str, list[tuple[str, str, str | None, tuple[str, ...]]]] = {
    "p2_only_one_reject": [REJECTED],
    "p2_only_one_reject_v10": [REJECTED],
    "p2_rabo_group_actc_batch_acsc": [("group", "ACTC", None, ()), ("batch", "ACSC", None, ())],
    "p2_rabo_group_actc_batch_accp": [("group", "ACTC", None, ()), ("batch", "ACCP", None, ())],
    "p2_rabo_group_actc_batch_pdng": [("group", "ACTC", None, ()), ("batch", "PDNG", None, ())],
    "p2_rabo_group_actc_tx_rjct": [
        ("group", "ACTC", None, ()), ("batch", "ACSC", None, ()), ("line", "ACSC", E1, ()),
        ("line", "RJCT", E2, ("AC04",)), ("line", "ACSC", E3, ()),
    ],
    "p2_part_rejects_only": [("group", "PART", None, ()), ("batch", "PART", None, ()), REJECTED],
    "p2_nogroup_accp_rjct": [("line", "ACCP", E1, ()), REJECTED, ("line", "ACCP", E3, ())],
    "p2_vop_mixed_nogroup": [("line", "RVNM", E1, ()), ("line", "RVMC", E2, ())],
    "p2_vop_group_part": [
        ("group", "PART", None, ()), ("line", "RCVC", E1, ()), ("line", "RVMC", E2, ()), ("line", "RVNM", E3, ()),
    ],
    "p2_two_rejects_two_reasons": [
        ("group", "PART", None, ()), ("batch", "PART", None, ()), ("line", "RJCT", E1, ("AC04",)),
        ("line", "RJCT", E2, ("MD07",)), ("line", "ACSC", E3, ()),
    ],
    "p2_accp_rjct_group_accp": [("group", "ACCP", None, ()), REJECTED],
    "p2_leading_newline": [("group", "ACSC", None, ())],
    "p2_utf16_declared": [("group", "ACSC", None, ())],
}  # fmt: skip


def report(name: str) -> StatusReportDocument:
    return read_status_report(raw_case(f"{name}.xml"))


@pytest.mark.parametrize("name", REPORTS)
def test_a_status_report_says_this_at_these_levels(name: str):
    document = report(name)
    assert [(one.level, one.code, one.end_to_end_id, one.reasons) for one in document.statements] == REPORTS[name]
    assert {one.message_id for one in document.statements} == {MSG}
    assert {one.payment_information_id for one in document.statements if one.level != "group"} <= {MSG}
    assert (document.message_id, str(document.created_at)) == ("BNK-0001", "2026-11-23 09:44:01+00:00")


@pytest.mark.parametrize("name", ["p2_vop_mixed_nogroup", "p2_vop_group_part"])
def test_a_report_of_a_name_check_has_the_result_of_each_line(name: str):
    close, = (one for one in report(name).statements if one.vop_result == "CMTC")  # fmt: skip
    assert (close.end_to_end_id, close.matched_name) == (E2, "Jansen, P.")
    assert [one.end_to_end_id for one in report(name).statements if one.vop_result == "NMTC"] in ([E1], [E3])


# --- statements ---------------------------------------------------------------------------------------
def account_report(name: str) -> AccountReportDocument:
    return read_account_report(raw_case(f"{name}.xml"))


def lump(one: AccountEntry) -> tuple[int, bool, str | None, str | None, int | None]:
    (batch,) = one.batches
    return one.signed_cents, one.reversal, batch.message_id, batch.payment_information_id, batch.count


WHOLE = (-TOTAL, False, MSG, None, 3)
LUMPS: dict[str, list[tuple[Any, ...]]] = {
    "c_lump_msgid": [WHOLE],
    "c_lump_pmtinfid": [(-TOTAL, False, None, MSG, 3)],
    "c_lump_pmtinfid_padded_sala": [(-TOTAL, False, None, MSG, None)],
    "c_lump_net_of_reject": [(-(TOTAL - A2), False, MSG, None, 2)],
    "c_lump_reversed_same_file": [WHOLE, (TOTAL, True, MSG, None, 3)],
    "c_lump_reversed_noflag": [WHOLE, (TOTAL, False, MSG, None, 3)],
    "c_sparkasse_reversal_dbit": [WHOLE, (-TOTAL, True, MSG, None, 3)],
    "c_lump_two_halves_day1": [(-A1, False, MSG, None, 1)],
    "c_lump_two_halves_day2": [(-(TOTAL - A1), False, MSG, None, 2)],
    "c_leading_newline": [WHOLE],
    "c_bom_newline": [WHOLE],
    "c_utf16_declared_utf8": [WHOLE],
}


@pytest.mark.parametrize("name", LUMPS)
def test_a_statement_has_these_lumps(name: str):
    document = account_report(name)
    assert [lump(one) for one in document.entries] == LUMPS[name]
    assert {one.account_iban for one in document.entries} == {IBAN}
    assert all(one.is_booked and str(one.booking_date) == "2026-11-24" for one in document.entries)
    assert document.problems == ()


def test_entries_with_one_shared_reference_are_all_read():
    entries = list(account_report("c_lines_wrong_amounts").entries)
    assert {one.account_servicer_reference for one in entries} == {"0001"}
    assert len({one.key for one in entries}) == 3
    assert [(part.end_to_end_id, part.amount_cents) for one in entries for part in one.details] == [
        (E1, 1), (E2, 1), (E3, 1),
    ]  # fmt: skip


def test_a_reversal_is_another_entry_than_what_it_reverses():
    for name in ("c_lump_reversed_same_file", "c_lump_reversed_noflag", "c_sparkasse_reversal_dbit"):
        first, second = account_report(name).entries
        assert first.key != second.key


def test_each_half_of_a_batch_booking_is_an_entry():
    (first,), (second,) = (account_report(f"c_lump_two_halves_day{day}").entries for day in (1, 2))
    assert first.key != second.key


def test_two_lines_that_came_back_have_their_own_reasons():
    went, back = account_report("c_return_two_ntrydtls").entries
    assert lump(went) == WHOLE
    assert [(part.end_to_end_id, part.amount_cents, part.return_reason) for part in back.details] == [
        (E1, A1, "AC04"), (E2, A2, "MD07"),
    ]  # fmt: skip


def test_an_unreadable_statement_leaves_the_others_readable():
    document = account_report("c_other_statement_bad_iban")
    assert [lump(one) for one in document.entries] == [WHOLE]
    assert [(one.code, one.statement) for one in document.problems] == [("bad_account", 2)]


# --- payroll files ------------------------------------------------------------------------------------
def payroll(name: str) -> PaymentFile:
    return read_payment_file(reference.case(f"{name}.xml").read_bytes(), "Salaris")


@pytest.mark.parametrize(("name", "found"), [
    ("p1_strd_cur", StructuredReference("1234567890123456", "SCOR", "CUR")),
    ("p1_strd_rf", StructuredReference("RF18539007547034", "SCOR", "ISO")),
    ("p1_strd_and_ustrd", StructuredReference("1234567890123456", "SCOR", "CUR")),
])  # fmt: skip
def test_a_structured_reference_is_returned_as_it_came(name: str, found: StructuredReference):
    file = payroll(name)
    assert (file.lines[0].reference, file.held) == (found, ())
    told = (Caution("text_beside_reference", (1,)),) if name == "p1_strd_and_ustrd" else ()
    assert file.cautions == told
    assert all(line.reference is None for line in file.lines[1:])


def test_a_second_debtor_account_is_a_separate_payment():
    payments = payroll("p1_two_debtors").payments
    assert [(one.debtor_iban, len(one.lines)) for one in payments] == [(IBAN, 1), ("NL64TRIO0379501686", 1)]


def test_a_second_execution_date_is_a_separate_payment():
    payments = payroll("p1_two_dates").payments
    assert [(str(one.execution_date), len(one.lines)) for one in payments] == [("2026-04-24", 1), ("2026-05-29", 1)]


@pytest.mark.parametrize(("name", "reason"), [
    ("p1_iban_country_TR", "outside_sepa"), ("p1_iban_country_AE", "outside_sepa"), ("p1_name_arabic", "name_unusable"),
])  # fmt: skip
def test_a_line_that_cannot_be_paid_is_held_with_its_number(name: str, reason: str):
    file = payroll(name)
    assert [(line.number, line.reason, line.amount_cents) for line in file.held] == [(1, reason, 150_000)]
    assert file.lines == []


@pytest.mark.parametrize(("name", "found"), [
    ("p1_name_latin1_declared_cp1252", "Željko O’Brien Škoda"), ("p1_enc_cp1250", "Łukasz Żółć"),
])  # fmt: skip
def test_a_name_is_whole_in_the_encoding_that_it_came_in(name: str, found: str):
    (line,) = payroll(name).lines
    assert line.name == found


def test_an_id_that_occurs_twice_is_taken_with_a_caution():
    file = payroll("p1_dup_e2e")
    assert (file.count, file.cautions) == (2, (Caution("doubled_id", (1, 2)),))


def test_every_case_is_read_here():
    cases = json.loads(reference.case("expected.json").read_text())
    here = Path(__file__).read_text()
    names = {file.removesuffix(".xml") for one in cases for file in one["files"]}
    assert {name for name in names if name not in here and not name.startswith("c_lump_two_halves_day")} == set()
