"""What files based on reports of real banks prove about an order that a person took to the bank.

The files are reference data outside the repository (tests/support/reference.py); `test_bank_reports` tests the same
rules with its own documents.
"""

import pytest

from core.money import format_iso
from domain.orders import manual_submission
from domain.payments import amendments
from domain.payments.release import release
from models import BankOrder, Batch, OrderLine
from tests.support import bank_files, reference
from tests.support.factories import PIN, PSU, Demo, here
from tests.support.sandbox import Sandbox

IBAN = "NL61KNAB0257398104"
SENT, PAID, UNPAID, BACK, UNSURE = "possible", "paid", "unpaid", "returned", "disputed"


@pytest.fixture
def sent(demo: Demo, sandbox: Sandbox) -> Batch:
    account = manual_submission.add_account(demo.client, demo.user, IBAN, "Demo BV")
    batch = demo.batch()
    amendments.change_date_and_account(demo.client, demo.user, batch.reference, None, account.id)
    release(demo.membership, batch.reference, demo.view(batch).digest, "pin", PSU, PIN, here(demo.membership))
    manual_submission.download_order_file(demo.membership, batch.reference)
    return Batch.get_by_id(batch.id)


def order_lines() -> list[OrderLine]:
    return list(OrderLine.select().order_by(OrderLine.id))


def hand_in(demo: Demo, batch: Batch, name: str) -> None:
    order, lines, raw = BankOrder.get(), order_lines(), reference.case(f"{name}.xml").read_bytes()
    total = order.total_cents
    values = {"MSG": order.msg_id, "IBAN": IBAN, "TOTAL": format_iso(total), "COUNT": str(len(lines))}
    for number, line in enumerate(lines, 1):
        values |= {f"E{number}": line.end_to_end_id, f"A{number}": format_iso(line.amount_cents)}
        values[f"TOTAL-A{number}"] = format_iso(total - line.amount_cents)
    for mark, value in values.items():
        raw = raw.replace(f"@{mark}@".encode(), value.encode())
        raw = raw.replace(f"@{mark}@".encode("utf-16-le"), value.encode("utf-16-le"))
    bank_files.hand_in(demo.membership, batch.reference, raw)


@pytest.mark.parametrize(
    ("names", "state", "standings"),
    [
        (["p2_only_one_reject"], "at_bank", [SENT, UNPAID, SENT]),
        (["p2_only_one_reject_v10"], "at_bank", [SENT, UNPAID, SENT]),
        (["p2_rabo_group_actc_batch_acsc"], "executed", [PAID] * 3),
        (["p2_rabo_group_actc_batch_accp"], "signed", [SENT] * 3),
        (["p2_rabo_group_actc_batch_pdng"], "signed", [SENT] * 3),
        (["p2_rabo_group_actc_tx_rjct"], "partly_executed", [PAID, UNPAID, PAID]),
        (["p2_part_rejects_only"], "signed", [SENT, UNPAID, SENT]),
        (["p2_nogroup_accp_rjct"], "signed", [SENT, UNPAID, SENT]),
        (["p2_vop_mixed_nogroup"], "name_check", [SENT] * 3),
        (["p2_vop_group_part"], "name_check", [SENT] * 3),
        (["p2_two_rejects_two_reasons"], "partly_executed", [UNPAID, UNPAID, PAID]),
        (["p2_accp_rjct_group_accp"], "signed", [SENT, UNPAID, SENT]),
        (["p2_accp_rjct_group_accp", "c_lump_net_of_reject"], "partly_executed", [PAID, UNPAID, PAID]),
        (["p2_leading_newline"], "executed", [PAID] * 3),
        (["p2_utf16_declared"], "executed", [PAID] * 3),
        (["c_lump_msgid"], "executed", [PAID] * 3),
        (["c_lump_pmtinfid"], "executed", [PAID] * 3),
        (["c_lump_pmtinfid_padded_sala"], "executed", [PAID] * 3),
        (["c_lump_reversed_same_file"], "returned", [BACK] * 3),
        (["c_lump_reversed_noflag"], "returned", [BACK] * 3),
        (["c_lump_msgid", "c_sparkasse_reversal_dbit"], "disputed", [UNSURE] * 3),
        (["c_lump_two_halves_day1"], "at_bank", [SENT] * 3),
        (["c_lump_two_halves_day1", "c_lump_two_halves_day2"], "executed", [PAID] * 3),
        (["c_lines_wrong_amounts"], "disputed", [UNSURE] * 3),
        (["c_leading_newline"], "executed", [PAID] * 3),
        (["c_bom_newline"], "executed", [PAID] * 3),
        (["c_utf16_declared_utf8"], "executed", [PAID] * 3),
        (["c_other_statement_bad_iban"], "executed", [PAID] * 3),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) and value and value[0][1] in "2_" else "",
)
def test_what_a_file_proves(demo: Demo, sent: Batch, names: list[str], state: str, standings: list[str]):
    for name in names:
        hand_in(demo, sent, name)
    assert [line.standing for line in order_lines()] == standings
    assert Batch.get_by_id(sent.id).state == state


def test_each_returned_line_has_its_own_reason(demo: Demo, sent: Batch):
    hand_in(demo, sent, "c_return_two_ntrydtls")
    found = [(line.standing, line.reason) for line in order_lines()]
    assert sum(standing == BACK for standing, _ in found) == 2
    assert len({reason for standing, reason in found if standing == BACK}) == 2
