"""How the adapter interprets answers about consents, accounts and balances."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine

from connectors.bank.port import Account, OutcomeUnknown
from core.clock import amsterdam_midnight
from tests.support.bank_responses import BACK, ID, NOK, PSU, SCA, adapter, line_of, proper
from tests.support.exchanges import Watch
from tests.support.raw_socket_bank import raw_bank, says


def consent_of(said: Any) -> Any:
    with raw_bank(says(200, said)) as bank:
        return adapter().consent(line_of(bank), "a/b", ID)


def test_the_consent_end_date_comes_from_the_bank():
    found = consent_of({"consentStatus": "valid", "validUntil": "2027-05-22"})
    assert (found.status, found.valid_until) == ("valid", date(2027, 5, 22))
    assert consent_of({"consentStatus": "expired"}).valid_until is None


@pytest.mark.parametrize(
    "said", [{}, {"consentStatus": "fine"}, {"consentStatus": "valid", "validUntil": "morgen"}], ids=str
)
def test_an_invalid_consent_is_refused(said: Any):
    with pytest.raises(OutcomeUnknown):
        consent_of(said)


CONSENT = {"consentStatus": "received", "consentId": "1234-wertiq-983"}


def test_a_consent_may_need_a_separate_authorisation():
    start = CONSENT | {"_links": {"startAuthorisation": {"href": "/v1/consents/1234-wertiq-983/authorisations"}}}

    def page(connection: Any, request: Any) -> None:
        found = SCA | {"_links": {"scaRedirect": {"href": f"http://{request.headers['host']}/toestaan/1"}}}
        proper(201, found)(connection, request)

    with raw_bank(proper(201, start), page) as bank:
        begun = adapter(Watch()).start_consent(line_of(bank, "decoupled"), PSU, BACK, NOK, ID)
        assert (begun.consent_id, begun.redirect_url) == ("1234-wertiq-983", f"{bank.url}/toestaan/1")
    first, second = bank.requests
    assert first.headers["x-request-id"] == ID != second.headers["x-request-id"]
    assert first.headers["tpp-redirect-preferred"] == "true"  # a consent always uses a page
    assert json.loads(first.body)["validUntil"] == "9999-12-31"
    assert second.target == "/psd2/v1/consents/1234-wertiq-983/authorisations"


@pytest.mark.parametrize("links", [{}, {"self": {"href": "/v1/x"}}], ids=str)
def test_a_consent_without_redirect_is_refused(links: Any):
    with (
        raw_bank(says(201, CONSENT | {"_links": links})) as bank,
        pytest.raises(OutcomeUnknown, match="without a redirect"),
    ):
        adapter().start_consent(line_of(bank), PSU, BACK, NOK, ID)


ACCOUNT = {"resourceId": "3dc3d5b3", "iban": "NL95INGB0004921836", "currency": "EUR"}


def accounts_of(*rows: Any) -> list[Account]:
    with raw_bank(says(200, {"accounts": list(rows)})) as bank:
        return adapter().accounts(line_of(bank), "1", PSU, ID)


def test_accounts_are_read():
    rows = [
        ACCOUNT | {"name": "Zakelijk", "ownerName": "Demo BV", "product": "p"},
        ACCOUNT | {"product": "Betaalrekening", "currency": "XXX"},
        {"resourceId": "card", "maskedPan": "1234xxxx", "currency": "EUR"},
    ]
    assert accounts_of(*rows) == [
        Account("3dc3d5b3", "NL95INGB0004921836", "Zakelijk", "Demo BV", "EUR"),
        Account("3dc3d5b3", "NL95INGB0004921836", "Betaalrekening", None, "XXX"),
    ]
    assert accounts_of() == []


STRANGE_ACCOUNTS = [
    "x",
    ACCOUNT | {"iban": "NL95INGB0004921837"},
    ACCOUNT | {"resourceId": ""},
    ACCOUNT | {"currency": None},
]


@pytest.mark.parametrize("row", STRANGE_ACCOUNTS, ids=range(len(STRANGE_ACCOUNTS)))
def test_an_invalid_account_is_refused(row: Any):
    with pytest.raises(OutcomeUnknown):
        accounts_of(row)


@pytest.mark.parametrize("said", [{}, {"accounts": None}, {"accounts": {}}], ids=str)
def test_a_missing_account_list_is_not_an_empty_one(said: Any):
    with raw_bank(says(200, said)) as bank, pytest.raises(OutcomeUnknown):
        adapter().accounts(line_of(bank), "1", PSU, ID)


def row(kind: str, amount: Any = "1.00", currency: str = "EUR", **more: Any) -> dict[str, Any]:
    return {"balanceType": kind, "balanceAmount": {"currency": currency, "amount": amount}} | more


def balance_of(*rows: Any) -> Any:
    with raw_bank(says(200, {"balances": list(rows)})) as bank:
        return adapter().balance(line_of(bank), "1", "3dc3d5b3", PSU, ID)


AMOUNTS = [("84210.55", 8421055), ("-1.50", -150), ("5768.2", 576820), ("1056", 105600), ("0.00", 0), ("-0.01", -1)]


@pytest.mark.parametrize(("text", "value"), AMOUNTS)
def test_a_balance_is_read_to_the_cent(text: str, value: int):
    assert balance_of(row("interimAvailable", text)).cents == value


@pytest.mark.parametrize("text", ["1,00", "1.001", "1e3", "--1", "+1", "", " 1", "NaN", None, 5, 84210.55])
def test_an_invalid_balance_is_refused(text: Any):
    with pytest.raises(OutcomeUnknown):
        balance_of(row("interimAvailable", text))


KINDS = ("interimAvailable", "forwardAvailable", "expected", "interimBooked", "closingBooked", "openingBooked")


@pytest.mark.parametrize("best", range(len(KINDS)))
def test_the_available_balance_is_preferred(best: int):
    rows = [row(kind, f"{number}.00") for number, kind in enumerate(KINDS) if number >= best]
    found = balance_of(*reversed(rows))
    assert (found.kind, found.cents) == (KINDS[best], best * 100)


def test_a_balance_in_another_currency_is_ignored():
    assert balance_of(row("interimAvailable", currency="USD"), row("closingBooked", "2.00")).kind == "closingBooked"
    assert balance_of(row("interimAvailable", currency="USD")) is None
    assert balance_of(row("nonInvoiced")) is None
    assert balance_of() is None


NOW = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
AS_OF = [
    (row("interimAvailable", lastChangeDateTime="2026-11-20T10:00:00Z", referenceDate="2026-11-20"), NOW),
    (row("closingBooked", referenceDate="2026-11-20"), amsterdam_midnight(date(2026, 11, 21))),
    (row("openingBooked", referenceDate="2026-11-23"), amsterdam_midnight(date(2026, 11, 23))),
    (row("closingBooked", referenceDate="2026-11-23"), NOW),
    (row("closingBooked"), NOW),
]


@pytest.mark.parametrize(("found", "at"), AS_OF, ids=range(len(AS_OF)))
def test_the_moment_of_a_balance(found: dict[str, Any], at: datetime):
    """A booking of three days ago does not date the available balance; a balance closed on Friday is of Friday."""
    with time_machine.travel(NOW, tick=True):
        assert timedelta() <= balance_of(found).at - at < timedelta(seconds=30)
