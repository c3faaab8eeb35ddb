"""Checks every exchange between any sandbox of this test run and its banks' callers against the contract.

Sandboxes record them (sandbox/bank/exchange_log.py): from tests that call a bank directly, from the adapter, and from
complete stacks whose web and worker are separate processes.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.support import contract

# Faults that make a bank's answer violate the contract on purpose. Nothing else may.
WRONG_ON_PURPOSE = frozenset(
    {
        "bank_strange_answer", "bank_strange_status", "bank_order_504", "bank_order_not_taken", "bank_duplicate_dupl",
        "bank_cancel_not_taken",
    }
)  # fmt: skip
MOST_SHOWN = 20

# Headers of which the contract demands nothing, or no more than that they are text.
FREE_HEADERS = frozenset({"content-length", "date", "digest", "host", "psu-ip-port", "psu-user-agent", "signature"})
# Values that are drawn anew in each exchange, each with one of the same form in its place.
RANDOM_VALUES = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "3b8e2c1a-7f54-4d0e-9c2b-5a6d7e8f9012"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:8000"),
    (re.compile(r"(?<=/)(?=[\w-]*[A-Z0-9])[\w-]{20,}(?=[^\w.-])"), "token"),  # of the address to return to
    (re.compile(r"\"[A-Za-z0-9+/]{400,}={0,2}\""), '"MIIC"'),  # a certificate
)


@dataclass
class Verdict:
    """How many exchanges were checked, and how many not: cut off, wrong by a fault switch, or outside the contract."""

    checked: int = 0
    cut: int = 0
    by_switch: Counter[str] = field(default_factory=Counter)
    elsewhere: int = 0
    violations: list[str] = field(default_factory=list)

    def add(self, other: "Verdict") -> None:
        self.checked += other.checked
        self.cut += other.cut
        self.by_switch += other.by_switch
        self.elsewhere += other.elsewhere
        self.violations += other.violations

    def __str__(self) -> str:
        left_out = f"{self.cut} cut off, {self.elsewhere} outside the contract, {sum(self.by_switch.values())} switched"
        return f"bank contract: {self.checked} exchanges, {len(self.violations)} violations ({left_out})"


def judged(folder: Path) -> Verdict:
    """Return the verdict on every exchange in the folder. Exchanges of the same shape are checked once."""
    verdict, seen = Verdict(), dict[str, Verdict]()
    for row in exchanges(folder):
        key = shape(row)
        if key not in seen:
            seen[key] = Verdict()
            judge(row, seen[key])
        verdict.add(seen[key])
    return verdict


def shape(row: dict[str, Any]) -> str:
    """Return the exchange as text, without what the contract leaves free: random values and the body of an XML request
    (see `contract.free_xml`)."""
    headers = {name.lower(): value for name, value in row["headers"].items()}
    kept = {name: "free" if name in FREE_HEADERS else value for name, value in headers.items()}
    body = bool(row["body"]) if headers.get("content-type") == "application/xml" else row["body"]
    answered = {name: value for name, value in row["answer_headers"].items() if name not in ("Content-Length", "Date")}
    text = json.dumps({**row, "headers": kept, "body": body, "answer_headers": answered})
    for pattern, instead in RANDOM_VALUES:
        text = pattern.sub(instead, text)
    return text


def exchanges(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def judge(row: dict[str, Any], verdict: Verdict) -> None:
    """Check one exchange and count the result."""
    from openapi_core.exceptions import OpenAPIError
    from openapi_core.templating.paths.exceptions import PathError

    if row["status"] is None:
        verdict.cut += 1
        return
    if switched := WRONG_ON_PURPOSE.intersection(row["switches"]):
        verdict.by_switch.update(switched)
        return
    asked = request_of(row)
    try:
        contract.check(asked, answer_of(row, asked))
    except PathError:
        if row["status"] not in (404, 405):
            verdict.violations.append(f"{row['method']} {row['target']}: {row['status']}, not in the contract")
        verdict.elsewhere += 1
        return
    except OpenAPIError as error:
        why = "; ".join(str(part) for part in (error, error.__cause__, *getattr(error.__cause__, "schema_errors", ())))
        verdict.violations.append(f"{row['method']} {row['target']} -> {row['status']}: {why[:400]}")
    verdict.checked += 1


def request_of(row: dict[str, Any]) -> requests.PreparedRequest:
    """Return the request, at one base URL for all banks: the checker builds a contract per base URL."""
    url = f"http://bank.example/v1/{row['target'].partition('/v1/')[2]}"
    return requests.Request(row["method"], url, headers=row["headers"], data=row["body"] or None).prepare()


def answer_of(row: dict[str, Any], asked: requests.PreparedRequest) -> requests.Response:
    made = requests.Response()
    made.status_code, made.request = row["status"], asked
    made.headers.update(row["answer_headers"])
    made._content = row["answer"].encode()
    return made
