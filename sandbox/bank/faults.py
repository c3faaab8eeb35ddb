"""Faults of a bank, and differences between banks, as switches."""

from collections.abc import Iterator

from flask import Response
from waitress.channel import ClientDisconnected

from sandbox import faults
from sandbox.bank.answers import Answer, Refusal

HANG_SECONDS = 60
SLOW_SECONDS = 2

SWITCHES = {
    "bank_down": "Elke aanroep geeft status 503",
    "bank_hang": "Elke aanroep laat een minuut op zich wachten",
    "bank_slow": "Elke aanroep duurt twee seconden",
    "bank_cut": "Elke aanroep: de verbinding wordt verbroken en er is niets gebeurd",
    "bank_order_not_taken": "Een opdracht: status 504 en de bank heeft hem niet",
    "bank_lost_answer": "Een opdracht: de bank heeft hem, maar de verbinding wordt verbroken",
    "bank_order_504": "Een opdracht: de bank heeft hem, maar het antwoord is een HTML-pagina met status 504",
    "bank_strange_answer": "Een opdracht: de bank heeft hem, maar het antwoord is onleesbaar",
    "bank_order_refused": "Een opdracht wordt geweigerd (400 PAYMENT_FAILED)",
    "bank_forgets_request_id": "Een herhaald X-Request-ID wordt niet herkend",
    "bank_duplicate_dupl": "Een dubbel MsgId geeft de code DUPL (staat niet in de standaard)",
    "bank_accepts_duplicates": "Een dubbel MsgId wordt niet herkend: er komen twee opdrachten",
    "bank_unsigned_allowed": "Aanroepen hoeven niet ondertekend te zijn",
    "bank_strict_days": "Een uitvoerdatum die geen bankdag is, of waarvan de tijd voorbij is, wordt geweigerd",
    "bank_implicit_only": "De bank begint de ondertekening altijd zelf (implicit)",
    "bank_sign_not_ready": "Met ondertekenen kan nog niet begonnen worden (409)",
    "bank_one_method": "Bij de lezer valt niets te kiezen: de uitdaging komt meteen",
    "bank_two_signers": "Een opdracht vraagt twee handtekeningen (PATC na de eerste)",
    "bank_sca_expired": "Wat nog niet ondertekend is, is verlopen (RJCT)",
    "bank_relative_links": "Links in antwoorden zijn relatief",
    "bank_foreign_redirect": "De link om te ondertekenen of toe te staan gaat naar een vreemde site",
    "bank_problem_json": "Fouten komen als application/problem+json",
    "bank_strange_status": "De status is een code die niet bestaat",
    "bank_slow_status": "De status loopt een stap achter",
    "bank_contradictory_status": "De status springt om de andere keer terug naar RCVD",
    "bank_insufficient_funds": "Bij uitvoering blijkt er te weinig saldo (RJCT, AM04)",
    "bank_rejects_at_execution": "Bij uitvoering wordt de hele opdracht afgewezen (RJCT, DS04)",
    "bank_bare_lump": "Van een verzamelboeking staat alleen het totaal en de dag in de lijst",
    "bank_books_lines": "Elke regel wordt los geboekt, ook van een verzamelopdracht",
    "bank_partial_execution": "Bij uitvoering wordt de eerste regel afgewezen (PART, AC06)",
    "bank_returns_line": "De bankdag na uitvoering komt de eerste regel terug (PART)",
    "bank_vop": "De bank controleert namen als daarom gevraagd wordt (VoP)",
    "bank_vop_slow": "De naamcontrole is nog bezig (RVNC), zolang dit aan staat",
    "bank_cancel_needs_sca": "Intrekken van een opdracht moet ondertekend worden (202)",
    "bank_cancel_lost_answer": "Intrekken: de bank doet het, maar de verbinding wordt verbroken",
    "bank_cancel_not_taken": "Intrekken: status 504 en de bank heeft het niet gedaan",
    "bank_cancels_nothing": "Een opdracht kan niet worden ingetrokken (405)",
    "bank_forgets_consent": "De bank kent de toestemming niet meer (CONSENT_UNKNOWN)",
    "bank_consent_expired": "De toestemming is verlopen (CONSENT_EXPIRED)",
    "bank_consent_short": "Een nieuwe toestemming geldt maar vijf dagen",
    "bank_access_exceeded": "Saldo en mutaties zijn vandaag te vaak gevraagd (429)",
    "bank_no_owner_name": "De bank geeft de naam van de rekeninghouder niet",
    "bank_balance_down": "Saldi en mutaties geven status 503, de rest doet het",
}

GATEWAY_PAGE = "<html><head><title>504 Gateway Time-out</title></head><body><h1>504</h1></body></html>"


def declare_all() -> None:
    for name, description in SWITCHES.items():
        faults.declare(name, description)


class Cut(Exception):
    """The connection closes without a byte of answer."""


def cut_connection() -> Response:
    """Return a response that closes the connection before its first byte."""

    def vanish() -> Iterator[bytes]:
        raise ClientDisconnected
        yield b""

    return Response(vanish())


def before_call() -> None:
    """Delay or refuse the call, as switched.

    Raises:
    - Refusal
    - Cut
    """
    faults.hold("bank_slow", SLOW_SECONDS)
    faults.hold("bank_hang", HANG_SECONDS)
    if faults.on("bank_down"):
        raise Refusal(503)
    if faults.on("bank_cut"):
        raise Cut


def before_order() -> None:
    """Apply the faults before the bank accepts an order."""
    if faults.on("bank_order_not_taken"):
        raise Refusal(504, page=GATEWAY_PAGE)
    if faults.on("bank_order_refused"):
        raise Refusal(400, "PAYMENT_FAILED", "De opdracht kan niet worden verwerkt")


def before_cancelling() -> None:
    """Apply the faults before the bank accepts a cancellation."""
    if faults.on("bank_cancel_not_taken"):
        raise Refusal(504, page=GATEWAY_PAGE)


def after_cancelling(answer: Answer) -> Answer:
    """Apply the faults after a cancellation: only the answer is lost."""
    if faults.on("bank_cancel_lost_answer"):
        raise Cut
    return answer


def after_order(answer: Answer) -> Answer:
    """Apply the faults after the bank has accepted an order: only the answer is lost."""
    if faults.on("bank_lost_answer"):
        raise Cut
    if faults.on("bank_order_504"):
        return Answer(504, GATEWAY_PAGE, media="text/html")
    if faults.on("bank_strange_answer"):
        return Answer(answer.status, "{paymentId: ??")
    return answer
