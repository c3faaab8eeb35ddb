"""How the adapter interprets answers about SCA, with every link of the standard."""

import json
from dataclasses import replace
from typing import Any

import pytest

from connectors.bank.port import SCA_STATUSES, OutcomeUnknown
from tests.support.bank_responses import BACK, CODE, ID, METHOD, NOK, ORDER, PSU, SCA, adapter, line_of, place, proper
from tests.support.exchanges import Watch
from tests.support.raw_socket_bank import Script, raw_bank, says

# --- SCA links ---
# The link, the HTTP method, and the data it requires.
PASSWORD = {"psuData": {"password": "geheim"}}

START_LINKS = [
    ("startAuthorisation", {}),
    ("startAuthorisationWithPsuIdentification", {}),
    ("startAuthorisationWithPsuAuthentication", PASSWORD),
    ("startAuthorisationWithEncryptedPsuAuthentication", {"psuData": {"encryptedPassword": "x"}}),
    ("startAuthorisationWithAuthenticationMethodSelection", METHOD),
    ("startAuthorisationWithTransactionAuthorisation", CODE),
]
UPDATE_LINKS = [
    ("updatePsuIdentification", {}),
    ("updatePsuAuthentication", PASSWORD),
    ("updateEncryptedPsuAuthentication", {"psuData": {"encryptedPassword": "x"}}),
    ("updateAdditionalPsuAuthentication", {"psuData": {"additionalPassword": "x"}}),
    ("updateAdditionalEncryptedPsuAuthentication", {"psuData": {"additionalEncryptedPassword": "x"}}),
    ("selectAuthenticationMethod", METHOD),
    ("authoriseTransaction", CODE),
    ("confirmation", {"confirmationCode": "abc"}),
]
PAYMENT = "/psd2/v1/bulk-payments/pain.001-sepa-credit-transfers/1234-wertiq-983/authorisations"
FORMS = [PAYMENT, PAYMENT.removeprefix("/psd2"), PAYMENT.removeprefix("/psd2/"), "full"]


def href(bank_url: str, form: str, more: str = "") -> str:
    return f"{bank_url}{PAYMENT}{more}" if form == "full" else f"{form}{more}"


def linked(found: dict[str, Any], name: str, form: str, more: str = "") -> Script:
    """Return an answer with this link, made when the bank runs, because its URL is not known earlier."""

    def script(connection: Any, request: Any) -> None:
        url = f"http://{request.headers['host']}"
        proper(201, found | {"_links": {name: {"href": href(url, form, more)}}})(connection, request)

    return script


@pytest.mark.parametrize("form", FORMS, ids=["from the host", "from the version", "no slash", "full"])
@pytest.mark.parametrize(("name", "data"), START_LINKS, ids=[name for name, _ in START_LINKS])
def test_a_start_link_is_called_with_post(name: str, data: dict[str, Any], form: str):
    with raw_bank(linked(ORDER, name, form), proper(201, SCA)) as bank:
        watch, psu = Watch(), replace(PSU, bank_user_id="wouter")
        placed = place(bank, observe=watch)
        begun = adapter(watch).start_authorisation(
            line_of(bank), placed.payment_id, placed.links[name], psu, BACK, NOK, ID, data
        )
    asked = bank.requests[1]
    assert (asked.method, asked.target, json.loads(asked.body)) == ("POST", PAYMENT, data)
    assert (asked.headers["content-type"], asked.headers["psu-id"]) == ("application/json", "wouter")
    assert (asked.headers["tpp-redirect-uri"], asked.headers["tpp-nok-redirect-uri"]) == (BACK, NOK)
    assert (begun.id, begun.sca_status) == ("123auth456", "received")


@pytest.mark.parametrize("form", FORMS, ids=["from the host", "from the version", "no slash", "full"])
@pytest.mark.parametrize(("name", "data"), UPDATE_LINKS, ids=[name for name, _ in UPDATE_LINKS])
def test_an_update_link_is_called_with_put(name: str, data: dict[str, Any], form: str):
    with raw_bank(linked(SCA, name, form, "/123auth456"), proper(200, {"scaStatus": "finalised"})) as bank:
        watch = Watch()
        url = f"{bank.url}{PAYMENT}"
        begun = adapter(watch).start_authorisation(line_of(bank), "1", url, PSU, BACK, NOK, ID)
        done = adapter(watch).continue_authorisation(line_of(bank), begun.links[name], data, PSU, ID)
    asked = bank.requests[1]
    assert (asked.method, asked.target, json.loads(asked.body)) == ("PUT", f"{PAYMENT}/123auth456", data)
    assert (done.sca_status, done.id) == ("finalised", None)


@pytest.mark.parametrize("name", ["scaRedirect", "scaOAuth"])
@pytest.mark.parametrize("found", [ORDER, SCA], ids=["order", "authorisation"])
def test_a_redirect_link_is_kept_and_not_called(found: dict[str, Any], name: str):
    with raw_bank(linked(found, name, "full", "/1?x=y")) as bank:
        here = f"{bank.url}{PAYMENT}/1?x=y"
        if found is ORDER:
            links = place(bank).links
        else:
            begun = adapter().start_authorisation(line_of(bank), "1", f"{bank.url}/psd2/v1/x", PSU, BACK, NOK, ID)
            links = begun.links
            assert begun.redirect_url == (here if name == "scaRedirect" else None)
    assert links == {name: here}
    assert bank.connections == 1


@pytest.mark.parametrize("name", ["self", "status", "scaStatus", "creditorNameConfirmation"])
def test_a_status_link_is_kept(name: str):
    with raw_bank(linked(ORDER, name, PAYMENT)) as bank:
        assert place(bank).links == {name: f"{bank.url}{PAYMENT}"}


STRANGE = ["https://evil.example/v1/x", "//evil.example/v1/x", "http://127.0.0.1:1/psd2/v1/x", "file:///etc/passwd"]


@pytest.mark.parametrize("link", STRANGE)
def test_a_stored_link_to_another_host_is_not_called(link: str):
    with raw_bank(says(201, SCA)) as bank:
        with pytest.raises(OutcomeUnknown):
            adapter().start_authorisation(line_of(bank), "1", link, PSU, BACK, NOK, ID)
        with pytest.raises(OutcomeUnknown):
            adapter().continue_authorisation(line_of(bank), link, CODE, PSU, ID)
    assert bank.connections == 0


# --- authorisations ---
def started(said: dict[str, Any]) -> Any:
    with raw_bank(says(201, said)) as bank:
        return adapter().start_authorisation(line_of(bank), "1", "/v1/x", PSU, BACK, NOK, ID)


def test_only_standard_fields_of_methods_and_challenge_are_kept():
    method = {"authenticationMethodId": "1", "authenticationType": "CHIP_OTP", "name": "Lezer", "explanation": "e"}
    challenge = {
        "image": "iVBO", "data": ["12345678", 9], "imageLink": "https://x.example/1", "otpMaxLength": 6,
        "otpFormat": "integer", "additionalInformation": "Toon dit",
    }  # fmt: skip
    begun = started(
        SCA | {"scaMethods": [method | {"x": {"y": 1}, "name": 7}], "chosenScaMethod": method,
               "challengeData": challenge | {"script": "<script>", "otpMaxLength": "6"}, "psuMessage": "m" * 600}
    )  # fmt: skip
    assert begun.methods == ({name: method[name] for name in method if name != "name"},)
    assert begun.chosen_method == method
    assert begun.challenge == {
        name: value for name, value in challenge.items() if name != "otpMaxLength"
    } | {"data": ["12345678", "9"]}  # fmt: skip
    assert begun.psu_message == "m" * 500


STRANGE_SCA = [
    SCA | {"scaStatus": "done"},
    {"authorisationId": "1"},
    SCA | {"authorisationId": 5},
    SCA | {"scaMethods": "x"},
    SCA | {"scaMethods": ["x"]},
]


@pytest.mark.parametrize("said", STRANGE_SCA, ids=range(len(STRANGE_SCA)))
def test_an_invalid_authorisation_is_refused(said: dict[str, Any]):
    with pytest.raises(OutcomeUnknown):
        started(said)


@pytest.mark.parametrize("status", sorted(SCA_STATUSES))
def test_every_sca_status_is_known(status: str):
    with raw_bank(proper(200, {"scaStatus": status})) as bank:
        assert adapter(Watch()).authorisation(line_of(bank), "a/b?c", "d e", ID) == status
    assert bank.requests[0].target.endswith("/a%2Fb%3Fc/authorisations/d%20e")


def test_an_unknown_sca_status_is_refused():
    with raw_bank(says(200, {"scaStatus": "fine"})) as bank, pytest.raises(OutcomeUnknown):
        adapter().authorisation(line_of(bank), "1", "2", ID)
