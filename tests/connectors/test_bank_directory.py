"""The bank directory: validation by bank and field, and caching when the source fails."""

import json
import logging
import os
from datetime import time
from pathlib import Path
from typing import Any

import pytest

from connectors.bank.directory import DirectoryError, FileDirectory, HttpDirectory, read_configs
from connectors.bank.http_signatures import development_identity
from connectors.bank.port import BankConfig
from tests.support.raw_socket_bank import hangs_up, raw_bank, says
from tests.support.sandbox import Sandbox

ENTRY: dict[str, Any] = {
    "id": "zand",
    "name": "Zandbank",
    "base_url": "https://api.zandbank.example/psd2",
    "product": "pain.001-sepa-credit-transfers",
    "signing": "decoupled",
    "redirect_hosts": ["Inloggen.zandbank.example", "127.0.0.1:8001"],
    "cut_off": "15:30",
    "honours_request_id": True,
}


def text_of(*entries: Any) -> str:
    return json.dumps(entries)


def without(name: str) -> dict[str, Any]:
    return {field: value for field, value in ENTRY.items() if field != name}


def test_it_reads_a_configuration():
    assert read_configs(text_of(ENTRY)) == {
        "zand": BankConfig(
            id="zand", name="Zandbank", base_url="https://api.zandbank.example/psd2",
            product="pain.001-sepa-credit-transfers", signing="decoupled",
            redirect_hosts=("inloggen.zandbank.example", "127.0.0.1:8001"), cut_off=time(15, 30),
            honours_request_id=True,
        )
    }  # fmt: skip


def test_optional_fields_have_safe_defaults():
    least = {name: ENTRY[name] for name in ("id", "name", "base_url", "redirect_hosts")}
    config = read_configs(text_of(least))["zand"]
    assert (config.signing, config.product) == ("redirect", "pain.001-sepa-credit-transfers")
    assert (config.cut_off, config.honours_request_id) == (time(15, 30), False)


def test_unknown_fields_are_ignored():
    assert read_configs(text_of(ENTRY | {"bic": "ZANDNL2A", "x": {"y": 1}})) == read_configs(text_of(ENTRY))


def test_banks_keep_their_order():
    configs = read_configs(text_of(ENTRY | {"id": "b"}, ENTRY | {"id": "a"}))
    assert list(configs) == ["b", "a"]


WRONG = [
    ("", "no JSON"),
    ("[" * 100_000, "no JSON"),
    ("{}", "no list"),
    (text_of("zand"), "entry 1 .* no id"),
    (text_of(ENTRY, without("id")), "entry 2 .* no id"),
    (text_of(ENTRY | {"id": "Zand Bank"}), "entry 1 .* no id"),
    (text_of(ENTRY | {"id": 7}), "entry 1 .* no id"),
    (text_of(ENTRY, ENTRY), "bank zand stands twice"),
    (text_of(without("name")), "bank zand: name"),
    (text_of(ENTRY | {"name": " "}), "bank zand: name"),
    (text_of(ENTRY | {"name": "x" * 71}), "bank zand: name"),
    (text_of(without("base_url")), "bank zand: base_url"),
    (text_of(ENTRY | {"base_url": "http://api.zandbank.example"}), "bank zand: base_url"),
    (text_of(ENTRY | {"base_url": "ftp://api.zandbank.example"}), "bank zand: base_url"),
    (text_of(ENTRY | {"base_url": "https://user@api.zandbank.example"}), "bank zand: base_url"),
    (text_of(ENTRY | {"base_url": "https://api.zandbank.example?x=1"}), "bank zand: base_url"),
    (text_of(ENTRY | {"base_url": "https://api.zandbank.example:port"}), "bank zand: "),
    (text_of(ENTRY | {"base_url": "https://"}), "bank zand: base_url"),
    (text_of(ENTRY | {"product": "sepa-credit-transfers"}), "bank zand: product"),
    (text_of(ENTRY | {"product": "pain.001-x/../../"}), "bank zand: product"),
    (text_of(ENTRY | {"signing": "fax"}), "bank zand: signing"),
    (text_of(ENTRY | {"signing": ["redirect"]}), "bank zand: signing"),
    (text_of(without("redirect_hosts")), "bank zand: redirect_hosts"),
    (text_of(ENTRY | {"redirect_hosts": []}), "bank zand: redirect_hosts"),
    (text_of(ENTRY | {"redirect_hosts": "zandbank.example"}), "bank zand: redirect_hosts"),
    (text_of(ENTRY | {"redirect_hosts": ["https://zandbank.example"]}), "bank zand: redirect_hosts"),
    (text_of(ENTRY | {"redirect_hosts": ["*.example"]}), "bank zand: redirect_hosts"),
    (text_of(ENTRY | {"redirect_hosts": ["zandbank.example", None]}), "bank zand: redirect_hosts"),
    (text_of(ENTRY | {"cut_off": "24:00"}), "bank zand: cut_off"),
    (text_of(ENTRY | {"cut_off": "3pm"}), "bank zand: cut_off"),
    (text_of(ENTRY | {"cut_off": 1530}), "bank zand: cut_off"),
    (text_of(ENTRY | {"honours_request_id": "no"}), "bank zand: honours_request_id"),
    (text_of(ENTRY | {"honours_request_id": 1}), "bank zand: honours_request_id"),
    (text_of(ENTRY | {"private_key": "x"}), "bank zand: .*together"),
    (text_of(ENTRY | {"key_id": 5}), "bank zand: key_id"),
    (text_of(ENTRY | {"private_key": "/nowhere", "certificate": "/nowhere"}), "bank zand: .*cannot be read"),
]


@pytest.mark.parametrize(("text", "says_why"), WRONG, ids=range(len(WRONG)))
def test_an_invalid_configuration_is_refused_by_name(text: str, says_why: str):
    with pytest.raises(DirectoryError, match=says_why):
        read_configs(text)


def test_a_bank_may_have_its_own_key(tmp_path: Path):
    development_identity(tmp_path)
    path = str(tmp_path / "bank-identity.pem")
    config = read_configs(text_of(ENTRY | {"key_id": "7", "private_key": path, "certificate": path}))["zand"]
    assert (config.key_id, config.private_key, config.certificate) == ("7", path, path)
    assert path not in repr(config)


# --- from a file ---
@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "banks.json"
    path.write_text(text_of(ENTRY))
    return path


def write(path: Path, text: str) -> None:
    """Write a file with a different modification time."""
    before = path.stat().st_mtime_ns
    path.write_text(text)
    os.utime(path, ns=(before + 1_000_000, before + 1_000_000))


def test_a_changed_file_is_reread(path: Path):
    directory = FileDirectory(path)
    assert list(directory.configs()) == ["zand"]
    write(path, text_of(ENTRY, ENTRY | {"id": "klei"}))
    assert list(directory.configs()) == ["zand", "klei"]


def test_an_unchanged_file_is_not_reread(path: Path):
    directory = FileDirectory(path)
    assert directory.configs() is directory.configs()


def test_an_invalid_file_keeps_the_last_configuration(path: Path, caplog: pytest.LogCaptureFixture):
    directory = FileDirectory(path)
    before = directory.configs()
    write(path, text_of(ENTRY | {"signing": "fax"}))
    with caplog.at_level(logging.WARNING):
        assert directory.configs() == before
        assert directory.configs() == before
    assert [record.getMessage() for record in caplog.records] == [
        "bank directory: bank zand: signing must be one of redirect, decoupled, embedded, delegated; the last one stays"
    ]
    write(path, text_of(ENTRY | {"name": "Kleibank"}))
    assert directory.configs()["zand"].name == "Kleibank"


def test_a_deleted_file_keeps_the_last_configuration(path: Path):
    directory = FileDirectory(path)
    before = directory.configs()
    path.unlink()
    assert directory.configs() == before


def test_a_file_that_was_never_valid_is_an_error(tmp_path: Path):
    with pytest.raises(DirectoryError, match="FileNotFoundError"):
        FileDirectory(tmp_path / "none").configs()
    (tmp_path / "wrong").write_text("[1]")
    with pytest.raises(DirectoryError, match="no id"):
        FileDirectory(tmp_path / "wrong").configs()


# --- from a URL ---
def test_it_reads_the_sandboxs_banks(sandbox: Sandbox):
    configs = HttpDirectory(f"{sandbox.url}/banks").configs()
    assert {config.id: config.signing for config in configs.values()} == {
        "redirect": "redirect", "decoupled": "decoupled", "reader": "embedded", "json": "redirect",
        "ponto": "redirect",
    }  # fmt: skip
    assert configs["reader"].base_url == f"{sandbox.url}/bank/reader"
    ponto = configs["ponto"]
    assert (ponto.adapter, ponto.format, ponto.base_url) == ("ponto", "ponto", f"{sandbox.url}/ponto/api")


def test_a_changed_sca_approach_is_seen_after_the_ttl(sandbox: Sandbox):
    kept, fresh = HttpDirectory(f"{sandbox.url}/banks", 600), HttpDirectory(f"{sandbox.url}/banks", 0)
    assert kept.configs() == fresh.configs()
    sandbox.control("PUT", "banks/redirect", {"signing": "delegated"})
    assert kept.configs()["redirect"].signing == "redirect"
    assert fresh.configs()["redirect"].signing == "delegated"


@pytest.mark.parametrize(
    "fails",
    [
        hangs_up, says(503, [ENTRY | {"name": "Ander"}]), says(200, b"<html>", "text/html"),
        says(302, None, Location="/"),
    ],
)
def test_a_failing_url_keeps_the_last_configuration(fails: Any):
    with raw_bank(says(200, [ENTRY]), fails) as server:
        directory = HttpDirectory(server.url, ttl_seconds=0)
        before = directory.configs()
        assert directory.configs() == before
        assert server.connections == 2


def test_a_failing_url_is_not_called_every_time():
    with raw_bank(says(200, [ENTRY]), hangs_up) as server:
        directory = HttpDirectory(server.url, ttl_seconds=600)
        for _ in range(3):
            directory.configs()
        assert server.connections == 1


def test_a_url_that_never_worked_is_an_error():
    with raw_bank(hangs_up) as server, pytest.raises(DirectoryError, match="OutcomeUnknown"):
        HttpDirectory(server.url).configs()


def test_keys_are_never_accepted_from_a_url():
    with raw_bank(says(200, [ENTRY | {"private_key": "/etc/passwd", "certificate": "/etc/passwd"}])) as server:
        config = HttpDirectory(server.url).configs()["zand"]
    assert config.private_key is None
    assert config.certificate is None
