"""Texts for bank codes: Berlin Group message codes and ISO 20022 reason codes.

Of a payment: what happened and what to do; `status.reason` adds whether money moved. Of one line: why it was not paid
or was returned.
"""

from blueprints.web.lazy_texts import _l

# --- texts shared by several codes ---
_NO_MONEY = _l("Er stond niet genoeg geld op de rekening.")
_BLOCKED = _l("De rekening is geblokkeerd. Bel je bank.")
_NOT_THIS_WAY = _l("Je kunt zo niet betalen vanaf deze rekening. Bel je bank.")
_DAY = _l("De bank accepteert deze uitvoerdatum niet. Kies een andere dag.")
_TOO_LATE = _l("De opdracht was te laat voor deze dag. Kies een latere dag.")
_NOT_SIGNED = _l("De betaling is niet op tijd ondertekend.")
_WITHDRAWN = _l("De betaling is bij de bank geannuleerd.")
_LINK_OVER = _l("De koppeling met je bank is verlopen. Koppel de bank opnieuw.")
_LINK_INVALID = _l("De koppeling met je bank is niet meer geldig. Koppel de bank opnieuw.")
_LINK_UNKNOWN = _l("De koppeling bestaat niet meer bij de bank. Koppel de bank opnieuw.")
_OURS = _l("Er ging bij ons iets mis met de opdracht. Mail ons, dan lossen we het op.")
_NOT_OFFERED = _l("De bank biedt dit niet aan voor deze rekening. Kies een andere rekening of bel je bank.")
_WE_UNKNOWN = _l(
    "Bizcuit heeft nu geen toegang tot de bank. Dat ligt aan ons. Probeer het later opnieuw of mail ons."
)
_SIGNATURE = _l("De bank accepteert de ondertekening niet. Onderteken opnieuw of bel je bank.")
_TOKEN = _l("Je toegang bij de bank is verlopen of geblokkeerd. Log in bij je bank of bel de bank.")

# Of a whole payment.
BANK_REASONS = {
    # funds, account, amount
    "AM04": _NO_MONEY,
    "FUNDS_NOT_AVAILABLE": _NO_MONEY,
    "AC04": _l("De rekening is opgeheven."),
    "AC05": _l("De rekening waarvan je betaalt is opgeheven. Kies een andere rekening."),
    "AC06": _BLOCKED,
    "RESOURCE_BLOCKED": _l("De rekening of de opdracht is bij de bank geblokkeerd. Bel je bank."),
    "SERVICE_BLOCKED": _l("Deze dienst is door de bank geblokkeerd voor je rekening. Bel je bank."),
    "AG01": _NOT_THIS_WAY,
    "AM02": _l("Dit bedrag is hoger dan je limiet bij de bank. Vraag je bank naar je limiet."),
    "AM14": _l("Het bedrag is hoger dan je limiet bij de bank."),
    "DS0K": _l("Dit zijn te veel betalingen tegelijk voor de bank. Betaal in kleinere delen of bel je bank."),
    "SL11": _l("Een ontvanger staat niet op de lijst met toegestane ontvangers. Voeg de ontvanger toe bij je bank."),
    "BENEFICIARY_WHITELISTING_REQUIRED": _l(
        "Een ontvanger is nog niet vertrouwd bij je bank. Voeg de ontvanger toe bij je bank."
    ),
    # execution date
    "DT01": _DAY,
    "DT05": _TOO_LATE,
    "EXECUTION_DATE_INVALID": _DAY,
    # SCA
    "DS0A": _NOT_SIGNED,
    "DS0C": _SIGNATURE,
    "DS0D": _SIGNATURE,
    "SCA_INVALID": _l("De code klopt niet of is verlopen. Onderteken opnieuw."),
    "SCA_METHOD_UNKNOWN": _l("Deze manier van ondertekenen bestaat niet meer bij de bank. Kies een andere."),
    "PSU_CREDENTIALS_INVALID": _l(
        "De combinatie van gebruikersnaam en wachtwoord klopt niet. Onderteken opnieuw."
    ),
    "CORPORATE_ID_INVALID": _l("Je gebruiker bij de bank is niet gekoppeld aan je bedrijf. Bel je bank."),
    "TKSP": _TOKEN,
    "TKXP": _TOKEN,
    "EOL1": _TOKEN,
    # cancelled or rejected
    "DS02": _l("De betaling is bij de bank geannuleerd."),
    "DS04": _l("De bank heeft de opdracht geweigerd, zonder reden. Bel je bank."),
    "CN01": _WITHDRAWN,
    "CUST": _WITHDRAWN,
    "FOCR": _l("De betaling is op verzoek teruggehaald."),
    "UPAY": _l("Volgens de bank is deze betaling niet verschuldigd. Bel je bank."),
    "PAYMENT_FAILED": _l("De opdracht kon niet worden verwerkt door de bank. Bel je bank als het weer gebeurt."),
    "STATUS_INVALID": _l("Dit kan nu niet bij de bank. Kijk bij je bank wat de status van de betaling is."),
    "CANCELLATION_INVALID": _l(
        "Annuleren bij de bank kan niet meer. Kijk bij je bank of de betaling is uitgevoerd."
    ),
    "WARNING": _l("Er is een waarschuwing van de bank zonder uitleg. Kijk bij je bank."),
    # consent
    "CONSENT_EXPIRED": _LINK_OVER,
    "CONSENT_INVALID": _LINK_INVALID,
    "CONSENT_UNKNOWN": _LINK_UNKNOWN,
    "ACCESS_EXCEEDED": _l("Je daglimiet voor het ophalen van saldo en transacties is bereikt. Morgen kan het weer."),
    "RESOURCE_UNKNOWN": _l("De rekening of opdracht is onbekend bij de bank. Controleer de koppeling."),
    "RESOURCE_EXPIRED": _l("De betaling is verlopen bij de bank."),
    # not offered by the bank, or not for this account
    "SERVICE_INVALID": _NOT_OFFERED,
    "PRODUCT_INVALID": _NOT_OFFERED,
    "PRODUCT_UNKNOWN": _NOT_OFFERED,
    # between the bank and us; the customer cannot solve these
    "FORMAT_ERROR": _OURS,
    "PARAMETER_NOT_CONSISTENT": _OURS,
    "PARAMETER_NOT_SUPPORTED": _OURS,
    "PERIOD_INVALID": _OURS,
    "REQUESTED_FORMATS_INVALID": _OURS,
    "SESSIONS_NOT_SUPPORTED": _OURS,
    "TIMESTAMP_INVALID": _WE_UNKNOWN,
    "CERTIFICATE_INVALID": _WE_UNKNOWN,
    "CERTIFICATE_EXPIRED": _WE_UNKNOWN,
    "CERTIFICATE_BLOCKED": _WE_UNKNOWN,
    "CERTIFICATE_REVOKE": _WE_UNKNOWN,
    "CERTIFICATE_MISSING": _WE_UNKNOWN,
    "ROLE_INVALID": _WE_UNKNOWN,
    "SIGNATURE_INVALID": _WE_UNKNOWN,
    "SIGNATURE_MISSING": _WE_UNKNOWN,
    "KID_MISSING": _WE_UNKNOWN,
    "TOKEN_UNKNOWN": _WE_UNKNOWN,
    "TOKEN_INVALID": _WE_UNKNOWN,
    "TOKEN_EXPIRED": _WE_UNKNOWN,
}

# Of one line, after "Geweigerd door de bank:" (rejected by the bank) or "Teruggestort:" (returned).
LINE_REASONS = {
    "AC01": _l("het rekeningnummer klopt niet"),
    "AC03": _l("het rekeningnummer klopt niet"),
    "AC04": _l("de rekening is opgeheven"),
    "AC05": _l("de rekening waarvan je betaalt is opgeheven"),
    "AC06": _l("de rekening is geblokkeerd"),
    "AC07": _l("de rekening is opgeheven"),
    "AC14": _l("op deze rekening kan geen salaris worden ontvangen"),
    "AG01": _l("naar deze rekening kan zo niet worden betaald"),
    "AG02": _l("naar deze rekening kan zo niet worden betaald"),
    "AM02": _l("het bedrag is hoger dan de limiet bij de bank"),
    "AM04": _l("er stond niet genoeg geld op je rekening"),
    "AM05": _l("door de bank gezien als dubbele betaling"),
    "BE01": _l("de naam hoort niet bij deze rekening"),
    "BE04": _l("het adres van de ontvanger ontbreekt"),
    "BE06": _l("ontvanger onbekend bij de bank"),
    "CN01": _l("geannuleerd bij de bank"),
    "CNOR": _l("de bank van de ontvanger is niet bereikbaar voor deze betaling"),
    "CUST": _l("teruggevraagd"),
    "DS04": _l("geweigerd door de bank, zonder reden"),
    "DS0A": _l("niet op tijd ondertekend"),
    "DS0C": _l("de ondertekening is niet geaccepteerd door de bank"),
    "DS0D": _l("de ondertekening is niet geaccepteerd door de bank"),
    "DS0K": _l("te veel betalingen tegelijk voor de bank"),
    "DT01": _l("de uitvoerdatum is niet geaccepteerd door de bank"),
    "DT05": _l("te laat voor deze dag"),
    "EOL1": _l("je toegang bij de bank was verlopen"),
    "FOCR": _l("teruggevraagd"),
    "MD07": _l("de ontvanger is overleden"),
    "MS02": _l("geweigerd door de ontvanger"),
    "MS03": _l("geen reden bekend"),
    "RC01": _l("de bank van de ontvanger is onbekend"),
    "RC04": _l("de bank van de ontvanger is onbekend"),
    "RR04": _l("de bank mag deze betaling wettelijk niet uitvoeren"),
    "SL11": _l("de ontvanger staat niet op de lijst met toegestane ontvangers"),
    "TKSP": _l("je toegang bij de bank was geblokkeerd"),
    "TKXP": _l("je toegang bij de bank was verlopen"),
    "UPAY": _l("niet verschuldigd volgens de bank"),
}
