"""Texts about permissions: for the customer, and in English to forward to the administrator of Nmbrs."""

from dataclasses import dataclass

from flask_babel import gettext as _

from domain.payroll.permission_check import CheckView
from models.states import CheckResult

# Error codes of Nmbrs that mean the same to a customer.
_SAME = {
    "bad_credentials": "1001", "40101": "1001", "40102": "1001",
    "not_allowed": "1002", "40303": "1002", "40306": "1002",
    "out_of_sight": "1003", "2003": "1003", "2004": "1003", "2009": "1003", "40401": "1003",
    "disabled": "1004", "40304": "1004",
    "42908": "busy", "42909": "busy", "quota_used_up": "busy",
}  # fmt: skip
# Forwarded to an administrator, so always in English.
_ENGLISH = {
    "1001": "Nmbrs does not accept this email address and token together. Create a new API token in the user profile.",
    "1002": (
        "Please tick {right} in the user template: User templates › the template of this user › the cog under API."
    ),
    "1003": "This user cannot see the company. Please change the user's tags or filters.",
    "1004": "This environment has been turned off in Nmbrs, or there is no valid subscription. Please contact Nmbrs.",
    "busy": "Nmbrs is too busy right now. Nothing needs to be changed. Try again later.",
    "trouble": "Nmbrs has a problem. No permissions are missing. Try again later.",
}
_ENGLISH_REST = "Please give consent again as a user who has the permission {right}."


@dataclass(frozen=True)
class PermissionRow:
    """A row of the list. `problem` is empty if nothing needs to be done."""

    question: str
    title: str
    call: str
    tone: str
    sign: str
    state: str
    problem: str = ""
    without: str = ""
    english: str = ""


def permission_row(check: CheckView) -> PermissionRow:
    """Return a check as a row: icon, state, and for a refused call which permission to add where."""
    tone, sign, state = _states()[check.result]
    if check.result == CheckResult.REFUSED and not check.needed:
        tone, sign = "warn", "warn"
    title = title_of(check.question)
    if check.result not in (CheckResult.REFUSED, CheckResult.ERROR):
        return PermissionRow(check.question, title, check.call, tone, sign, state)
    without = _without().get(check.question, "") if not check.needed else ""
    code = kind_of(check)
    return PermissionRow(
        check.question, title, check.call, tone, sign, state, _problem(code, check.call), without,
        _english(code, check.call),
    )  # fmt: skip


def kind_of(check: CheckView) -> str:
    """Return the key of the problem's texts: an error code of Nmbrs (1001 … 1004), busy or trouble."""
    code = check.code or ""
    kind = _SAME.get(code, code)
    if kind in ("1001", "1002", "1003", "1004", "busy"):
        return kind
    return "1002" if check.result == CheckResult.REFUSED else "trouble"


def right_of(call: str) -> str:
    """Return the vendor's call as its authorization template lists it: service › method."""
    return call.replace(".", " › ", 1) if "/" not in call else call


def title_of(question: str) -> str:
    return {
        "environment": _("Inloggen bij Nmbrs"),
        "debtors": _("Debiteuren bekijken"),
        "companies": _("Administraties bekijken"),
        "runs": _("Salarisruns bekijken"),
        "sepa_file": _("Het betaalbestand ophalen"),
        "company_iban": _("De bankrekening in Nmbrs bekijken"),
        "employees_in_run": _("Bekijken wie er in een run staat"),
        "employees": _("Namen van medewerkers bekijken"),
        "employee_ibans": _("Rekeningen van medewerkers bekijken"),
        "wage_taxes": _("Aangiften loonheffing bekijken"),
        "wage_tax_file": _("Het betaalbestand van de loonheffing ophalen"),
        "webhook_events": _("Automatische melding voor je aanzetten"),
        "webhooks": _("Controleer de automatische melding"),
        "insert_webhook": _("Automatische melding aanzetten"),
        "delete_webhook": _("Oude automatische melding verwijderen"),
        "guids": _("De nieuwe nummers van administraties opvragen"),
    }.get(question, question)


def _states() -> dict[str, tuple[str, str, str]]:
    return {
        CheckResult.WAITING: ("", "clock", _("wordt gecontroleerd")),
        CheckResult.OK: ("good", "check", _("in orde")),
        CheckResult.REFUSED: ("bad", "cross", _("niet toegestaan")),
        CheckResult.UNKNOWN: ("", "clock", _("nog niet te controleren: er is nog geen run")),
        CheckResult.ERROR: ("warn", "warn", _("geen antwoord van Nmbrs")),
    }


def _without() -> dict[str, str]:
    """Return what is missing without each optional permission."""
    return {
        "company_iban": _(
            "Zonder dit recht kunnen we je rekening niet vergelijken met die in Nmbrs. Betalen kan wel."
        ),
        "employees_in_run": _("Zonder dit recht zie je niet wie er in het bestand ontbreekt. Betalen kan wel."),
        "employees": _("Zonder dit recht zie je niet de naam van wie ontbreekt. Betalen kan wel."),
        "wage_taxes": _("Zonder dit recht kunnen we geen loonheffing klaarzetten. Salarissen betalen kan wel."),
        "webhook_events": _(
            "Zonder dit recht stel je de automatische melding zelf in. De stappen staan bij de instellingen."
        ),
    }


def _problem(code: str, call: str) -> str:
    return {
        "1001": _("E-mailadres of token klopt niet. Maak in Nmbrs een nieuw token en vul dat in bij Nieuw token."),
        "1002": ask_for_right(call),
        "1003": _(
            "Deze gebruiker ziet het bedrijf niet in Nmbrs. Vraag je Nmbrs-beheerder om de filters en tags van deze "
            "gebruiker aan te passen."
        ),
        "1004": _("Deze omgeving is uitgezet in Nmbrs of er is geen geldig abonnement. Neem contact op met Nmbrs."),
        "busy": _("Het is nu te druk bij Nmbrs. Controleer het straks opnieuw."),
        "trouble": _(
            "Storing bij Nmbrs. Er ontbreken geen rechten. Controleer het straks opnieuw."
        ),
    }[code]  # fmt: skip


def ask_for_right(call: str) -> str:
    """Return what to ask of the administrator; for REST, permissions depend on the consent."""
    if "/" in call:
        return _(
            "Geef opnieuw toestemming met een gebruiker die het recht %(call)s heeft.",
            call=call,
        )  # fmt: skip
    return _(
        "Vraag je Nmbrs-beheerder om in de gebruikerssjabloon (Gebruikersprofielen › sjabloon › tandwiel onder API) "
        "%(right)s aan te vinken.",
        right=right_of(call),
    )  # fmt: skip


def _english(code: str, call: str) -> str:
    text = _ENGLISH_REST if code == "1002" and "/" in call else _ENGLISH[code]
    return text.format(right=right_of(call))
