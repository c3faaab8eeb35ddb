"""docs/banks.example.json: the configurations of real banks are valid and match what is documented."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.bank.berlin_group import BerlinGroupBank
from connectors.bank.directory import DirectoryError, read_configs
from connectors.bank.order_formats import write_order
from connectors.bank.port import BankConfig, Psu
from core.ids import uuid
from tests.connectors.test_pain001 import ORDER
from tests.support.raw_socket_bank import RawRequest, raw_bank, says

EXAMPLE = Path(__file__).parents[2] / "docs" / "banks.example.json"
PLACED = {"transactionStatus": "RCVD", "paymentId": "1", "_links": {}}


@pytest.fixture
def configs() -> dict[str, BankConfig]:
    return read_configs(EXAMPLE.read_text("utf-8"))


def test_each_example_has_its_documented_properties(configs: dict[str, BankConfig]):
    known = {
        config.id: (config.format, config.most_lines, config.signable_after, config.payments_version)
        for config in configs.values()
    }
    assert known == {
        "ing": ("json", 5000, 0, "v1"),
        "rabobank": ("pain.001.001.09", 25_000, 90, "v3"),
        "bng": ("pain.001.001.09", 20_000, 0, "v1"),
    }


def test_no_url_is_real(configs: dict[str, BankConfig]):
    """Real URLs come from the bank with the contract, so that nobody sends an order to an example."""
    for config in configs.values():
        assert all(host.endswith(".example") for host in (config.base_url, *config.redirect_hosts))


def _placed_at(config: BankConfig) -> RawRequest:
    with raw_bank(says(201, PLACED)) as bank:
        there = replace(config, base_url=bank.url)
        BerlinGroupBank(None).place_order(
            there, write_order(there, ORDER), uuid(), Psu("192.0.2.10"), "http://x.example/a", "http://x.example/b"
        )
    return bank.requests[0]


@pytest.mark.parametrize(
    ("bank_id", "target", "media"),
    [
        ("ing", "/v1/bulk-payments/sepa-credit-transfers", "application/json"),
        ("rabobank", "/v3/bulk-payments/pain.001-sepa-credit-transfers", "application/xml"),
        ("bng", "/v1/bulk-payments/pain.001-sepa-credit-transfers", "application/xml"),
    ],
)
def test_an_order_goes_to_the_banks_url(configs: dict[str, BankConfig], bank_id: str, target: str, media: str):
    sent = _placed_at(configs[bank_id])
    assert (sent.target, sent.headers["content-type"]) == (target, media)


def test_ing_gets_json_with_the_salary_code(configs: dict[str, BankConfig]):
    body = json.loads(_placed_at(configs["ing"]).body)
    assert (body["categoryPurposeCode"], len(body["payments"])) == ("SALA", 2)


@pytest.mark.parametrize(
    ("changes", "says_why"),
    [
        ({"format": "json", "product": "pain.001-sepa-credit-transfers"}, "product"),
        ({"format": "pain.001.001.09", "product": "sepa-credit-transfers"}, "product"),
        ({"knows_salary": "yes"}, "knows_salary"),
        ({"structured": 1}, "structured"),
        ({"notifies": None}, "notifies"),
        ({"signable_after": -1}, "signable_after"),
        ({"signable_after": 90.5}, "signable_after"),
        ({"signable_after": True}, "signable_after"),
        ({"signable_after": 86_400}, "signable_after"),
        ({"payments_version": "3"}, "payments_version"),
        ({"payments_version": "v1/../v2"}, "payments_version"),
        ({"most_lines": 0}, "most_lines"),
    ],
)
def test_an_invalid_property_is_refused(changes: dict[str, object], says_why: str):
    row = json.loads(EXAMPLE.read_text("utf-8"))[0] | changes
    with pytest.raises(DirectoryError, match=says_why):
        read_configs(json.dumps([row]))
