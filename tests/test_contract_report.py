"""The judge of all exchanges with banks: what passes, what is left out and why, and that what is wrong is found."""

import json
from pathlib import Path
from typing import Any

import pytest
from openapi_core import OpenAPI

from tests.support import contract
from tests.support.contract_report import Verdict, judge, judged

ID = "3b8e2c1a-7f54-4d0e-9c2b-5a6d7e8f9012"
ORDER = "/bank/redirect/v1/bulk-payments/sepa-credit-transfers"


def exchange(**changes: Any) -> dict[str, Any]:
    """The status of an order, asked and answered as the contract has it."""
    return {
        "method": "GET", "target": f"{ORDER}/1/status", "headers": {"X-Request-ID": ID, "Accept": "application/json"},
        "body": "", "switches": [], "status": 200,
        "answer_headers": {"Content-Type": "application/json", "X-Request-ID": ID},
        "answer": '{"transactionStatus": "ACSC"}',
    } | changes  # fmt: skip


def verdict_of(**changes: Any) -> Verdict:
    found = Verdict()
    judge(exchange(**changes), found)
    return found


def test_what_is_as_the_contract_says_is_counted():
    found = verdict_of()
    assert (found.checked, found.violations) == (1, [])


@pytest.mark.parametrize(
    "changes",
    [
        {"answer": '{"transactionStatus": "XXXX"}'},
        {"answer": '{"fundsAvailable": true}'},
        {"answer": "{"},
        {"status": 418},
        {"headers": {"Accept": "application/json"}},
        {"headers": {"X-Request-ID": "7", "Accept": "application/json"}},
        {"target": "/bank/redirect/v1/nowhere"},
        {"answer_headers": {"Content-Type": "text/html", "X-Request-ID": ID}},
    ],
    ids=["no such status", "no status", "no JSON", "no such code", "no request id", "wrong id", "nowhere", "a page"],
)
def test_what_breaks_it_on_either_side_is_found(changes: dict[str, Any]):
    assert len(verdict_of(**changes).violations) == 1


def test_a_request_that_was_rightly_refused_is_no_violation():
    refused = {"tppMessages": [{"category": "ERROR", "code": "FORMAT_ERROR"}]}
    found = verdict_of(headers={"Accept": "application/json"}, status=400, answer=json.dumps(refused))
    assert (found.checked, found.violations) == (1, [])


def test_what_is_wrong_by_a_switch_is_left_out_by_its_name_alone():
    wrong = {"answer": '{"transactionStatus": "XXXX"}'}
    assert verdict_of(**wrong, switches=["bank_strange_status"]).violations == []
    assert verdict_of(**wrong, switches=["bank_slow"]).violations


def test_an_answer_that_was_cut_off_cannot_be_checked():
    found = verdict_of(status=None, answer="")
    assert (found.checked, found.cut) == (0, 1)


def test_an_address_outside_the_contract_may_only_be_refused():
    found = verdict_of(target="/bank/redirect/v1/nowhere", status=404, answer="{}")
    assert (found.elsewhere, found.violations) == (1, [])


def test_a_whole_folder_is_judged(tmp_path: Path):
    for name, rows in (("1", [exchange(), exchange()]), ("2", [exchange(status=418)])):
        (tmp_path / f"{name}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    found = judged(tmp_path)
    assert (found.checked, len(found.violations)) == (3, 1)
    assert str(found).startswith("bank contract: 3 exchanges, 1 violations")


def test_the_contract_is_a_valid_document():
    """Not checked when it is loaded for an address (tests/support/contract)."""
    OpenAPI.from_dict(contract.published())
