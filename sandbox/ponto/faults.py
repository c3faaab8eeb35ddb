"""Faults of Ponto, as switches."""

from sandbox import faults

SLOW_SECONDS = 2

SWITCHES = {
    "ponto_down": "Ponto: elke aanroep geeft status 503",
    "ponto_not_taken": "Ponto, een betaling: status 504 en Ponto heeft hem niet",
    "ponto_order_504": "Ponto, een betaling: Ponto heeft hem, maar het antwoord is een HTML-pagina met status 504",
    "ponto_lost_answer": "Ponto, een betaling: Ponto heeft hem, maar de verbinding wordt verbroken",
    "ponto_order_refused": "Ponto, een betaling wordt geweigerd (400 validationError)",
    "ponto_forgets_key": "Ponto: een herhaalde Ibanity-Idempotency-Key wordt niet herkend",
    "ponto_rejects_signed": "Ponto: de bank wijst af wat ondertekend is (rejected)",
    "ponto_strange_status": "Ponto: de status is een woord dat niet bestaat",
    "ponto_foreign_redirect": "Ponto: de link om te ondertekenen gaat naar een vreemde site",
    "ponto_token_revoked": "Ponto: de klant heeft de toegang ingetrokken (401, invalid_grant)",
    "ponto_refresh_lost": "Ponto: verversen lukt, maar het antwoord komt niet aan",
    "ponto_refresh_slow": "Ponto: verversen duurt twee seconden, zodat twee tegelijk kunnen komen",
}


def declare_all() -> None:
    for name, description in SWITCHES.items():
        faults.declare(name, description)
