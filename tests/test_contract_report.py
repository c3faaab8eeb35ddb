"""The check of all exchanges with banks: what passes, what is excluded and why, and that violations are found."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import contract
from tests.support.contract_report import FREE_HEADERS, Verdict, judge, judged, shape

ID = "3b8e2c1a-7f54-4d0e-9c2b-5a6d7e8f9012"
ORDER = "/bank/redirect/v1/bulk-payments/sepa-credit-transfers"


def exchange(**changes: Any) -> dict[str, Any]:
    """Return a status call and its answer that match the contract."""
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


def test_a_valid_exchange_is_counted():
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
def test_a_violation_on_either_side_is_found(changes: dict[str, Any]):
    assert len(verdict_of(**changes).violations) == 1


def test_a_correctly_refused_request_is_no_violation():
    refused = {"tppMessages": [{"category": "ERROR", "code": "FORMAT_ERROR"}]}
    found = verdict_of(headers={"Accept": "application/json"}, status=400, answer=json.dumps(refused))
    assert (found.checked, found.violations) == (1, [])


def test_an_intended_violation_is_excluded_by_its_fault():
    wrong = {"answer": '{"transactionStatus": "XXXX"}'}
    assert verdict_of(**wrong, switches=["bank_strange_status"]).violations == []
    assert verdict_of(**wrong, switches=["bank_slow"]).violations


def test_a_cut_off_answer_is_excluded():
    found = verdict_of(status=None, answer="")
    assert (found.checked, found.cut) == (0, 1)


def test_an_unknown_path_must_be_refused():
    found = verdict_of(target="/bank/redirect/v1/nowhere", status=404, answer="{}")
    assert (found.elsewhere, found.violations) == (1, [])


def test_a_whole_folder_is_checked(tmp_path: Path):
    for name, rows in (("1", [exchange(), exchange()]), ("2", [exchange(status=418)])):
        (tmp_path / f"{name}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    found = judged(tmp_path)
    assert (found.checked, len(found.violations)) == (3, 1)
    assert str(found).startswith("bank contract: 3 exchanges, 1 violations")


OTHER = "0a1b2c3d-7f54-4d0e-9c2b-5a6d7e8f9012"


@pytest.mark.parametrize(
    "changes",
    [
        {"target": f"{ORDER}/{OTHER}/status"},
        {"headers": {"X-Request-ID": OTHER, "Accept": "application/json"}},
        {"answer_headers": {"Content-Type": "application/json", "X-Request-ID": OTHER, "Date": "now"}},
    ],
    ids=["another order", "another request", "another moment"],
)
def test_exchanges_that_differ_in_random_values_have_one_shape(changes: dict[str, Any]):
    before = exchange(target=f"{ORDER}/{ID}/status")
    assert shape(before) == shape(before | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "PUT"},
        {"target": f"{ORDER}/{ID}"},
        {"headers": {"X-Request-ID": "7", "Accept": "application/json"}},
        {"headers": {"Accept": "application/json"}},
        {"status": 201},
        {"switches": ["bank_slow"]},
        {"answer_headers": {"Content-Type": "text/html", "X-Request-ID": ID}},
        {"answer": '{"transactionStatus": "XXXX"}'},
    ],
    ids=["method", "path", "wrong id", "no id", "status", "switch", "type", "answer"],
)
def test_what_the_contract_restricts_is_part_of_the_shape(changes: dict[str, Any]):
    before = exchange(target=f"{ORDER}/{ID}/status")
    assert shape(before) != shape(before | changes)


def test_headers_left_out_of_the_shape_are_free_in_the_contract():
    parameters = contract.published()["components"]["parameters"].values()
    named = [one for one in parameters if one["name"].lower() in FREE_HEADERS]
    assert {"digest", "signature"} <= {one["name"].lower() for one in named}
    assert all(one["schema"].keys() <= {"type", "example", "description"} for one in named)


def test_the_contract_is_a_valid_document():
    """Loading the contract for an address does not validate it (tests/support/contract)."""
    from openapi_core import OpenAPI

    OpenAPI.from_dict(contract.published())
