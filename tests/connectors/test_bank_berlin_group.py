"""The adapter against the sandbox's banks: the SCA approaches, consents, balances and failures.

Every exchange is checked against the Berlin Group OpenAPI, in both directions.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import requests

from connectors.bank.berlin_group import BerlinGroupBank, DuplicateOrder
from connectors.bank.directory import HttpDirectory
from connectors.bank.http_signatures import Signer, development_identity
from connectors.bank.pain001 import write_pain001
from connectors.bank.payment_order import OrderLine, PaymentOrder
from connectors.bank.port import BankConfig, BankRefused, NotDelivered, OrderPlaced, OutcomeUnknown, Psu
from connectors.bank.response_links import UntrustedLink
from connectors.bank.transport import TimedOut
from core.ids import uuid
from tests.support import xsd
from tests.support.bank import advance, bank_day, press
from tests.support.exchanges import Watch
from tests.support.sandbox import Sandbox, free_port

BACK, NOK = "http://localhost:8000/bank/terug/abc", "http://localhost:8000/bank/terug/abc?geweigerd=1"
PSU = Psu("192.0.2.10", "Mozilla/5.0")
DEBTORS = {
    "redirect": "NL95INGB0004921836", "decoupled": "NL93KNAB0412875530", "reader": "NL50RABO0374628190",
}  # fmt: skip


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return development_identity(tmp_path_factory.mktemp("signer"))


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def bank(signer: Signer, watch: Watch) -> BerlinGroupBank:
    return BerlinGroupBank(signer, connect_timeout=2, read_timeout=10, observe=watch)


@pytest.fixture
def config(sandbox: Sandbox) -> Callable[..., BankConfig]:
    """Return the configuration of a bank, with another SCA approach if asked."""

    def found(bank_id: str = "redirect", signing: str | None = None) -> BankConfig:
        if signing:
            sandbox.control("PUT", f"banks/{bank_id}", {"signing": signing})
        return HttpDirectory(f"{sandbox.url}/banks", ttl_seconds=0).configs()[bank_id]

    return found


@pytest.fixture
def order(sandbox: Sandbox) -> Callable[..., bytes]:
    """Return the bytes of an order for tomorrow, from an account of this bank."""

    def written(bank_id: str = "redirect", msg_id: str = "20260430034734-66580", lines: int = 2) -> bytes:
        rows = [
            OrderLine(f"{msg_id}-{number}", 100_00 + number, "Jong, Wouter de", "NL42INGB2268352412", "Salaris april")
            for number in range(lines)
        ]
        body = write_pain001(
            PaymentOrder(
                msg_id, datetime(2026, 4, 30, tzinfo=UTC), "Demo BV", "Demo BV", DEBTORS[bank_id],
                date.fromisoformat(bank_day(sandbox, 1)), True, rows,
            )
        )  # fmt: skip
        assert xsd.errors(body) == []
        return body

    return written


def place(bank: BerlinGroupBank, config: BankConfig, body: bytes, request_id: str | None = None) -> OrderPlaced:
    return bank.place_order(config, body, request_id or uuid(), PSU, BACK, NOK)


def status(bank: BerlinGroupBank, config: BankConfig, placed: OrderPlaced) -> str:
    return bank.order_status(config, placed.payment_id, uuid()).transaction_status


def taken(sandbox: Sandbox) -> int:
    """Return the number of orders at the banks."""
    return len(sandbox.control("GET", "orders"))


# --- consent, accounts, balance ---
@pytest.mark.parametrize("bank_id", ["redirect", "decoupled", "reader"])
def test_a_consent_leads_to_accounts_and_balances(
    sandbox: Sandbox, bank: BerlinGroupBank, config: Callable[..., BankConfig], bank_id: str
):
    there = config(bank_id)
    started = bank.start_consent(there, PSU, BACK, NOK, uuid())
    assert started.status == "received"
    assert bank.consent(there, started.consent_id, uuid()).status == "received"
    known = sandbox.control("GET", f"banks/{bank_id}")["accounts"]
    went = press(started.redirect_url, "toestaan", rekening=[one["iban"] for one in known])
    assert went.headers["Location"] == BACK
    given = bank.consent(there, started.consent_id, uuid())
    until = date.fromisoformat(bank_day(sandbox)) + timedelta(days=180)
    assert (given.status, given.valid_until) == ("valid", until)
    accounts = bank.accounts(there, started.consent_id, PSU, uuid())
    assert [(one.iban, one.name, one.owner_name, one.currency) for one in accounts] == [
        (one["iban"], one["name"], "Demo BV", "EUR") for one in known
    ]
    for one, expected in zip(accounts, known, strict=True):
        balance = bank.balance(there, started.consent_id, one.resource_id, PSU, uuid())
        assert balance is not None
        assert f"{balance.cents / 100:.2f}" == expected["balance"]
        assert balance.kind == "interimAvailable"
        assert abs(datetime.now(UTC) - balance.at) < timedelta(minutes=1)


def test_a_refused_consent_has_that_status(bank: BerlinGroupBank, config: Callable[..., BankConfig]):
    started = bank.start_consent(config(), PSU, BACK, NOK, uuid())
    assert press(started.redirect_url, "weigeren").headers["Location"] == NOK
    assert bank.consent(config(), started.consent_id, uuid()).status == "rejected"
    with pytest.raises(BankRefused) as refused:
        bank.accounts(config(), started.consent_id, PSU, uuid())
    assert (refused.value.http_status, refused.value.code) == (401, "CONSENT_INVALID")


def consented(bank: BerlinGroupBank, there: BankConfig, iban: str) -> str:
    started = bank.start_consent(there, PSU, BACK, NOK, uuid())
    press(started.redirect_url, "toestaan", rekening=[iban])
    return started.consent_id


CONSENT_FAULTS = [
    ("bank_forgets_consent", (400, "CONSENT_UNKNOWN")),
    ("bank_consent_expired", (401, "CONSENT_EXPIRED")),
    ("bank_access_exceeded", (429, "ACCESS_EXCEEDED")),
]


@pytest.mark.parametrize(("fault", "expected"), CONSENT_FAULTS)
def test_a_consent_error_has_the_banks_code(
    sandbox: Sandbox, bank: BerlinGroupBank, config: Callable[..., BankConfig], fault: str, expected: tuple[int, str]
):
    consent_id = consented(bank, config(), DEBTORS["redirect"])
    sandbox.fault(**{fault: True})
    with pytest.raises(BankRefused) as refused:
        bank.accounts(config(), consent_id, PSU, uuid())
    assert (refused.value.http_status, refused.value.code) == expected


def test_psu_headers_are_sent_only_with_a_psu(
    bank: BerlinGroupBank, watch: Watch, config: Callable[..., BankConfig]
):
    there = config()
    consent_id = consented(bank, there, DEBTORS["redirect"])
    bank.accounts(there, consent_id, PSU, uuid())
    assert watch.last.headers["PSU-IP-Address"] == "192.0.2.10"
    for _ in range(4):
        bank.accounts(there, consent_id, None, uuid())
        assert "PSU-IP-Address" not in watch.last.headers
    with pytest.raises(BankRefused, match="429 ACCESS_EXCEEDED"):
        bank.accounts(there, consent_id, None, uuid())


def test_the_owner_name_is_optional(
    sandbox: Sandbox, bank: BerlinGroupBank, config: Callable[..., BankConfig]
):
    consent_id = consented(bank, config(), DEBTORS["redirect"])
    sandbox.fault(bank_no_owner_name=True)
    assert [one.owner_name for one in bank.accounts(config(), consent_id, PSU, uuid())] == [None]


# --- the SCA approaches ---
def test_sca_by_redirect(
    sandbox: Sandbox, bank: BerlinGroupBank, config: Callable[..., BankConfig], order: Callable[..., bytes]
):
    there, body = config("redirect"), order("redirect")
    placed = place(bank, there, body)
    assert placed.transaction_status == "RCVD"
    assert "scaRedirect" not in placed.links  # explicit authorisation was requested
    begun = bank.start_authorisation(
        there, placed.payment_id, placed.links["startAuthorisation"], PSU, BACK, NOK, uuid()
    )
    assert (begun.sca_status, status(bank, there, placed)) == ("received", "ACTC")
    assert begun.redirect_url is not None
    assert begun.id is not None
    assert press(begun.redirect_url, "ondertekenen").headers["Location"] == BACK
    assert bank.authorisation(there, placed.payment_id, begun.id, uuid()) == "finalised"
    assert status(bank, there, placed) == "ACSP"
    advance(sandbox, 3)
    assert status(bank, there, placed) == "ACSC"
    assert sandbox.control("GET", "orders")[0]["body"].encode() == body


def test_decoupled_sca(
    sandbox: Sandbox, bank: BerlinGroupBank, config: Callable[..., BankConfig], order: Callable[..., bytes]
):
    there = config("decoupled")
    placed = place(bank, there, order("decoupled"))
    begun = bank.start_authorisation(
        there, placed.payment_id, placed.links["startAuthorisation"], PSU, BACK, NOK, uuid()
    )
    assert begun.redirect_url is None
    assert begun.psu_message is not None
    assert begun.psu_message.startswith("Open de app")
    assert begun.id is not None
    assert bank.authorisation(there, placed.payment_id, begun.id, uuid()) == "received"
    press(f"{sandbox.url}/bank/decoupled/app/{begun.id}", "goedkeuren")
    assert bank.authorisation(there, placed.payment_id, begun.id, uuid()) == "finalised"
    assert status(bank, there, placed) == "ACSP"


def reader_code(sandbox: Sandbox, challenge: str) -> str:
    """Return the code on the page of the bank's card reader."""
    page = requests.get(f"{sandbox.url}/bank/reader/reader", params={"uitdaging": challenge}, timeout=10).text
    words = page.replace("<", " ").replace(">", " ").split()
    return next(word for word in words if len(word) == 6 and word.isdecimal())


def test_embedded_sca(
    sandbox: Sandbox, bank: BerlinGroupBank, config: Callable[..., BankConfig], order: Callable[..., bytes]
):
    there = config("reader")
    placed = place(bank, there, order("reader"))
    begun = bank.start_authorisation(
        there, placed.payment_id, placed.links["startAuthorisation"], PSU, BACK, NOK, uuid()
    )
    assert begun.sca_status == "psuAuthenticated"
    assert [method["authenticationType"] for method in begun.methods] == ["CHIP_OTP", "SMS_OTP"]
    chosen = bank.continue_authorisation(
        there, begun.links["selectAuthenticationMethod"],
        {"authenticationMethodId": begun.methods[0]["authenticationMethodId"]}, PSU, uuid(),
    )  # fmt: skip
    assert (chosen.sca_status, chosen.chosen_method) == ("scaMethodSelected", begun.methods[0])
    assert chosen.challenge is not None
    assert (chosen.challenge["otpMaxLength"], chosen.challenge["otpFormat"]) == (6, "integer")
    assert "EUR 200,01, 2 betalingen" in chosen.challenge["additionalInformation"]
    link = chosen.links["authoriseTransaction"]
    with pytest.raises(BankRefused) as wrong:
        bank.continue_authorisation(there, link, {"scaAuthenticationData": "x"}, PSU, uuid())
    assert (wrong.value.http_status, wrong.value.code) == (401, "PSU_CREDENTIALS_INVALID")
    code = reader_code(sandbox, chosen.challenge["data"][0])
    done = bank.continue_authorisation(there, link, {"scaAuthenticationData": code}, PSU, uuid())
    assert done.sca_status == "finalised"
    assert status(bank, there, placed) == "ACSP"


def test_a_single_sca_method_is_selected_at_once(
    sandbox: Sandbox, bank: BerlinGroupBank, config: Callable[..., BankConfig], order: Callable[..., bytes]
):
    sandbox.fault(bank_one_method=True)
    placed = place(bank, config("reader"), order("reader"))
    begun = bank.start_authorisation(
        config("reader"), placed.payment_id, placed.links["startAuthorisation"], PSU, BACK, NOK, uuid()
    )
    assert (begun.sca_status, begun.methods) == ("scaMethodSelected", ())
    assert begun.challenge is not None


@pytest.mark.parametrize("bank_id", ["redirect", "decoupled", "reader"])
def test_delegated_sca_leaves_nothing_to_sign(
    bank: BerlinGroupBank, watch: Watch, config: Callable[..., BankConfig], order: Callable[..., bytes], bank_id: str
):
    there = config(bank_id, "delegated")
    placed = place(bank, there, order(bank_id))
    assert placed.transaction_status == "ACTC"
    assert set(placed.links) <= {"self", "status"}
    assert not {"TPP-Redirect-Preferred", "TPP-Decoupled-Preferred"} & set(watch.last.headers)
    assert status(bank, there, placed) == "ACSP"


def test_an_implicit_authorisation_has_a_redirect(
    sandbox: Sandbox, bank: BerlinGroupBank, config: Callable[..., BankConfig], order: Callable[..., bytes]
):
    sandbox.fault(bank_implicit_only=True)
    placed = place(bank, config(), order())
    assert press(placed.links["scaRedirect"], "ondertekenen").headers["Location"] == BACK
    assert status(bank, config(), placed) == "ACSP"


def test_a_refused_sca_has_a_reason(
    bank: BerlinGroupBank, config: Callable[..., BankConfig], order: Callable[..., bytes]
):
    placed = place(bank, config(), order())
    begun = bank.start_authorisation(
        config(), placed.payment_id, placed.links["startAuthorisation"], PSU, BACK, NOK, uuid()
    )
    assert begun.redirect_url is not None
    assert press(begun.redirect_url, "weigeren").headers["Location"] == NOK
    report = bank.order_status(config(), placed.payment_id, uuid())
    assert (report.transaction_status, report.reason) == ("RJCT", "bank:CN01")


# --- differences between banks ---
def test_links_may_be_relative(
    sandbox: Sandbox, bank: BerlinGroupBank, config: Callable[..., BankConfig], order: Callable[..., bytes]
):
    sandbox.fault(bank_relative_links=True)
    there = config()
    started = bank.start_consent(there, PSU, BACK, NOK, uuid())
    assert started.redirect_url.startswith(f"{sandbox.url}/bank/redirect/toestemming/")
    placed = place(bank, there, order())
    assert placed.links["startAuthorisation"].startswith(f"{there.base_url}/v1/bulk-payments/")
    begun = bank.start_authorisation(
        there, placed.payment_id, placed.links["startAuthorisation"], PSU, BACK, NOK, uuid()
    )
    assert begun.redirect_url is not None
    assert press(begun.redirect_url, "ondertekenen").status_code == 303


def test_errors_may_come_as_problem_json(
    sandbox: Sandbox, bank: BerlinGroupBank, config: Callable[..., BankConfig], order: Callable[..., bytes]
):
    sandbox.fault(bank_problem_json=True, bank_order_refused=True)
    with pytest.raises(BankRefused) as refused:
        place(bank, config(), order())
    assert (refused.value.http_status, refused.value.code) == (400, "PAYMENT_FAILED")
    assert refused.value.text == "De opdracht kan niet worden verwerkt"


def test_an_unknown_status_is_refused(
    sandbox: Sandbox,
    bank: BerlinGroupBank,
    watch: Watch,
    config: Callable[..., BankConfig],
    order: Callable[..., bytes],
):
    placed = place(bank, config(), order())
    sandbox.fault(bank_strange_status=True)
    watch.checked = False
    with pytest.raises(OutcomeUnknown, match="transactionStatus"):
        status(bank, config(), placed)


def test_the_execution_result_is_reported(
    sandbox: Sandbox, bank: BerlinGroupBank, config: Callable[..., BankConfig], order: Callable[..., bytes]
):
    there = config("redirect", "delegated")
    partly, refused = place(bank, there, order(msg_id="A")), None
    sandbox.fault(bank_partial_execution=True)
    advance(sandbox, 3)
    assert status(bank, there, partly) == "PART"
    sandbox.fault(bank_partial_execution=False, bank_insufficient_funds=True)
    refused = place(bank, there, order(msg_id="B"))
    advance(sandbox, 3)
    report = bank.order_status(there, refused.payment_id, uuid())
    assert (report.transaction_status, report.reason) == ("RJCT", "bank:AM04")


def test_an_order_of_ten_thousand_lines_is_accepted(
    sandbox: Sandbox, bank: BerlinGroupBank, config: Callable[..., BankConfig], order: Callable[..., bytes]
):
    body = order(lines=10_000)
    place(bank, config(), body)
    assert sandbox.control("GET", "orders")[0]["body"].encode() == body


# --- failures ---
# The switch, the expected error, and the number of orders that the bank really has.
FAILURES = [
    ("bank_down", OutcomeUnknown, 0),
    ("bank_cut", OutcomeUnknown, 0),
    ("bank_order_not_taken", OutcomeUnknown, 0),
    ("bank_lost_answer", OutcomeUnknown, 1),
    ("bank_order_504", OutcomeUnknown, 1),
    ("bank_strange_answer", OutcomeUnknown, 1),
    ("bank_order_refused", BankRefused, 0),
]


@pytest.mark.parametrize(("fault", "error", "orders"), FAILURES, ids=[fault for fault, _, _ in FAILURES])
def test_a_failed_order_is_refused_only_if_the_bank_says_so(
    sandbox: Sandbox, bank: BerlinGroupBank, watch: Watch, config: Callable[..., BankConfig],
    order: Callable[..., bytes], fault: str, error: type[Exception], orders: int,
):  # fmt: skip
    there, body, request_id = config(), order(), uuid()
    watch.checked = fault in ("bank_down", "bank_order_refused")  # the other faults violate the standard
    sandbox.fault(**{fault: True})
    with pytest.raises(error):
        place(bank, there, body, request_id)
    assert watch.calls() == ["POST bulk-payments/pain.001-sepa-credit-transfers"]  # never repeated by itself
    assert taken(sandbox) == orders
    sandbox.fault(**{fault: False})
    watch.checked = True
    assert place(bank, there, body, request_id).transaction_status == "RCVD"
    assert taken(sandbox) == 1


def test_a_timeout_makes_the_outcome_unknown(
    sandbox: Sandbox, signer: Signer, config: Callable[..., BankConfig], order: Callable[..., bytes]
):
    there, body = config(), order()
    sandbox.fault(bank_hang=True)
    with pytest.raises(TimedOut):
        place(BerlinGroupBank(signer, order_timeout=0.3), there, body)
    sandbox.fault(bank_hang=False)
    sandbox.wait_for(lambda: taken(sandbox) == 1)


def test_an_unreachable_bank_is_not_delivered(
    signer: Signer, config: Callable[..., BankConfig], order: Callable[..., bytes]
):
    away = replace(config(), base_url=f"http://127.0.0.1:{free_port()}/bank/redirect")
    with pytest.raises(NotDelivered):
        place(BerlinGroupBank(signer), away, order())


def test_an_unreadable_key_sends_nothing(
    sandbox: Sandbox,
    bank: BerlinGroupBank,
    watch: Watch,
    config: Callable[..., BankConfig],
    order: Callable[..., bytes],
):
    without = replace(config(), private_key="/nowhere/key.pem", certificate="/nowhere/certificate.pem")
    with pytest.raises(NotDelivered, match="cannot be read"):
        place(bank, without, order())
    assert watch.seen == []


def test_the_bank_refuses_an_unsigned_call(
    watch: Watch, config: Callable[..., BankConfig], order: Callable[..., bytes]
):
    with pytest.raises(BankRefused) as refused:
        place(BerlinGroupBank(None, observe=watch), config(), order())
    assert (refused.value.http_status, refused.value.code) == (401, "SIGNATURE_MISSING")


def test_a_bank_specific_key_is_used(
    bank: BerlinGroupBank, watch: Watch, config: Callable[..., BankConfig], order: Callable[..., bytes], tmp_path: Path
):
    own = development_identity(tmp_path)
    path = str(tmp_path / "bank-identity.pem")
    place(bank, replace(config(), private_key=path, certificate=path), order())
    assert f'keyId="{own.key_id}"' in watch.last.headers["Signature"]


# --- repeated orders ---
def test_a_repeated_call_returns_the_same_order(
    sandbox: Sandbox, bank: BerlinGroupBank, config: Callable[..., BankConfig], order: Callable[..., bytes]
):
    body, request_id = order(), uuid()
    first = place(bank, config(), body, request_id)
    assert place(bank, config(), body, request_id) == first
    assert taken(sandbox) == 1


@pytest.mark.parametrize("more", [{}, {"bank_problem_json": True}, {"bank_duplicate_dupl": True}], ids=str)
def test_a_duplicate_is_an_unknown_outcome(
    sandbox: Sandbox, bank: BerlinGroupBank, watch: Watch, config: Callable[..., BankConfig],
    order: Callable[..., bytes], more: dict[str, bool],
):  # fmt: skip
    """Refusing the second call says nothing about the first: treating it as refused would pay twice."""
    body = order()
    place(bank, config(), body)
    watch.checked = "bank_duplicate_dupl" not in more  # DUPL is not a Berlin Group message code
    sandbox.fault(bank_forgets_request_id=True, **more)
    with pytest.raises(DuplicateOrder):
        place(bank, config(), body)
    assert taken(sandbox) == 1


def test_a_reused_request_id_is_an_unknown_outcome(
    sandbox: Sandbox, bank: BerlinGroupBank, config: Callable[..., BankConfig], order: Callable[..., bytes]
):
    request_id = uuid()
    place(bank, config(), order(msg_id="A"), request_id)
    with pytest.raises(DuplicateOrder):
        place(bank, config(), order(msg_id="B"), request_id)
    assert taken(sandbox) == 1


# --- redirect hosts ---
def test_a_consent_redirect_to_another_host_is_refused(
    sandbox: Sandbox, bank: BerlinGroupBank, config: Callable[..., BankConfig]
):
    sandbox.fault(bank_foreign_redirect=True)
    with pytest.raises(UntrustedLink, match="strange redirect"):
        bank.start_consent(config(), PSU, BACK, NOK, uuid())


def test_an_sca_redirect_to_another_host_is_refused(
    sandbox: Sandbox, bank: BerlinGroupBank, config: Callable[..., BankConfig], order: Callable[..., bytes]
):
    placed = place(bank, config(), order())
    sandbox.fault(bank_foreign_redirect=True)
    with pytest.raises(UntrustedLink, match="strange redirect"):
        bank.start_authorisation(
            config(), placed.payment_id, placed.links["startAuthorisation"], PSU, BACK, NOK, uuid()
        )
    sandbox.fault(bank_implicit_only=True)
    with pytest.raises(OutcomeUnknown, match="strange redirect"):  # the bank has the order: it is not refused
        place(bank, config(), order(msg_id="B"))
    assert taken(sandbox) == 2
