"""Faults and refusals of Nmbrs, as switches."""

from sandbox import faults
from sandbox.nmbrs.errors import NmbrsFault
from sandbox.store import get_store

HANG_SECONDS = 60
THROTTLE_SECONDS = 0.5

# Permissions are per API method, set in the user's authorization template. Each switch removes these methods.
RIGHTS = {
    "nmbrs_no_debtors_right": ("DebtorService.List_GetAll", "DebtorService.List_GetByNumber"),
    "nmbrs_no_webhook_right": (
        "DebtorService.WebhookSettings_GetEvents",
        "DebtorService.WebhookSettings_Get",
        "DebtorService.WebhookSettings_Insert",
        "DebtorService.WebhookSettings_Delete",
    ),
    "nmbrs_no_companies_right": ("CompanyService.List_GetAll", "CompanyService.List_GetByDebtor"),
    "nmbrs_no_bank_account_right": ("CompanyService.BankAccount_GetCurrent",),
    "nmbrs_no_runs_right": ("CompanyService.Run_GetList",),
    "nmbrs_no_run_employees_right": ("CompanyService.Run_GetEmployeesByRunCompany",),
    "nmbrs_no_sepa_right": ("CompanyService.SalaryDocuments_GetSEPA",),
    "nmbrs_no_wage_tax_right": (
        "CompanyService.WageTax_GetList",
        "CompanyService.SalaryDocuments_GetSEPA_Tax",
    ),
    "nmbrs_no_employee_right": (
        "EmployeeService.List_GetByCompany",
        "EmployeeService.PersonalInfoWithoutBSN_Get_GetAllEmployeesByCompany",
    ),
    "nmbrs_converter_missing": ("CompanyService.Converter_GetByCompany_IntToGuid",),
}

SWITCHES = {
    "nmbrs_wrong_token": "Elke aanroep geeft 1001 (e-mail of token klopt niet)",
    "nmbrs_disabled": "Elke aanroep geeft 1004 (omgeving zonder abonnement)",
    "nmbrs_1006_once": "De eerstvolgende aanroep geeft 1006, daarna gaat het goed",
    "nmbrs_9999": "Elke aanroep geeft 9999",
    "nmbrs_2_percent_9999": "Elke vijftigste aanroep geeft 9999",
    "nmbrs_html_503": "Elke aanroep geeft een HTML-pagina met status 503",
    "nmbrs_not_xml": "Elke aanroep geeft status 200 met tekst die geen XML is",
    "nmbrs_hang": "Elke aanroep laat een minuut op zich wachten",
    "nmbrs_throttle": "Elke aanroep wordt een halve seconde vertraagd",
    "nmbrs_debtor_filtered": "De gebruiker ziet de debiteur Demo BV niet (1003, bedrijf 2004)",
    "nmbrs_extra_element": "Elk antwoordobject eindigt op een onbekend veld",
    "nmbrs_extra_element_first": "Elk antwoordobject begint met een onbekend veld",
    "nmbrs_empty_runs": "De lijst van runs is leeg",
    "nmbrs_run_unlisted_once": "De nieuwste run staat één keer nog niet in de lijst (na het seintje)",
    "nmbrs_run_unlisted": "De nieuwste run staat niet in de lijst, zolang dit aan staat",
    "nmbrs_locked_late": "Een nieuwe run staat de eerste keer nog open (IsLocked = false)",
    "nmbrs_prerun": "Een nieuwe run is een proefrun (alleen te zien aan de omschrijving)",
    "nmbrs_correction": "Een nieuwe run is een correctie (alleen te zien aan de omschrijving)",
    "nmbrs_new_number": "Opnieuw draaien geeft een nieuw nummer; de oude run verdwijnt",
    "nmbrs_sepa_empty": "Het SEPA-bestand is een lege tekst",
    "nmbrs_sepa_nil": "Het SEPA-bestand ontbreekt in het antwoord",
    "nmbrs_sepa_base64": "Het SEPA-bestand komt als base64",
    "nmbrs_sepa_utf16": "Het SEPA-bestand zegt van zichzelf dat het utf-16 is",
    "nmbrs_sepa_pain09": "Het SEPA-bestand is pain.001.001.09",
    "nmbrs_sepa_notprovided": "Elke betaling heeft het end-to-end-kenmerk NOTPROVIDED",
    "nmbrs_sepa_two_for_one": "De eerste medewerker krijgt twee betalingen",
    "nmbrs_sepa_attachment": "Een vijfde van het loon van de eerste medewerker gaat naar een deurwaarder",
    "nmbrs_sepa_person_missing": "De laatste medewerker van de run staat niet in het SEPA-bestand",
    "nmbrs_webhook_form": "Het seintje komt als formulier",
    "nmbrs_webhook_xml": "Het seintje komt als XML",
    "nmbrs_webhook_empty": "Het seintje is leeg",
    "nmbrs_webhook_rubbish": "In het seintje staat onzin",
    "nmbrs_webhook_duplicate": "Het seintje komt twee keer",
    "nmbrs_webhook_none": "Het seintje komt niet",
}

# The REST API and its identity server.
REST_SWITCHES = {
    "nmbrs_rest_401": "REST: elke aanroep geeft 40102 (token ongeldig)",
    "nmbrs_rest_40303": "REST: elke aanroep geeft 40303 (geen toegang tot de gegevens)",
    "nmbrs_rest_40304": "REST: elke aanroep geeft 40304 (omgeving zonder abonnement)",
    "nmbrs_rest_40306": "REST: de lijst van bedrijven geeft 40306 (toestemming voor meer debiteuren)",
    "nmbrs_rest_42908": "REST: elke aanroep geeft 42908 (te veel aanroepen)",
    "nmbrs_rest_42909": "REST: elke aanroep geeft 42909 (quotum op)",
    "nmbrs_rest_50001": "REST: elke aanroep geeft 50001 (onbekende fout)",
    "nmbrs_rest_50201": "REST: elke aanroep geeft 50201 (gateway)",
    "nmbrs_rest_503": "REST: elke aanroep geeft 50301 (niet beschikbaar)",
    "nmbrs_rest_slow_document": "REST: een document is pas na drie keer vragen klaar",
    "nmbrs_rest_document_lost": "REST: een document is er niet (404)",
    "nmbrs_rest_small_pages": "REST: elke bladzijde heeft twee regels",
    "nmbrs_rest_extra_field": "REST: elk antwoordobject heeft een onbekend veld",
    "nmbrs_oauth_invalid_grant": "Inloggen bij Nmbrs: elk verzoek om een token geeft invalid_grant",
    "nmbrs_oauth_down": "Inloggen bij Nmbrs: alles geeft een HTML-pagina met status 503",
    "nmbrs_oauth_answer_lost": "Inloggen bij Nmbrs: verversen lukt, maar het antwoord komt niet aan",
}

CODES = {"nmbrs_wrong_token": 1001, "nmbrs_disabled": 1004, "nmbrs_9999": 9999}


def declare_all() -> None:
    for name, methods in RIGHTS.items():
        short = ", ".join(method.partition(".")[2] for method in methods)
        faults.declare(name, f"1002: geen recht in de gebruikerssjabloon op {short}")
    for name, description in (SWITCHES | REST_SWITCHES).items():
        faults.declare(name, description)


def delay() -> None:
    """Delay the caller as switched."""
    faults.hold("nmbrs_throttle", THROTTLE_SECONDS)
    faults.hold("nmbrs_hang", HANG_SECONDS)


def refuse(method: str) -> None:
    """Raise the fault that is on for this method ("CompanyService.Run_GetList"), if any."""
    if faults.take("nmbrs_1006_once"):
        raise NmbrsFault(1006)
    if faults.on("nmbrs_2_percent_9999") and get_store().next_number("nmbrs_counted_call") % 50 == 0:
        raise NmbrsFault(9999)
    for switch, code in CODES.items():
        if faults.on(switch):
            raise NmbrsFault(code)
    for switch, methods in RIGHTS.items():
        if method in methods and faults.on(switch):
            raise NmbrsFault(1002)


def chosen(values: dict[str, str], otherwise: str) -> str:
    """Return the value of the first switch that is on, else `otherwise`."""
    return next((value for name, value in values.items() if faults.on(name)), otherwise)
