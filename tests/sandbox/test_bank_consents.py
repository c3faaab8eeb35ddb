"""Consents: requested, granted on the bank's page, used and ended."""

import pytest
import requests

from tests.support.bank import (
    BACK,
    DEBTOR,
    EXPLICIT,
    FROM_BROWSER,
    NOK,
    WITH_PSU,
    Tpp,
    advance,
    bank_day,
    consent,
    consent_request,
    pain001,
    press,
    refusal,
)
from tests.support.sandbox import Sandbox

SECOND = "NL64TRIO0379501686"


@pytest.fixture
def tpp(sandbox: Sandbox) -> Tpp:
    return Tpp(sandbox.url)


def using(consent_id: str, psu: bool = True) -> dict[str, str]:
    return {"Consent-ID": consent_id} | (WITH_PSU if psu else {})


def asked(tpp: Tpp, **changes) -> dict:
    return tpp.post("/consents", consent_request(**changes), headers=FROM_BROWSER).json()


# --- requesting and granting ---
@pytest.mark.parametrize("bank", ["redirect", "decoupled", "reader"])
def test_each_bank_has_a_consent_page(sandbox: Sandbox, bank: str):
    tpp = Tpp(sandbox.url, bank)
    said = asked(tpp)
    assert said["consentStatus"] == "received"
    page = requests.get(said["_links"]["scaRedirect"]["href"], timeout=10).text
    for account in sandbox.control("GET", f"banks/{bank}")["accounts"]:
        assert f'value="{account["iban"]}" checked' in page
    assert "Toestaan" in page and "Weigeren" in page


def test_consent_redirects_and_lasts_180_days_at_most(sandbox: Sandbox, tpp: Tpp):
    said = asked(tpp)
    given = press(said["_links"]["scaRedirect"]["href"], "toestaan", rekening=[DEBTOR, SECOND])
    assert (given.status_code, given.headers["Location"]) == (303, BACK)
    told = tpp.get(f"/consents/{said['consentId']}").json()
    assert told["consentStatus"] == "valid"
    assert told["validUntil"] == bank_day(sandbox, 180)
    assert {one["iban"] for one in told["access"]["accounts"]} == {DEBTOR, SECOND}


def test_a_shorter_consent_keeps_its_end_date(sandbox: Sandbox, tpp: Tpp):
    until = bank_day(sandbox, 30)
    told = tpp.get(f"/consents/{consent(tpp, validUntil=until)}").json()
    assert told["validUntil"] == until


def test_only_the_chosen_accounts_are_seen(tpp: Tpp):
    rows = tpp.get("/accounts", headers=using(consent(tpp, [SECOND]))).json()["accounts"]
    assert [row["iban"] for row in rows] == [SECOND]


def test_only_requested_accounts_are_offered(sandbox: Sandbox, tpp: Tpp):
    said = asked(tpp, access={"accounts": [{"iban": DEBTOR}], "balances": [{"iban": DEBTOR}]})
    page = said["_links"]["scaRedirect"]["href"]
    assert SECOND not in requests.get(page, timeout=10).text
    press(page, "toestaan", rekening=[DEBTOR, SECOND])
    told = tpp.get("/accounts", headers=using(said["consentId"])).json()["accounts"]
    assert [row["iban"] for row in told] == [DEBTOR]


def test_refusing_redirects_to_the_nok_uri(tpp: Tpp):
    said = asked(tpp)
    refused = press(said["_links"]["scaRedirect"]["href"], "weigeren")
    assert refused.headers["Location"] == NOK
    assert tpp.get(f"/consents/{said['consentId']}/status").json() == {"consentStatus": "rejected"}
    assert refusal(tpp.get("/accounts", headers=using(said["consentId"]))) == (401, "CONSENT_INVALID")


def test_allowing_no_account_shows_an_error(tpp: Tpp):
    said = asked(tpp)
    page = said["_links"]["scaRedirect"]["href"]
    assert press(page, "toestaan").headers["Location"].endswith(page.partition("/bank/")[2])
    assert tpp.get(f"/consents/{said['consentId']}/status").json() == {"consentStatus": "received"}


def test_a_consent_is_decided_once(tpp: Tpp):
    said = asked(tpp)
    page = said["_links"]["scaRedirect"]["href"]
    press(page, "toestaan", rekening=[DEBTOR])
    press(page, "weigeren")
    assert tpp.get(f"/consents/{said['consentId']}/status").json() == {"consentStatus": "valid"}
    assert "al beslist" in requests.get(page, timeout=10).text


def test_a_consent_may_have_an_explicit_authorisation(tpp: Tpp):
    said = tpp.post("/consents", consent_request(), headers=EXPLICIT).json()
    started = tpp.post(said["_links"]["startAuthorisation"]["href"], headers=FROM_BROWSER).json()
    link = started["_links"]["scaStatus"]["href"]
    assert tpp.get(link).json() == {"scaStatus": "received"}
    press(started["_links"]["scaRedirect"]["href"], "toestaan", rekening=[DEBTOR])
    assert tpp.get(link).json() == {"scaStatus": "finalised"}
    assert tpp.get(f"/consents/{said['consentId']}/status").json() == {"consentStatus": "valid"}
    listed = tpp.get(f"/consents/{said['consentId']}/authorisations").json()
    assert listed == {"authorisationIds": [started["authorisationId"]]}


WRONG = [
    {"validUntil": "morgen"}, {"frequencyPerDay": 0}, {"frequencyPerDay": True}, {"recurringIndicator": "true"},
    {"access": {}}, {"access": []}, {"combinedServiceIndicator": None},
]  # fmt: skip


@pytest.mark.parametrize("changes", WRONG, ids=str)
def test_an_invalid_consent_request_is_refused(sandbox: Sandbox, changes: dict):
    answer = Tpp(sandbox.url, checked=False).post("/consents", consent_request(**changes), headers=FROM_BROWSER)
    assert refusal(answer) == (400, "FORMAT_ERROR")


def test_a_consent_until_yesterday_is_refused(sandbox: Sandbox, tpp: Tpp):
    yesterday = bank_day(sandbox, -1)
    answer = tpp.post("/consents", consent_request(validUntil=yesterday), headers=FROM_BROWSER)
    assert refusal(answer) == (400, "PERIOD_INVALID")


# --- using ---
def test_accounts_have_an_owner_name(tpp: Tpp):
    given = consent(tpp)
    rows = {row["iban"]: row for row in tpp.get("/accounts", headers=using(given)).json()["accounts"]}
    assert (rows[DEBTOR]["ownerName"], rows[DEBTOR]["name"]) == ("Demo BV", "Zakelijke rekening")
    assert (rows[SECOND]["ownerName"], rows[SECOND]["name"]) == ("Demo BV", "Zaken Doen")
    assert "balances" not in rows[DEBTOR]


def test_balances_have_a_time(tpp: Tpp):
    given = consent(tpp)
    rows = tpp.get("/accounts", headers=using(given), params={"withBalance": "true"}).json()["accounts"]
    account = next(row for row in rows if row["iban"] == DEBTOR)
    told = tpp.get(account["_links"]["balances"]["href"], headers=using(given)).json()["balances"]
    assert {one["balanceType"] for one in told} == {"interimBooked", "interimAvailable"}
    for balance in (*told, *account["balances"]):
        assert balance["balanceAmount"] == {"currency": "EUR", "amount": "84210.55"}
        assert balance["lastChangeDateTime"] and balance["referenceDate"]
    one = tpp.get(f"/accounts/{account['resourceId']}", headers=using(given)).json()["account"]
    assert one["iban"] == DEBTOR


def test_the_owner_name_can_be_absent(sandbox: Sandbox, tpp: Tpp):
    given = consent(tpp)
    sandbox.fault(bank_no_owner_name=True)
    assert all("ownerName" not in row for row in tpp.get("/accounts", headers=using(given)).json()["accounts"])


def test_transactions_are_newest_first_within_the_dates(sandbox: Sandbox, tpp: Tpp):
    given = consent(tpp, [DEBTOR])
    (account,) = tpp.get("/accounts", headers=using(given)).json()["accounts"]
    link = account["_links"]["transactions"]["href"]
    rows = tpp.get(link, headers=using(given), params={"bookingStatus": "both"}).json()["transactions"]
    days = [row["bookingDate"] for row in rows["booked"]]
    assert len(days) > 3 and days == sorted(days, reverse=True) and rows["pending"] == []
    since = bank_day(sandbox, -13)
    until = bank_day(sandbox, -5)
    params = {"bookingStatus": "booked", "dateFrom": since, "dateTo": until}
    found = tpp.get(link, headers=using(given), params=params).json()["transactions"]["booked"]
    assert [row["bookingDate"] for row in found] == [day for day in days if since <= day <= until] != []
    debit = next(row for row in rows["booked"] if row["transactionAmount"]["amount"].startswith("-"))
    credit = next(row for row in rows["booked"] if not row["transactionAmount"]["amount"].startswith("-"))
    assert debit["creditorName"] and credit["debtorName"]


@pytest.mark.parametrize(
    "params",
    [{}, {"bookingStatus": "x"}, {"bookingStatus": "information"}, {"bookingStatus": "booked", "dateFrom": "x"}],
)
def test_transaction_parameters_are_validated(sandbox: Sandbox, params: dict):
    tpp = Tpp(sandbox.url, checked=False)
    given = consent(tpp, [DEBTOR])
    (account,) = tpp.get("/accounts", headers=using(given)).json()["accounts"]
    answer = tpp.get(f"/accounts/{account['resourceId']}/transactions", headers=using(given), params=params)
    assert answer.status_code == 400


def test_an_account_outside_the_consent_does_not_exist(tpp: Tpp):
    (other,) = tpp.get("/accounts", headers=using(consent(tpp, [SECOND]))).json()["accounts"]
    answer = tpp.get(f"/accounts/{other['resourceId']}/balances", headers=using(consent(tpp, [DEBTOR])))
    assert refusal(answer) == (404, "RESOURCE_UNKNOWN")


def test_a_right_that_was_not_requested_is_refused(tpp: Tpp):
    given = consent(tpp, [DEBTOR], access={"accounts": [], "balances": []})
    (account,) = tpp.get("/accounts", headers=using(given)).json()["accounts"]
    assert set(account["_links"]) == {"balances"}
    params = {"bookingStatus": "booked"}
    answer = tpp.get(f"/accounts/{account['resourceId']}/transactions", headers=using(given), params=params)
    assert refusal(answer) == (401, "CONSENT_INVALID")


def test_without_psu_there_are_four_accesses_a_day(sandbox: Sandbox, tpp: Tpp):
    given = consent(tpp, [DEBTOR])
    (account,) = tpp.get("/accounts", headers=using(given)).json()["accounts"]
    link = account["_links"]["balances"]["href"]
    answers = [tpp.get(link, headers=using(given, psu=False)) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429]
    assert refusal(answers[-1]) == (429, "ACCESS_EXCEEDED")
    assert tpp.get(link, headers=using(given)).status_code == 200
    advance(sandbox, 1)
    assert tpp.get(link, headers=using(given, psu=False)).status_code == 200


# --- ending ---
def test_a_consent_is_needed(sandbox: Sandbox, tpp: Tpp):
    assert refusal(Tpp(sandbox.url, checked=False).get("/accounts")) == (400, "FORMAT_ERROR")
    assert refusal(tpp.get("/accounts", headers=using("unknown"))) == (400, "CONSENT_UNKNOWN")
    elsewhere = consent(Tpp(sandbox.url, "reader"))
    assert refusal(tpp.get("/accounts", headers=using(elsewhere))) == (400, "CONSENT_UNKNOWN")


def test_a_consent_expires(sandbox: Sandbox, tpp: Tpp):
    given = consent(tpp, validUntil=bank_day(sandbox, 2))
    advance(sandbox, 2)
    assert tpp.get("/accounts", headers=using(given)).status_code == 200
    advance(sandbox, 1)
    assert refusal(tpp.get("/accounts", headers=using(given))) == (401, "CONSENT_EXPIRED")
    assert tpp.get(f"/consents/{given}/status").json() == {"consentStatus": "expired"}


def test_a_consent_is_ended_by_tpp_or_psu(sandbox: Sandbox, tpp: Tpp):
    mine, theirs = consent(tpp), consent(tpp)
    assert tpp.delete(f"/consents/{mine}").status_code == 204
    sandbox.post(f"/bank/redirect/toestemmingen/{theirs}/intrekken")
    states = [tpp.get(f"/consents/{one}/status").json()["consentStatus"] for one in (mine, theirs)]
    assert states == ["terminatedByTpp", "revokedByPsu"]
    assert refusal(tpp.get("/accounts", headers=using(mine))) == (401, "CONSENT_INVALID")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("bank_forgets_consent", (400, "CONSENT_UNKNOWN")),
        ("bank_consent_expired", (401, "CONSENT_EXPIRED")),
        ("bank_access_exceeded", (429, "ACCESS_EXCEEDED")),
    ],
)
def test_a_consent_may_fail(sandbox: Sandbox, tpp: Tpp, fault: str, expected: tuple):
    given = consent(tpp)
    sandbox.fault(**{fault: True})
    assert refusal(tpp.get("/accounts", headers=using(given))) == expected


def test_only_balances_can_be_down(sandbox: Sandbox, tpp: Tpp):
    given = consent(tpp, [DEBTOR])
    sandbox.fault(bank_balance_down=True)
    (account,) = tpp.get("/accounts", headers=using(given)).json()["accounts"]
    assert tpp.get(account["_links"]["balances"]["href"], headers=using(given)).status_code == 503


def test_an_order_needs_no_consent(sandbox: Sandbox, tpp: Tpp):
    assert tpp.place(pain001(bank_day(sandbox))).status_code == 201


# --- bank directory and control ---
def test_the_app_can_read_the_bank_directory(sandbox: Sandbox):
    lines = sandbox.get("/banks").json()
    assert [(line["id"], line["signing"]) for line in lines] == [
        ("redirect", "redirect"), ("decoupled", "decoupled"), ("reader", "embedded"), ("json", "redirect"),
        ("ponto", "redirect"),
    ]  # fmt: skip
    host = sandbox.url.removeprefix("http://")
    assert lines[0] == {
        "id": "redirect", "name": "Zandbank", "base_url": f"{sandbox.url}/bank/redirect",
        "product": "pain.001-sepa-credit-transfers", "signing": "redirect", "redirect_hosts": [host],
        "cut_off": "15:30", "honours_request_id": True, "vop": False, "notifies": False,
        "format": "pain.001.001.09", "knows_salary": False,
    }  # fmt: skip


def test_a_bank_is_changed_by_control(sandbox: Sandbox):
    accounts = [{"iban": "NL24 RABO 0318 2640 92", "name": "Nieuw", "balance": 12.34}]
    put = sandbox.control("PUT", "banks/reader", {"accounts": accounts, "signing": "decoupled"})
    assert put["signing"] == "decoupled"
    assert put["accounts"] == [{"iban": "NL24RABO0318264092", "name": "Nieuw", "owner": "Demo BV", "balance": "12.34"}]
    assert sandbox.control("GET", "banks/reader") == put
    assert put in sandbox.control("GET", "banks")
    sandbox.reset()
    assert sandbox.control("GET", "banks/reader")["signing"] == "embedded"


@pytest.mark.parametrize(
    "body",
    [
        {"signing": "fax"}, {"unknown": 1}, {"accounts": {}}, {"accounts": [{}]}, {"honours_request_id": "yes"},
        {"accounts": [{"iban": "NL00", "name": "x", "balance": 1}]}, {"name": 1},
        {"accounts": [{"iban": DEBTOR, "name": "x", "balance": "1.234"}]},
        {"accounts": [{"iban": DEBTOR, "name": "x", "balance": "veel"}]},
        {"accounts": [{"iban": DEBTOR, "name": "x", "balance": 1}] * 2},
    ],
    ids=str,
)  # fmt: skip
def test_invalid_control_of_a_bank_is_refused(sandbox: Sandbox, body: dict):
    before = sandbox.control("GET", "banks/redirect")
    answer = requests.put(f"{sandbox.url}/control/banks/redirect", json=body, timeout=10)
    assert (answer.status_code, "error" in answer.json()) == (400, True)
    assert sandbox.control("GET", "banks/redirect") == before
    assert requests.put(f"{sandbox.url}/control/banks/geen", json={}, timeout=10).status_code == 404


@pytest.mark.parametrize("path", ["", "app", "reader", "reader?uitdaging=12"])
@pytest.mark.parametrize("bank", ["redirect", "decoupled", "reader"])
def test_the_pages_of_the_bank_open(sandbox: Sandbox, bank: str, path: str):
    page = sandbox.get(f"/bank/{bank}/{path}")
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    assert sandbox.get(f"/bank/geen/{path}").status_code == 404


def test_the_overview_shows_accounts_orders_and_consents(sandbox: Sandbox, tpp: Tpp):
    consent(tpp, [DEBTOR])
    tpp.placed(pain001(bank_day(sandbox), msg_id="SEEN")).sign()
    page = sandbox.get("/bank/redirect/").text
    for shown in ("84.210,55", "SEEN", "ACSP", "Vastgoed Zuidplas", "Intrekken"):
        assert shown in page
