"""The payroll data in the format of the vendor's REST contract."""

from datetime import UTC, datetime

from sandbox import clock
from sandbox.nmbrs import ledger_data, payroll, staff
from sandbox.nmbrs.people import bic
from sandbox.store import Document

# Creation date of the initial companies and employees.
BEGIN = "2024-01-01T00:00:00+01:00"
BEGIN_PERIOD = {"year": 2024, "period": 1}
BANK_NAMES = {
    "INGB": "ING", "RABO": "Rabobank", "ABNA": "ABN AMRO", "KNAB": "Knab", "TRIO": "Triodos Bank", "BUNQ": "bunq",
    "SNSB": "SNS", "ASNB": "ASN Bank", "RBRB": "RegioBank",
}  # fmt: skip


def utc(text: str) -> str:
    """Format a stored datetime (Amsterdam time, with or without offset) as UTC."""
    read = datetime.fromisoformat(text)
    aware = read if read.tzinfo else read.replace(tzinfo=clock.AMSTERDAM)
    return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def debtor(doc: Document) -> Document:
    return {"debtorId": ledger_data.guid("Debtor", doc["id"]), "number": doc["number"], "name": doc["name"]}


def company(doc: Document) -> Document:
    return {
        "companyId": ledger_data.guid("Company", doc["id"]),
        "number": str(doc["number"]),
        "name": doc["name"],
        "debtorId": ledger_data.guid("Debtor", doc["debtor"]),
    }


def company_account(doc: Document) -> Document:
    return {
        "bankAccountNumber": doc["iban"][8:].lstrip("0"),
        "IBAN": doc["iban"],
        "BIC": bic(doc["iban"]),
        "bankName": BANK_NAMES[doc["iban"][4:8]],
        "createdAt": utc(BEGIN),
        "period": BEGIN_PERIOD,
    }


def run(doc: Document) -> Document:
    return {
        "payrollRunId": ledger_data.guid("Run", doc["id"]),
        "number": doc["number"],
        "description": doc["description"],
        "year": doc["year"],
        "periodStart": doc["period"],
        "periodEnd": doc["period"],
        "createdAt": utc(doc["run_at"]),
        "type": doc.get("kind", "normal"),
        "locked": doc["locked"],
    }


def employee_in_run(person: Document) -> Document:
    return {"employeeId": ledger_data.guid("Employee", person["id"]), "employeeNumber": person["number"]}


def wage_tax(doc: Document) -> Document:
    first, last = payroll.days_of(doc["year"], doc["period"])
    return {
        "wageTaxId": ledger_data.guid("WageTax", doc["id"]),
        "serialNumber": doc["serial"],
        "totalGeneral": doc["euros"],
        "paymentReference": doc["reference"],
        "period": doc["period"],
        "year": doc["year"],
        "status": "Verzonden",
        "sentAt": utc(doc["sent_at"]),
        "periodStart": first.isoformat(),
        "periodEnd": last.isoformat(),
        "correctionPeriodStart": None,
        "correctionPeriodEnd": None,
    }


def personal_info(person: Document) -> Document:
    basic = {
        "employeeNumber": person["number"],
        "firstName": person["first_name"],
        "firstNameInFull": person["first_name"],
        "prefix": person["prefix"] or None,
        "initials": person["initials"],
        "lastName": person["last_name"],
        "employeeType": "formerPayroll" if person.get("dismissed") else "payroll",
    }
    info = {
        "personalInfoId": ledger_data.guid("PersonalInfo", person["id"]),
        "basicInfo": basic,
        "period": BEGIN_PERIOD,
        "createdAt": since(person),
    }
    return {"employeeId": ledger_data.guid("Employee", person["id"]), "info": [info]}


def employee_accounts(person: Document) -> Document:
    accounts = [
        {
            "bankAccountId": ledger_data.guid("BankAccount", person["id"] + 1_000_000 * index),
            "number": iban[8:].lstrip("0"),
            "description": "Hoofdrekening",
            "IBAN": iban,
            "name": name,
            "bankAccountType": f"bankAccount{index + 1}",
            "createdAt": since(person),
        }
        for index, (iban, name) in enumerate(staff.accounts_of(person))
    ]
    return {"employeeId": ledger_data.guid("Employee", person["id"]), "bankAccounts": accounts}


def since(person: Document) -> str:
    return utc(person.get("since", BEGIN))


def user(doc: Document, debtor_id: int) -> Document:
    return {
        "name": doc["email"].partition("@")[0].replace(".", " ").title(),
        "email": doc["email"],
        "language": "NL",
        "debtorId": ledger_data.guid("Debtor", debtor_id),
        "userId": ledger_data.guid("User", doc["email"]),
    }
