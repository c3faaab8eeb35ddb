"""The control API: faults, the banks' day, reset, and persistence."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest
import requests

from sandbox.store import Store
from tests.support.sandbox import Sandbox, sandbox_process


def test_it_is_healthy(sandbox: Sandbox):
    assert sandbox.get("/healthz").json() == {"status": "ok"}


def test_the_front_page_links_to_every_part(sandbox: Sandbox):
    page = sandbox.get("/").text
    for address in ("/nmbrs/", "/mail/", "/banks", "http://localhost:8000"):
        assert f'href="{address}"' in page


def test_faults_are_off_by_default_and_can_be_switched(sandbox: Sandbox):
    assert not any(sandbox.control("GET", "faults").values())
    sandbox.fault(nmbrs_9999=True)
    on = [name for name, state in sandbox.control("GET", "faults").items() if state]
    assert on == ["nmbrs_9999"]


def test_an_unknown_fault_is_named_and_nothing_is_set(sandbox: Sandbox):
    answer = sandbox.post("/control/faults", json={"nmbrs_9999": True, "no_such_fault": True})
    assert answer.status_code == 400
    assert "no_such_fault" in answer.json()["error"]
    assert sandbox.control("GET", "faults")["nmbrs_9999"] is False


@pytest.mark.parametrize("body", ["[]", "{", '{"nmbrs_9999": "yes"}', "rubbish"])
def test_invalid_faults_are_refused(sandbox: Sandbox, body: str):
    assert sandbox.post("/control/faults", data=body).status_code == 400
    assert sandbox.control("GET", "faults")["nmbrs_9999"] is False


def test_a_fault_can_be_switched_on_the_front_page(sandbox: Sandbox):
    page = sandbox.post("/storingen", data={"nmbrs_disabled": "on"})
    assert page.ok
    assert sandbox.control("GET", "faults")["nmbrs_disabled"] is True
    sandbox.post("/storingen", data={})
    assert sandbox.control("GET", "faults")["nmbrs_disabled"] is False


def test_the_bank_day_advances_and_is_reset(sandbox: Sandbox):
    today = date.fromisoformat(sandbox.control("GET", "clock")["bank_day"])
    answer = sandbox.control("POST", "clock", {"advance_days": 3})
    assert answer == {"bank_day": (today + timedelta(days=3)).isoformat()}
    sandbox.post("/volgende-bankdag")
    assert sandbox.control("GET", "clock") == {"bank_day": (today + timedelta(days=4)).isoformat()}
    sandbox.reset()
    assert sandbox.control("GET", "clock") == {"bank_day": today.isoformat()}


@pytest.mark.parametrize("days", [-1, 400, "two", None, True, 1.5])
def test_an_invalid_advance_is_refused(sandbox: Sandbox, days: object):
    before = sandbox.control("GET", "clock")
    assert sandbox.post("/control/clock", json={"advance_days": days}).status_code == 400
    assert sandbox.control("GET", "clock") == before


def test_reset_forgets_runs_mails_and_faults(sandbox: Sandbox):
    first = sandbox.run_payroll()
    sandbox.fault(nmbrs_hang=True)
    sandbox.reset()
    assert sandbox.run_payroll() == first
    assert sandbox.control("GET", "faults")["nmbrs_hang"] is False


def test_state_survives_a_restart(tmp_path: Path):
    with sandbox_process(tmp_path / "home") as before:
        before.run_payroll()
        before.fault(nmbrs_throttle=True)
        before.control("POST", "clock", {"advance_days": 2})
        day = before.control("GET", "clock")
    with sandbox_process(tmp_path / "home") as after:
        assert after.run_payroll()["number"] == 2
        assert after.control("GET", "faults")["nmbrs_throttle"] is True
        assert after.control("GET", "clock") == day


def test_it_serves_fifty_clients_at_once(sandbox: Sandbox):
    def ask(_: int) -> int:
        with requests.Session() as session:
            return sum(session.get(f"{sandbox.url}/nmbrs/", timeout=20).ok for _ in range(4))

    with ThreadPoolExecutor(50) as clients:
        assert sum(clients.map(ask, range(50))) == 200


# --- the store ---
def test_the_store_keeps_insertion_order(tmp_path: Path):
    store = Store(tmp_path / "store.sqlite3")
    for name in ("b", "a", "c"):
        store.put("letter", name, {"name": name})
    store.put("letter", "a", {"name": "A"})
    assert [doc["name"] for doc in store.all("letter")] == ["b", "A", "c"]
    assert store.delete("letter", "b") is True
    assert store.delete("letter", "b") is False
    assert store.get("letter", "b", "gone") == "gone"


def test_the_store_is_thread_safe(tmp_path: Path):
    store = Store(tmp_path / "store.sqlite3")

    def add(_: int) -> int:
        store.update("sum", "it", lambda doc: {"value": (doc or {"value": 0})["value"] + 1})
        return store.next_number("ticket")

    with ThreadPoolExecutor(8) as threads:
        tickets = list(threads.map(add, range(400)))
    assert store.get("sum", "it") == {"value": 400}
    assert sorted(tickets) == list(range(1, 401))


def test_an_update_that_returns_none_changes_nothing(tmp_path: Path):
    store = Store(tmp_path / "store.sqlite3")
    store.put("sum", "it", {"value": 1})
    assert store.update("sum", "it", lambda doc: None) == {"value": 1}
    assert store.update("sum", "new", lambda doc: None) is None


def test_a_failed_transaction_is_rolled_back(tmp_path: Path):
    store = Store(tmp_path / "store.sqlite3")
    store.put("a", 1, {})
    with pytest.raises(ZeroDivisionError), store.as_one():
        store.clear()
        store.put("b", 1, {"value": 1 // 0})
    assert (store.all("a"), store.all("b")) == ([{}], [])


def test_a_reset_is_atomic(sandbox: Sandbox):
    def ask(_: int) -> bool:
        return "Demo BV" in sandbox.get("/nmbrs/").text

    with ThreadPoolExecutor(8) as askers:
        seen = askers.map(ask, range(80))
        for _ in range(10):
            sandbox.reset()
        assert all(seen)


def test_clearing_one_kind_leaves_the_others(tmp_path: Path):
    store = Store(tmp_path / "store.sqlite3")
    store.put("a", 1, {})
    store.put("b", 1, {})
    store.clear("a")
    assert (store.all("a"), store.all("b")) == ([], [{}])
    store.clear()
    assert store.all("b") == []
