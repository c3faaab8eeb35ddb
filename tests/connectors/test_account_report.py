"""Transactions, from the sandbox and from banks that deviate; every exchange is checked against the Berlin Group
OpenAPI.
"""

import json
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from connectors.bank import account_report as bookings
from connectors.bank.berlin_group import MOST_PAGES, BerlinGroupBank
from connectors.bank.directory import HttpDirectory
from connectors.bank.http_signatures import Signer, development_identity
from connectors.bank.port import BankConfig, BankRefused, OutcomeUnknown, Psu, Transaction
from connectors.bank.response_links import UntrustedLink
from core.ids import uuid
from tests.support.bank import DEBTOR, Pay, Tpp, advance, bank_day, consent, pain001
from tests.support.exchanges import Watch
from tests.support.sandbox import Sandbox
from tests.support.tampering_proxy import Meddler

PSU = Psu("192.0.2.10", "Mozilla/5.0")


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return development_identity(tmp_path_factory.mktemp("signer"))


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def ask(sandbox: Sandbox, signer: Signer, watch: Watch) -> Callable[..., list[Transaction]]:
    """Return the transactions of the demo account, from the sandbox or through a proxy."""
    tpp = Tpp(sandbox.url)
    given = consent(tpp)
    found = tpp.get("/accounts", headers={"Consent-ID": given, "PSU-IP-Address": PSU.ip}).json()["accounts"]
    resource = next(row["resourceId"] for row in found if row["iban"] == DEBTOR)
    since = date.fromisoformat(bank_day(sandbox)) - timedelta(days=90)
    bank = BerlinGroupBank(signer, connect_timeout=2, read_timeout=10, observe=watch)

    def asked(at: str = sandbox.url, psu: Psu | None = PSU, days: int = 90, iban: str = DEBTOR) -> list[Transaction]:
        config: BankConfig = HttpDirectory(f"{at}/banks", ttl_seconds=0).configs()["redirect"]
        return bank.transactions(config, given, resource, since + timedelta(days=90 - days), psu, uuid(), iban)

    return asked


def pay(sandbox: Sandbox, lines: int, batch: bool = True, msg_id: str = "REF-1") -> None:
    rows = [Pay(amount=f"{number}.25", end_to_end_id=f"E2E-{number}") for number in range(1, lines + 1)]
    sandbox.control("PUT", "banks/redirect", {"signing": "redirect"})
    Tpp(sandbox.url).placed(pain001(bank_day(sandbox, 1), rows, msg_id=msg_id, batch=batch)).sign()


def test_it_reads_the_history(ask: Callable[..., list[Transaction]]):
    told = ask()
    assert [one.cents for one in told] == [-318_25, -2_150_00, 7_315_40, 12_480_00, -2_150_00]
    assert {(one.booked, one.is_batch, one.batch_count) for one in told} == {(True, False, None)}
    assert (told[0].counterparty_name, told[0].text) == ("Energie Direct Zuid", "Termijn")
    assert all(one.transaction_id and one.booking_date == one.value_date for one in told)


def test_an_answer_about_another_account_is_refused(ask: Callable[..., list[Transaction]]):
    with pytest.raises(OutcomeUnknown, match="another account"):
        ask(iban="NL64TRIO0379501686")


def test_it_reads_from_the_given_date(ask: Callable[..., list[Transaction]]):
    assert [one.cents for one in ask(days=11)] == [-318_25, -2_150_00]


def test_booked_and_pending_are_distinguished(sandbox: Sandbox, ask: Callable[..., list[Transaction]]):
    pay(sandbox, 3)
    expected = [one for one in ask() if not one.booked]
    assert [(one.cents, one.booking_date, one.is_batch, one.batch_count) for one in expected] == [(-675, None, True, 3)]
    advance(sandbox, 5)
    lump = ask()[0]
    assert (lump.booked, lump.cents, lump.is_batch, lump.batch_count) == (True, -675, True, 3)
    assert "REF-1" in lump.text and not lump.counterparty_name


def test_it_reads_all_pages(sandbox: Sandbox, watch: Watch, ask: Callable[..., list[Transaction]]):
    pay(sandbox, 120, batch=False)
    advance(sandbox, 5)
    told = ask()
    assert {one.end_to_end_id for one in told if one.end_to_end_id} == {f"E2E-{n}" for n in range(1, 121)}
    assert (len(told), len({one.transaction_id for one in told})) == (125, 125)
    assert len(watch.seen) == 3
    assert len({request.headers["X-Request-ID"] for request, _ in watch.seen}) == 3
    assert all("Signature" in request.headers and "Digest" in request.headers for request, _ in watch.seen)


def test_further_pages_do_not_count_as_access(sandbox: Sandbox, ask: Callable[..., list[Transaction]]):
    pay(sandbox, 120, batch=False)
    advance(sandbox, 5)
    for _ in range(4):
        assert len(ask(psu=None)) == 125
    with pytest.raises(BankRefused) as refused:
        ask(psu=None)
    assert (refused.value.http_status, refused.value.code) == (429, "ACCESS_EXCEEDED")
    assert len(ask()) == 125  # with the customer present


@pytest.fixture
def other_bank(between: Meddler, watch: Watch) -> Meddler:
    """A bank that violates the standard: it does not return the X-Request-ID either."""
    watch.checked = False
    return between


def with_next(href: str) -> Callable[[bytes], bytes]:
    def changed(body: bytes) -> bytes:
        found = json.loads(body)
        found["transactions"]["_links"]["next"] = {"href": href}
        return json.dumps(found).encode()

    return changed


@pytest.mark.parametrize("href", ["https://elsewhere.example/v1/x", "//elsewhere.example/v1/x", "http://127.0.0.1:9/v1/x"])
def test_a_next_link_to_another_host_is_not_followed(
    other_bank: Meddler, ask: Callable[..., list[Transaction]], href: str
):
    other_bank.changes["/transactions"] = with_next(href)
    with pytest.raises(UntrustedLink):
        ask(other_bank.url)
    assert other_bank.count("/transactions") == 1


def leading_to(href: str) -> bytes:
    """Return an empty page with a link to the next one."""
    links = {"account": {"href": "/v1/accounts/x"}, "next": {"href": href}}
    return json.dumps({"transactions": {"booked": [], "_links": links}}).encode()


def test_repeating_pages_are_refused(other_bank: Meddler, ask: Callable[..., list[Transaction]]):
    other_bank.changes["/transactions"] = lambda body: leading_to("/v1/accounts/x/transactions?bookingStatus=both")
    other_bank.statuses["/transactions"] = 200
    with pytest.raises(OutcomeUnknown, match="no end"):
        ask(other_bank.url)
    assert other_bank.count("/transactions") == 2


def test_endless_pages_are_refused(other_bank: Meddler, ask: Callable[..., list[Transaction]]):
    numbers = iter(range(10_000))
    other_bank.changes["/transactions"] = lambda body: leading_to(f"/v1/accounts/x/transactions?to={next(numbers)}")
    other_bank.statuses["/transactions"] = 200
    with pytest.raises(OutcomeUnknown, match="no end"):
        ask(other_bank.url)
    assert other_bank.count("/transactions") == MOST_PAGES


# --- invalid answers ---
GOOD = {
    "transactionId": "1", "bookingDate": "2026-11-26", "transactionAmount": {"currency": "EUR", "amount": "-10.00"},
}  # fmt: skip


def report(**changes) -> dict:
    row = {name: value for name, value in (GOOD | changes).items() if value is not None}
    return {"transactions": {"booked": [row], "_links": {"account": {"href": "/v1/accounts/x"}}}}


@pytest.mark.parametrize(
    "changes",
    [
        {"bookingDate": None}, {"bookingDate": "26-11-2026"}, {"bookingDate": 20261126}, {"valueDate": "soon"},
        {"transactionAmount": None}, {"transactionAmount": "10.00"},
        {"transactionAmount": {"currency": "USD", "amount": "10.00"}},
        {"transactionAmount": {"currency": "EUR", "amount": 10.0}},
        {"transactionAmount": {"currency": "EUR", "amount": "10.001"}},
        {"transactionAmount": {"currency": "EUR", "amount": "1e3"}},
        {"transactionAmount": {"currency": "EUR", "amount": "--1"}},
        {"transactionId": 5}, {"endToEndId": ["x"]}, {"creditorName": {"name": "x"}},
        {"batchIndicator": "true"}, {"batchIndicator": True, "batchNumberOfTransactions": "3"},
        {"batchIndicator": True, "batchNumberOfTransactions": 0},
        {"batchIndicator": True, "batchNumberOfTransactions": True},
        {"remittanceInformationUnstructuredArray": "text"},
    ],
    ids=lambda changes: json.dumps(changes)[:60],
)  # fmt: skip
def test_an_invalid_value_makes_the_outcome_unknown(changes: dict):
    assert len(bookings.page(report())[0]) == 1
    with pytest.raises(OutcomeUnknown):
        bookings.page(report(**changes))


@pytest.mark.parametrize(
    "found", [{}, {"transactions": []}, {"transactions": {"booked": {}}}, {"transactions": {"booked": [1]}},
              {"transactions": {"booked": [], "_links": []}},
              {"transactions": {"booked": [], "_links": {"next": "/v1"}}}],
)  # fmt: skip
def test_an_invalid_report_is_refused(found: dict):
    with pytest.raises(OutcomeUnknown):
        bookings.page(found)


def test_an_html_page_is_an_unknown_outcome(other_bank: Meddler, ask: Callable[..., list[Transaction]]):
    other_bank.changes["/transactions"] = lambda body: b"<html>busy</html>"
    with pytest.raises(OutcomeUnknown):
        ask(other_bank.url)


@pytest.mark.parametrize("none", ["NOTPROVIDED", "NOTPROVIDED  ", "0", "0000", "NONREF"])
def test_a_placeholder_is_no_reference(none: str):
    (one,), _ = bookings.page(report(endToEndId=none, transactionId=none, entryReference=none))
    assert (one.end_to_end_id, one.transaction_id, one.entry_reference) == ("", "", "")


def test_display_only_fields_may_be_odd():
    """A counterparty without IBAN, remittance information on several lines, and NOTPROVIDED."""
    (one,), _ = bookings.page(
        report(
            creditorAccount={"bban": "123"}, creditorName="Jansen\u0000\n  BV", endToEndId="NOTPROVIDED",
            remittanceInformationUnstructuredArray=["Salaris", "november"], additionalInformation="/PREF/A-1",
        )
    )  # fmt: skip
    assert (one.counterparty_iban, one.counterparty_name, one.end_to_end_id) == ("", "Jansen BV", "")
    assert (one.text, one.cents) == ("Salaris november /PREF/A-1", -1000)
    assert "Jansen" not in repr(one) and "Salaris" not in repr(one)
