"""Texts for bank codes: Berlin Group message codes and ISO 20022 reason codes.

Of a payment: what happened and what to do; `status.reason` adds whether money moved. Of one line: why it was not paid
or was returned.
"""

from blueprints.web.lazy_texts import _l

# --- texts shared by several codes ---
_NO_MONEY = _l("Er stond niet genoeg geld op de rekening.")
_BLOCKED = _l("De rekening is geblokkeerd. Bel je bank.")
_NOT_THIS_WAY = _l("Vanaf deze rekening mag zo niet worden betaald. Bel je bank.")
_DAY = _l("De bank neemt deze uitvoerdatum niet aan. Kies een andere dag.")
_TOO_LATE = _l("De opdracht kwam te laat bij de bank voor deze dag. Kies een latere dag.")
_NOT_SIGNED = _l("De betaling is niet op tijd ondertekend.")
_WITHDRAWN = _l("De betaling is bij de bank geannuleerd.")
_LINK_OVER = _l("De koppeling met je bank is verlopen. Koppel de bank opnieuw.")
_LINK_INVALID = _l("De koppeling met je bank geldt niet meer. Koppel de bank opnieuw.")
_LINK_UNKNOWN = _l("De bank kent de koppeling niet meer. Koppel de bank opnieuw.")
_OURS = _l("De bank begrijpt de opdracht niet. Dat ligt aan ons. Mail ons, dan lossen we het op.")
_NOT_OFFERED = _l("De bank biedt dit voor je rekening niet aan. Kies een andere rekening of bel je bank.")
_WE_UNKNOWN = _l("De bank herkent Bizcuit nu niet. Dat ligt aan ons. Probeer het later opnieuw of mail ons.")
_SIGNATURE = _l("De bank neemt de ondertekening niet aan. Onderteken opnieuw of bel je bank.")
_TOKEN = _l("Je toegang bij de bank is verlopen of stilgezet. Log in bij je bank of bel de bank.")

# Of a whole payment.
BANK_REASONS = {
    # funds, account, amount
    "AM04": _NO_MONEY,
    "FUNDS_NOT_AVAILABLE": _NO_MONEY,
    "AC04": _l("De rekening is opgeheven."),
    "AC05": _l("De rekening waarvan je betaalt is opgeheven. Kies een andere rekening."),
    "AC06": _BLOCKED,
    "RESOURCE_BLOCKED": _l("De rekening of de opdracht is bij de bank geblokkeerd. Bel je bank."),
    "SERVICE_BLOCKED": _l("De bank heeft deze dienst voor je rekening geblokkeerd. Bel je bank."),
    "AG01": _NOT_THIS_WAY,
    "AM02": _l("De bank staat dit bedrag niet toe. Vraag je bank naar je limiet."),
    "AM14": _l("Het bedrag is hoger dan je bank toestaat."),
    "DS0K": _l("De bank staat niet zoveel betalingen tegelijk toe. Betaal in kleinere delen of bel je bank."),
    "SL11": _l("Een ontvanger staat niet op de lijst van wie je mag betalen. Voeg hem bij je bank toe."),
    "BENEFICIARY_WHITELISTING_REQUIRED": _l(
        "De bank wil dat je een ontvanger eerst zelf vertrouwt. Voeg hem bij je bank toe."
    ),
    # execution date
    "DT01": _DAY,
    "DT05": _TOO_LATE,
    "EXECUTION_DATE_INVALID": _DAY,
    # SCA
    "DS0A": _NOT_SIGNED,
    "DS0C": _SIGNATURE,
    "DS0D": _SIGNATURE,
    "SCA_INVALID": _l("De code klopte niet of was verlopen. Onderteken opnieuw."),
    "SCA_METHOD_UNKNOWN": _l("De bank kent deze manier van ondertekenen niet meer. Kies een andere."),
    "PSU_CREDENTIALS_INVALID": _l(
        "De bank herkent je gebruikersnaam en wachtwoord niet samen. Onderteken opnieuw."
    ),
    "CORPORATE_ID_INVALID": _l("De bank herkent je bedrijf niet bij deze gebruiker. Bel je bank."),
    "TKSP": _TOKEN,
    "TKXP": _TOKEN,
    "EOL1": _TOKEN,
    # cancelled or rejected
    "DS02": _l("De betaling is bij de bank ingetrokken."),
    "DS04": _l("De bank heeft de opdracht afgewezen, zonder verdere reden. Bel je bank."),
    "CN01": _WITHDRAWN,
    "CUST": _WITHDRAWN,
    "FOCR": _l("De betaling is op verzoek teruggehaald."),
    "UPAY": _l("De betaling is volgens de bank niet verschuldigd. Bel je bank."),
    "PAYMENT_FAILED": _l("De bank kon de opdracht niet verwerken. Bel je bank als het weer gebeurt."),
    "STATUS_INVALID": _l("Dit kan bij de bank niet meer, of nog niet. Kijk hoe de betaling er bij je bank voor staat."),
    "CANCELLATION_INVALID": _l(
        "De bank neemt de betaling niet meer terug. Kijk bij je bank of hij is uitgevoerd."
    ),
    "WARNING": _l("De bank waarschuwt, maar zegt niet waarvoor. Kijk bij je bank."),
    # consent
    "CONSENT_EXPIRED": _LINK_OVER,
    "CONSENT_INVALID": _LINK_INVALID,
    "CONSENT_UNKNOWN": _LINK_UNKNOWN,
    "ACCESS_EXCEEDED": _l("Er is vandaag vaak genoeg naar je rekening gekeken. Morgen mag het weer."),
    "RESOURCE_UNKNOWN": _l("De bank kent deze rekening of opdracht niet. Kijk of de koppeling nog klopt."),
    "RESOURCE_EXPIRED": _l("Dit is bij de bank verlopen."),
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
    "AG01": _l("op deze rekening kan zo niet worden betaald"),
    "AG02": _l("op deze rekening kan zo niet worden betaald"),
    "AM02": _l("de bank staat dit bedrag niet toe"),
    "AM04": _l("er stond niet genoeg geld op je rekening"),
    "AM05": _l("de bank zag hem voor een dubbele aan"),
    "BE01": _l("de naam hoort niet bij deze rekening"),
    "BE04": _l("het adres van de ontvanger ontbreekt"),
    "BE06": _l("de bank kent deze ontvanger niet"),
    "CN01": _l("hij is bij de bank geannuleerd"),
    "CNOR": _l("de bank van de ontvanger is zo niet bereikbaar"),
    "CUST": _l("hij is teruggevraagd"),
    "DS04": _l("de bank wees hem af zonder verdere reden"),
    "DS0A": _l("hij is niet op tijd ondertekend"),
    "DS0C": _l("de bank nam de ondertekening niet aan"),
    "DS0D": _l("de bank nam de ondertekening niet aan"),
    "DS0K": _l("de bank staat niet zoveel betalingen tegelijk toe"),
    "DT01": _l("de bank nam de uitvoerdatum niet aan"),
    "DT05": _l("hij kwam te laat voor deze dag"),
    "EOL1": _l("je toegang bij de bank was verlopen"),
    "FOCR": _l("hij is teruggevraagd"),
    "MD07": _l("de ontvanger is overleden"),
    "MS02": _l("de ontvanger wilde hem niet"),
    "MS03": _l("de bank noemt geen reden"),
    "RC01": _l("de bank van de ontvanger is niet bekend"),
    "RC04": _l("de bank van de ontvanger is niet bekend"),
    "RR04": _l("de bank mag hem volgens de wet niet uitvoeren"),
    "SL11": _l("de ontvanger staat niet op de lijst van wie je mag betalen"),
    "TKSP": _l("je toegang bij de bank was stilgezet"),
    "TKXP": _l("je toegang bij de bank was verlopen"),
    "UPAY": _l("hij was volgens de bank niet verschuldigd"),
}
