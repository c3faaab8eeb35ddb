"""SCA of an order: on the bank's page, in its app, with its card reader, or delegated."""

import re
from datetime import date

import pytest
import requests

from tests.support.bank import (
    BACK,
    EXPLICIT,
    FROM_BROWSER,
    JSON,
    NOK,
    WITH_PSU,
    Order,
    Pay,
    Tpp,
    advance,
    bank_day,
    bulk,
    pain001,
    press,
    refusal,
)
from tests.support.sandbox import Sandbox

APP_IBAN, READER_IBAN = "NL93KNAB0412875530", "NL50RABO0374628190"


@pytest.fixture
def order(sandbox: Sandbox) -> Order:
    """An unsigned order at the redirect bank."""
    return Tpp(sandbox.url).placed(pain001(bank_day(sandbox), [Pay(), Pay(amount="11.92", end_to_end_id="B")], "REF-1"))


@pytest.fixture
def app_order(sandbox: Sandbox) -> Order:
    return Tpp(sandbox.url, "decoupled").placed(pain001(bank_day(sandbox), debtor=APP_IBAN), EXPLICIT)


@pytest.fixture
def reader_order(sandbox: Sandbox) -> Order:
    return Tpp(sandbox.url, "reader").placed(pain001(bank_day(sandbox), debtor=READER_IBAN), WITH_PSU)


# --- redirect ---
def test_explicit_authorisation_waits_for_the_start(order: Order):
    assert set(order.said["_links"]) == {"self", "status", "startAuthorisation"}
    assert order.tpp.get(order.link("startAuthorisation")).json() == {"authorisationIds": []}
    assert order.status == "RCVD"


def test_the_sign_page_shows_what_is_signed(sandbox: Sandbox, order: Order):
    started = order.start()
    assert (started.status_code, started.headers["ASPSP-SCA-Approach"]) == (201, "REDIRECT")
    assert order.status == "ACTC"
    page = requests.get(started.json()["_links"]["scaRedirect"]["href"], timeout=10)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text)).replace("\u00a0", " ")
    day = date.fromisoformat(bank_day(sandbox)).strftime("%d-%m-%Y")
    for shown in ("Zandbank", "Demo BV", "NL95 INGB 0004 9218 36", "2 betalingen", "€ 3.460,00", day, "REF-1",
                  "Jong, Wouter de", "Ondertekenen", "Weigeren"):  # fmt: skip
        assert shown in text


def test_signing_redirects_and_happens_once(order: Order):
    page = order.start().json()["_links"]["scaRedirect"]["href"]
    signed = press(page, "ondertekenen")
    assert (signed.status_code, signed.headers["Location"]) == (303, BACK)
    assert order.status == "ACSP"
    again = press(page, "weigeren")
    assert order.status == "ACSP"
    assert again.status_code == 303
    assert "Deze opdracht is ondertekend" in requests.get(page, timeout=10).text


def test_refusing_redirects_to_the_nok_uri_and_rejects(order: Order):
    started = order.start().json()
    refused = press(started["_links"]["scaRedirect"]["href"], "weigeren")
    assert (refused.status_code, refused.headers["Location"]) == (303, NOK)
    assert order.status == "RJCT"
    assert order.tpp.get(f"{order.path}/extended-status").json()["reasonCode"] == "CN01"
    assert order.tpp.get(started["_links"]["scaStatus"]["href"]).json() == {"scaStatus": "failed"}
    assert refusal(order.start()) == (409, "STATUS_INVALID")


def test_the_sca_status_is_reported(order: Order):
    started = order.start().json()
    link = started["_links"]["scaStatus"]["href"]
    assert order.tpp.get(link).json() == {"scaStatus": "received"}
    press(started["_links"]["scaRedirect"]["href"], "ondertekenen")
    assert order.tpp.get(link).json() == {"scaStatus": "finalised"}
    assert order.tpp.get(f"{order.path}/authorisations").json() == {"authorisationIds": [started["authorisationId"]]}


def test_a_signed_order_cannot_be_signed_again(order: Order):
    order.sign()
    assert refusal(order.start()) == (409, "STATUS_INVALID")


def test_an_outdated_page_signs_nothing(sandbox: Sandbox, order: Order):
    page = order.start().json()["_links"]["scaRedirect"]["href"]
    advance(sandbox, 2)
    assert press(page, "ondertekenen").headers["Location"] == NOK
    assert order.status == "RJCT"
    assert requests.get(page.replace("/ondertekenen/", "/ondertekenen/x"), timeout=10).status_code == 404
    assert requests.get(page.replace("/bank/redirect/", "/bank/reader/"), timeout=10).status_code == 404


def test_implicit_authorisation_is_the_default(sandbox: Sandbox):
    order = Tpp(sandbox.url).placed(pain001(bank_day(sandbox)), FROM_BROWSER)
    assert set(order.said["_links"]) == {"self", "status", "scaRedirect", "scaStatus"}
    press(order.link("scaRedirect"), "ondertekenen")
    assert order.status == "ACSP"


def test_a_bank_may_support_implicit_only(sandbox: Sandbox):
    sandbox.fault(bank_implicit_only=True)
    assert "scaRedirect" in Tpp(sandbox.url).placed(pain001(bank_day(sandbox))).said["_links"]


def test_a_bank_may_not_be_ready_to_sign(sandbox: Sandbox, order: Order):
    sandbox.fault(bank_sign_not_ready=True)
    assert refusal(order.start()) == (409, "STATUS_INVALID")
    sandbox.fault(bank_sign_not_ready=False)
    assert order.start().status_code == 201


def test_sca_can_expire(sandbox: Sandbox, order: Order):
    started = order.start().json()
    sandbox.fault(bank_sca_expired=True)
    assert order.tpp.get(started["_links"]["scaStatus"]["href"]).json() == {"scaStatus": "failed"}
    assert order.status == "RJCT"


def test_an_order_may_need_two_signatures(sandbox: Sandbox):
    sandbox.fault(bank_two_signers=True)
    order = Tpp(sandbox.url).placed(pain001(bank_day(sandbox)))
    order.sign()
    assert order.status == "PATC"
    page = requests.get(f"{sandbox.url}/bank/redirect/app", timeout=10).text
    assert "Onderteken als tweede" in page
    sandbox.post(f"/bank/redirect/tweede/{order.id}")
    assert order.status == "ACSP"
    sandbox.post(f"/bank/redirect/tweede/{order.id}")
    assert order.status == "ACSP"


# --- decoupled ---
def test_a_decoupled_order_is_approved_in_the_banks_app(sandbox: Sandbox, app_order: Order):
    started = app_order.start(WITH_PSU)
    assert (started.status_code, started.headers["ASPSP-SCA-Approach"]) == (201, "DECOUPLED")
    said = started.json()
    assert "/bank/decoupled/app" in said["psuMessage"]
    assert set(said["_links"]) == {"scaStatus"}
    page = requests.get(f"{sandbox.url}/bank/decoupled/app", timeout=10).text
    assert "3.448,08" in page
    press(f"{sandbox.url}/bank/decoupled/app/{said['authorisationId']}", "goedkeuren")
    assert app_order.status == "ACSP"
    assert app_order.tpp.get(said["_links"]["scaStatus"]["href"]).json() == {"scaStatus": "finalised"}
    assert "Er staat niets klaar" in requests.get(f"{sandbox.url}/bank/decoupled/app", timeout=10).text


def test_a_decoupled_order_can_be_refused(sandbox: Sandbox, app_order: Order):
    said = app_order.start(WITH_PSU).json()
    press(f"{sandbox.url}/bank/decoupled/app/{said['authorisationId']}", "afwijzen")
    assert app_order.status == "RJCT"


def test_the_app_shows_only_open_orders(sandbox: Sandbox, app_order: Order):
    said = app_order.start(WITH_PSU).json()
    app_order.tpp.delete(app_order.path)
    assert "Er staat niets klaar" in requests.get(f"{sandbox.url}/bank/decoupled/app", timeout=10).text
    press(f"{sandbox.url}/bank/decoupled/app/{said['authorisationId']}", "goedkeuren")
    assert app_order.status == "CANC"


def test_each_sca_approach_has_its_own_page(sandbox: Sandbox, order: Order, app_order: Order, reader_order: Order):
    for one in (order, app_order, reader_order):
        name = one.start().json()["authorisationId"]
        doors = {"redirect": f"ondertekenen/{name}", "decoupled": f"app/{name}"}
        for way, door in doors.items():
            if way != one.tpp.bank:
                address = f"{sandbox.url}/bank/{one.tpp.bank}/{door}"
                assert press(address, "goedkeuren").status_code == 404
                assert press(address, "ondertekenen").status_code == 404
        assert one.status == "ACTC"


# --- embedded ---
def choose(order: Order, method: str) -> tuple[dict, str]:
    """Start SCA and choose a method; return the answer and the link for the code."""
    started = order.start(WITH_PSU).json()
    link = started["_links"]["selectAuthenticationMethod"]["href"]
    said = order.tpp.put(link, {"authenticationMethodId": method}).json()
    return said, said["_links"]["authoriseTransaction"]["href"]


def read_code(sandbox: Sandbox, challenge: str) -> str:
    page = requests.get(f"{sandbox.url}/bank/reader/reader", params={"uitdaging": challenge}, timeout=10).text
    return re.findall(r'class="reader-code">(\d{6})<', page)[0]


def test_embedded_sca_offers_methods_and_accepts_a_code(sandbox: Sandbox, reader_order: Order):
    started = reader_order.start(WITH_PSU)
    assert (started.headers["ASPSP-SCA-Approach"], started.json()["scaStatus"]) == ("EMBEDDED", "psuAuthenticated")
    methods = {one["authenticationMethodId"]: one["authenticationType"] for one in started.json()["scaMethods"]}
    assert methods == {"lezer": "CHIP_OTP", "sms": "SMS_OTP"}
    said, link = choose(reader_order, "lezer")
    assert (said["scaStatus"], said["chosenScaMethod"]["authenticationType"]) == ("scaMethodSelected", "CHIP_OTP")
    told = said["challengeData"]
    assert (told["otpMaxLength"], told["otpFormat"]) == (6, "integer")
    assert "3.448,08" in told["additionalInformation"]
    done = reader_order.tpp.put(link, {"scaAuthenticationData": read_code(sandbox, told["data"][0])})
    assert (done.status_code, done.json()["scaStatus"]) == (200, "finalised")
    assert reader_order.status == "ACSP"


def test_the_code_may_come_by_text_message(sandbox: Sandbox, reader_order: Order):
    _, link = choose(reader_order, "sms")
    page = requests.get(f"{sandbox.url}/bank/reader/reader", timeout=10).text
    (sent,) = re.findall(r'class="text-code">(\d{6})<', page)
    assert reader_order.tpp.put(link, {"scaAuthenticationData": sent}).json()["scaStatus"] == "finalised"


def test_another_amount_gives_another_challenge(sandbox: Sandbox, reader_order: Order):
    other = reader_order.tpp.placed(pain001(bank_day(sandbox), [Pay(amount="1.00")], debtor=READER_IBAN), WITH_PSU)
    challenges = {choose(order, "lezer")[0]["challengeData"]["data"][0] for order in (reader_order, other)}
    assert len(challenges) == 2


def test_three_wrong_codes_lock_the_order(sandbox: Sandbox, reader_order: Order):
    said, link = choose(reader_order, "lezer")
    right = read_code(sandbox, said["challengeData"]["data"][0])
    wrong = "000000" if right != "000000" else "000001"
    for left in ("Nog 2", "Nog 1", "geblokkeerd"):
        answer = reader_order.tpp.put(link, {"scaAuthenticationData": wrong})
        assert refusal(answer) == (401, "PSU_CREDENTIALS_INVALID")
        assert left in answer.json()["tppMessages"][0]["text"]
    assert refusal(reader_order.tpp.put(link, {"scaAuthenticationData": right})) == (400, "SCA_INVALID")
    assert refusal(reader_order.start(WITH_PSU)) == (403, "SERVICE_BLOCKED")
    assert reader_order.tpp.get(said["_links"]["scaStatus"]["href"]).json() == {"scaStatus": "failed"}
    assert reader_order.status == "ACTC"
    advance(sandbox)
    assert reader_order.status == "RJCT"


def test_a_wrong_code_can_be_corrected(sandbox: Sandbox, reader_order: Order):
    said, link = choose(reader_order, "lezer")
    right = read_code(sandbox, said["challengeData"]["data"][0])
    reader_order.tpp.put(link, {"scaAuthenticationData": "x"})
    assert reader_order.tpp.put(link, {"scaAuthenticationData": right}).json()["scaStatus"] == "finalised"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"authenticationMethodId": "vinger"}, (400, "SCA_METHOD_UNKNOWN")),
        ({"scaAuthenticationData": "123456"}, (400, "SCA_INVALID")),
        ({}, (400, "FORMAT_ERROR")),
    ],
)
def test_a_step_out_of_order_is_refused(reader_order: Order, data: dict, expected: tuple):
    started = reader_order.start(WITH_PSU).json()
    link = started["_links"]["selectAuthenticationMethod"]["href"]
    assert refusal(reader_order.tpp.put(link, data)) == expected


def test_a_single_method_is_selected_at_once(sandbox: Sandbox, reader_order: Order):
    sandbox.fault(bank_one_method=True)
    said = reader_order.start(WITH_PSU).json()
    right = read_code(sandbox, said["challengeData"]["data"][0])
    link = said["_links"]["authoriseTransaction"]["href"]
    assert reader_order.tpp.put(link, {"scaAuthenticationData": right}).json()["scaStatus"] == "finalised"


def test_codes_are_for_the_reader_only(order: Order):
    started = order.start().json()
    link = started["_links"]["scaStatus"]["href"]
    assert refusal(order.tpp.put(link, {"scaAuthenticationData": "123456"})) == (400, "SERVICE_INVALID")


def test_an_authorisation_belongs_to_its_order(sandbox: Sandbox, order: Order):
    other = order.tpp.placed(pain001(bank_day(sandbox)))
    mine = order.start().json()["authorisationId"]
    assert refusal(order.tpp.get(f"{other.path}/authorisations/{mine}")) == (404, "RESOURCE_UNKNOWN")
    assert refusal(order.tpp.get(f"{order.path}/cancellation-authorisations/{mine}")) == (404, "RESOURCE_UNKNOWN")


# --- delegated ---
@pytest.mark.parametrize("bank", ["redirect", "decoupled", "reader"])
def test_a_delegated_order_needs_no_signature_at_the_bank(sandbox: Sandbox, bank: str):
    (account, *_) = sandbox.control("PUT", f"banks/{bank}", {"signing": "delegated"})["accounts"]
    lines = {line["id"]: line for line in sandbox.get("/banks").json()}
    assert lines[bank]["signing"] == "delegated"
    tpp = Tpp(sandbox.url, bank)
    order = tpp.placed(pain001(bank_day(sandbox), debtor=account["iban"]), WITH_PSU)
    assert order.said["transactionStatus"] == "ACTC"
    assert set(order.said["_links"]) == {"self", "status"}
    assert order.status == "ACSP"
    assert refusal(tpp.post(f"{order.path}/authorisations", headers=FROM_BROWSER)) == (409, "STATUS_INVALID")
    advance(sandbox)
    assert order.status == "ACSC"


# --- reported status ---
def test_the_status_may_lag(sandbox: Sandbox, order: Order):
    sandbox.fault(bank_slow_status=True)
    assert order.status == "RCVD"
    order.sign()
    assert order.status == "ACTC"
    advance(sandbox)
    assert order.status == "ACSP"
    sandbox.fault(bank_slow_status=False)
    assert order.status == "ACSC"


def test_the_status_may_contradict_itself(sandbox: Sandbox, order: Order):
    order.sign()
    sandbox.fault(bank_contradictory_status=True)
    assert [order.status for _ in range(4)] == ["ACSP", "RCVD", "ACSP", "RCVD"]


def test_the_status_may_be_unknown(sandbox: Sandbox, order: Order):
    sandbox.fault(bank_strange_status=True)
    order.tpp.checked = False
    assert order.status == "XXXX"


# --- payee verification ---
NAMED = [
    Pay("Jong, Wouter de", "NL42INGB2268352412", end_to_end_id="SAME"),
    Pay("Silva Jansen", "NL27RABO0315273237", end_to_end_id="CLOSE"),
    Pay("Piet Anders", "NL52ABNA7650143244", end_to_end_id="OTHER"),
    Pay("Hans Bijna", "NL86INGB0002445588", end_to_end_id="RULE"),
    Pay("Anna Schmidt", "DE89370400440532013000", end_to_end_id="ABROAD"),
]


def test_payees_are_verified_on_request(sandbox: Sandbox):
    sandbox.fault(bank_vop=True, bank_vop_slow=True)
    tpp = Tpp(sandbox.url)
    asked = tpp.place(pain001(bank_day(sandbox), NAMED), EXPLICIT | {"Client-VOP-Requested": "true"})
    assert (asked.json()["transactionStatus"], asked.headers["ASPSP-VOP-Supported"]) == ("RVNC", "true")
    order = Order(tpp, asked.json())
    assert set(order.said["_links"]) == {"self", "status"}
    assert order.status == "RVNC"
    sandbox.fault(bank_vop_slow=False)
    told = tpp.get(f"{order.path}/status").json()
    found = {one["originalEndToEndId"]: one for one in told["originalTransactionInformationAndVopStatus"]}
    assert {name: one["creditorNameMatch"] for name, one in found.items()} == {
        "CLOSE": "CMTC", "OTHER": "NMTC", "RULE": "CMTC", "ABROAD": "NOAP",
    }  # fmt: skip
    assert found["CLOSE"]["matchedCreditorName"] == "Silva, Jose"
    assert refusal(tpp.post(f"{order.path}/authorisations", headers=FROM_BROWSER)) == (409, "STATUS_INVALID")
    order.said["_links"] = tpp.put(told["_links"]["creditorNameConfirmation"]["href"], headers=WITH_PSU).json()[
        "_links"
    ]
    order.sign()
    assert order.status == "ACSP"


def test_with_all_names_matching_sca_can_start(sandbox: Sandbox):
    sandbox.fault(bank_vop=True)
    tpp = Tpp(sandbox.url)
    order = tpp.placed(pain001(bank_day(sandbox)), EXPLICIT | {"Client-VOP-Requested": "true"})
    told = tpp.get(f"{order.path}/status").json()
    assert told["transactionStatus"] == "RCVC"
    assert refusal(tpp.put(f"{order.path}/creditor-confirmation")) == (409, "STATUS_INVALID")
    order.said["_links"] = told["_links"]
    order.sign()
    assert order.status == "ACSP"


def test_a_bank_without_verification_says_so(sandbox: Sandbox):
    asked = Tpp(sandbox.url).place(pain001(bank_day(sandbox)), EXPLICIT | {"Client-VOP-Requested": "true"})
    assert (asked.json()["transactionStatus"], asked.headers["ASPSP-VOP-Supported"]) == ("RCVD", "false")


def test_a_json_order_is_signed_too(sandbox: Sandbox):
    tpp = Tpp(sandbox.url)
    order = Order(tpp, tpp.post(JSON, bulk(bank_day(sandbox)), headers=EXPLICIT).json(), JSON)
    order.sign()
    assert order.status == "ACSP"
