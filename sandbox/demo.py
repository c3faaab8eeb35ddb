"""Demo data: the company, its employees and what the external systems know about them."""

from dataclasses import dataclass

# The account of the demo's entrepreneur in the app.
EMAIL = "demo@demobv.example"
PASSWORD = "Koperen-Veldleeuwerik-58"
PIN = "274916"

COMPANY_NAME = "Demo BV"
KVK_NUMBER = "68750110"
COMPANY_NUMBER = 9969

DEBTOR_IBAN = "NL95INGB0004921836"
SECOND_DEBTOR_IBAN = "NL64TRIO0379501686"

# The person who identifies at the broker and is authorised to sign alone in the register.
SIGNER_INITIALS = "W."
SIGNER_FIRST_NAMES = "Wouter"
SIGNER_PREFIX = "de"
SIGNER_LAST_NAME = "Jong"
SIGNER_BIRTH_DATE = "1980-04-12"

# A second company with another KvK number, to test mapping the wrong company.
SECOND_COMPANY_NAME = "Duinrand Catering BV"
SECOND_KVK_NUMBER = "57842019"
SECOND_COMPANY_NUMBER = 4410
SECOND_COMPANY_IBAN = "NL24RABO0318264092"

# Nmbrs
NMBRS_SUBDOMAIN = "demo"
NMBRS_USER = "wouter@demobv.example"
NMBRS_TOKEN = "5f0c6b1e9d7a4e2c8b35a1f49c6e0d27"

# Nmbrs over REST: the app's OAuth client, and its subscription key of the developer portal.
NMBRS_CLIENT_ID = "bizcuit-nmbrs"
NMBRS_CLIENT_SECRET = "sandbox-nmbrs-secret"
NMBRS_SUBSCRIPTION_KEY = "sandbox-subscription-key"

# The client at the identity broker.
OIDC_CLIENT_ID = "bizcuit"
OIDC_CLIENT_SECRET = "sandbox-secret"

KVK_API_KEY = "sandbox-kvk-key"


@dataclass(frozen=True)
class Payee:
    """An employee in payroll; net pay in integer cents."""

    initials: str
    first_name: str
    prefix: str
    last_name: str
    payment_name: str
    iban: str
    cents: int


PAYEES = (
    Payee("W.", "Wouter", "de", "Jong", "Jong, Wouter de", "NL42INGB2268352412", 344808),
    Payee("N.", "Naomi", "", "Donkersloot Meijer", "Donkersloot Meijer, Naomi", "NL52ABNA7650143244", 261100),
    Payee("L.", "Lisanne", "", "Schuurman", "Schuurman, Lisanne", "NL57ABNA7134384551", 250008),
    Payee("J.", "Jose", "", "Silva", "Silva, Jose", "NL27RABO0315273237", 231250),
    Payee("A.", "Alek", "", "Nowak", "Nowak, Alek", "NL68TRIO0788875661", 224516),
    Payee("P.", "Pepijn", "", "Bakker", "Bakker, Pepijn", "NL61KNAB0257398104", 219826),
    Payee("F.", "Floor", "van", "Putten", "Putten, Floor van", "NL95ABNA0512348873", 226540),
    Payee("N.", "Noor", "de", "Vries", "Vries, Noor de", "NL86BUNQ2034567891", 222560),
)
TOTAL_CENTS = 1980608
