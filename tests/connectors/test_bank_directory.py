"""The bank directory: validation by bank and field, and caching when the source fails."""

import json
import logging
import os
from datetime import time
from pathlib import Path
from typing import Any

import pytest

from connectors.bank.directory import DirectoryError, FileDirectory, HttpDirectory, read_lines
from connectors.bank.http_signatures import development_identity
from connectors.bank.port import BankConfig
from tests.support.raw_socket_bank import hangs_up, raw_bank, says
from tests.support.sandbox import Sandbox

LINE: dict[str, Any] = {
    "id": "zand",
    "name": "Zandbank",
    "base_url": "https://api.zandbank.example/psd2",
    "product": "pain.001-sepa-credit-transfers",
    "signing": "decoupled",
    "redirect_hosts": ["Inloggen.zandbank.example", "127.0.0.1:8001"],
    "cut_off": "15:30",
    "honours_request_id": True,
}


def text_of(*lines: Any) -> str:
    return json.dumps(lines)


def without(name: str) -> dict[str, Any]:
    return {field: value for field, value in LINE.items() if field != name}


def test_it_reads_a_configuration():
    assert read_lines(text_of(LINE)) == {
        "zand": BankConfig(
            id="zand", name="Zandbank", base_url="https://api.zandbank.example/psd2",
            product="pain.001-sepa-credit-transfers", signing="decoupled",
            redirect_hosts=("inloggen.zandbank.example", "127.0.0.1:8001"), cut_off=time(15, 30),
            honours_request_id=True,
        )
    }  # fmt: skip


def test_optional_fields_have_safe_defaults():
    least = {name: LINE[name] for name in ("id", "name", "base_url", "redirect_hosts")}
    line = read_lines(text_of(least))["zand"]
    assert (line.signing, line.product) == ("redirect", "pain.001-sepa-credit-transfers")
    assert (line.cut_off, line.honours_request_id) == (time(15, 30), False)


def test_unknown_fields_are_ignored():
    assert read_lines(text_of(LINE | {"bic": "ZANDNL2A", "x": {"y": 1}})) == read_lines(text_of(LINE))


def test_banks_keep_their_order():
    lines = read_lines(text_of(LINE | {"id": "b"}, LINE | {"id": "a"}))
    assert list(lines) == ["b", "a"]


WRONG = [
    ("", "no JSON"),
    ("[" * 100_000, "no JSON"),
    ("{}", "no list"),
    (text_of("zand"), "line 1 .* no id"),
    (text_of(LINE, without("id")), "line 2 .* no id"),
    (text_of(LINE | {"id": "Zand Bank"}), "line 1 .* no id"),
    (text_of(LINE | {"id": 7}), "line 1 .* no id"),
    (text_of(LINE, LINE), "bank zand stands twice"),
    (text_of(without("name")), "bank zand: name"),
    (text_of(LINE | {"name": " "}), "bank zand: name"),
    (text_of(LINE | {"name": "x" * 71}), "bank zand: name"),
    (text_of(without("base_url")), "bank zand: base_url"),
    (text_of(LINE | {"base_url": "http://api.zandbank.example"}), "bank zand: base_url"),
    (text_of(LINE | {"base_url": "ftp://api.zandbank.example"}), "bank zand: base_url"),
    (text_of(LINE | {"base_url": "https://user@api.zandbank.example"}), "bank zand: base_url"),
    (text_of(LINE | {"base_url": "https://api.zandbank.example?x=1"}), "bank zand: base_url"),
    (text_of(LINE | {"base_url": "https://api.zandbank.example:port"}), "bank zand: "),
    (text_of(LINE | {"base_url": "https://"}), "bank zand: base_url"),
    (text_of(LINE | {"product": "sepa-credit-transfers"}), "bank zand: product"),
    (text_of(LINE | {"product": "pain.001-x/../../"}), "bank zand: product"),
    (text_of(LINE | {"signing": "fax"}), "bank zand: signing"),
    (text_of(LINE | {"signing": ["redirect"]}), "bank zand: signing"),
    (text_of(without("redirect_hosts")), "bank zand: redirect_hosts"),
    (text_of(LINE | {"redirect_hosts": []}), "bank zand: redirect_hosts"),
    (text_of(LINE | {"redirect_hosts": "zandbank.example"}), "bank zand: redirect_hosts"),
    (text_of(LINE | {"redirect_hosts": ["https://zandbank.example"]}), "bank zand: redirect_hosts"),
    (text_of(LINE | {"redirect_hosts": ["*.example"]}), "bank zand: redirect_hosts"),
    (text_of(LINE | {"redirect_hosts": ["zandbank.example", None]}), "bank zand: redirect_hosts"),
    (text_of(LINE | {"cut_off": "24:00"}), "bank zand: cut_off"),
    (text_of(LINE | {"cut_off": "3pm"}), "bank zand: cut_off"),
    (text_of(LINE | {"cut_off": 1530}), "bank zand: cut_off"),
    (text_of(LINE | {"honours_request_id": "no"}), "bank zand: honours_request_id"),
    (text_of(LINE | {"honours_request_id": 1}), "bank zand: honours_request_id"),
    (text_of(LINE | {"private_key": "x"}), "bank zand: .*together"),
    (text_of(LINE | {"key_id": 5}), "bank zand: key_id"),
    (text_of(LINE | {"private_key": "/nowhere", "certificate": "/nowhere"}), "bank zand: .*cannot be read"),
]


@pytest.mark.parametrize(("text", "says_why"), WRONG, ids=range(len(WRONG)))
def test_an_invalid_configuration_is_refused_by_name(text: str, says_why: str):
    with pytest.raises(DirectoryError, match=says_why):
        read_lines(text)


def test_a_bank_may_have_its_own_key(tmp_path: Path):
    development_identity(tmp_path)
    path = str(tmp_path / "bank-identity.pem")
    line = read_lines(text_of(LINE | {"key_id": "7", "private_key": path, "certificate": path}))["zand"]
    assert (line.key_id, line.private_key, line.certificate) == ("7", path, path)
    assert path not in repr(line)


# --- from a file ---
@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "banks.json"
    path.write_text(text_of(LINE))
    return path


def write(path: Path, text: str) -> None:
    """Write a file with a different modification time."""
    before = path.stat().st_mtime_ns
    path.write_text(text)
    os.utime(path, ns=(before + 1_000_000, before + 1_000_000))


def test_a_changed_file_is_reread(path: Path):
    directory = FileDirectory(path)
    assert list(directory.lines()) == ["zand"]
    write(path, text_of(LINE, LINE | {"id": "klei"}))
    assert list(directory.lines()) == ["zand", "klei"]


def test_an_unchanged_file_is_not_reread(path: Path):
    directory = FileDirectory(path)
    assert directory.lines() is directory.lines()


def test_an_invalid_file_keeps_the_last_configuration(path: Path, caplog: pytest.LogCaptureFixture):
    directory = FileDirectory(path)
    before = directory.lines()
    write(path, text_of(LINE | {"signing": "fax"}))
    with caplog.at_level(logging.WARNING):
        assert directory.lines() == before
        assert directory.lines() == before
    assert [record.getMessage() for record in caplog.records] == [
        "bank directory: bank zand: signing must be one of redirect, decoupled, embedded, delegated; the last one stays"
    ]
    write(path, text_of(LINE | {"name": "Kleibank"}))
    assert directory.lines()["zand"].name == "Kleibank"


def test_a_deleted_file_keeps_the_last_configuration(path: Path):
    directory = FileDirectory(path)
    before = directory.lines()
    path.unlink()
    assert directory.lines() == before


def test_a_file_that_was_never_valid_is_an_error(tmp_path: Path):
    with pytest.raises(DirectoryError, match="FileNotFoundError"):
        FileDirectory(tmp_path / "none").lines()
    (tmp_path / "wrong").write_text("[1]")
    with pytest.raises(DirectoryError, match="no id"):
        FileDirectory(tmp_path / "wrong").lines()


# --- from a URL ---
def test_it_reads_the_sandboxs_banks(sandbox: Sandbox):
    lines = HttpDirectory(f"{sandbox.url}/banks").lines()
    assert {line.id: line.signing for line in lines.values()} == {
        "redirect": "redirect", "decoupled": "decoupled", "reader": "embedded", "json": "redirect",
        "ponto": "redirect",
    }  # fmt: skip
    assert lines["reader"].base_url == f"{sandbox.url}/bank/reader"
    ponto = lines["ponto"]
    assert (ponto.adapter, ponto.format, ponto.base_url) == ("ponto", "ponto", f"{sandbox.url}/ponto/api")


def test_a_changed_sca_approach_is_seen_after_the_ttl(sandbox: Sandbox):
    kept, fresh = HttpDirectory(f"{sandbox.url}/banks", 600), HttpDirectory(f"{sandbox.url}/banks", 0)
    assert kept.lines() == fresh.lines()
    sandbox.control("PUT", "banks/redirect", {"signing": "delegated"})
    assert kept.lines()["redirect"].signing == "redirect"
    assert fresh.lines()["redirect"].signing == "delegated"


@pytest.mark.parametrize(
    "fails",
    [hangs_up, says(503, [LINE | {"name": "Ander"}]), says(200, b"<html>", "text/html"), says(302, None, Location="/")],
)
def test_a_failing_url_keeps_the_last_configuration(fails: Any):
    with raw_bank(says(200, [LINE]), fails) as server:
        directory = HttpDirectory(server.url, ttl_seconds=0)
        before = directory.lines()
        assert directory.lines() == before
        assert server.connections == 2


def test_a_failing_url_is_not_called_every_time():
    with raw_bank(says(200, [LINE]), hangs_up) as server:
        directory = HttpDirectory(server.url, ttl_seconds=600)
        for _ in range(3):
            directory.lines()
        assert server.connections == 1


def test_a_url_that_never_worked_is_an_error():
    with raw_bank(hangs_up) as server, pytest.raises(DirectoryError, match="OutcomeUnknown"):
        HttpDirectory(server.url).lines()


def test_keys_are_never_accepted_from_a_url():
    with raw_bank(says(200, [LINE | {"private_key": "/etc/passwd", "certificate": "/etc/passwd"}])) as server:
        line = HttpDirectory(server.url).lines()["zand"]
    assert line.private_key is None
    assert line.certificate is None
