"""Migrate a store of an earlier version: documents move from one kind to a kind per company or debtor."""

from sandbox.nmbrs import ledger_data, payroll, staff, webhooks
from sandbox.store import Store


def upgrade(store: Store) -> None:
    """Migrate the payroll data; a new or migrated store stays as it is."""
    if store.get("sandbox", "seeded") is None or store.get("nmbrs_form", "two") is not None:
        return
    with store.as_one():
        number_companies(store)
        spread(store, "nmbrs_employee", "company")
        spread(store, webhooks.SETTING, "debtor")
        spread(store, webhooks.SENT, "debtor")
        for company in ledger_data.companies():
            index_company(store, company["id"])
        store.put("nmbrs_form", "two", {})


def mark(store: Store) -> None:
    """Mark a new store as current."""
    store.put("nmbrs_form", "two", {})


def number_companies(store: Store) -> None:
    everyone = ledger_data.companies()
    for debtor in ledger_data.debtors():
        mine = [doc["id"] for doc in everyone if doc["debtor"] == debtor["id"]]
        store.put("nmbrs_debtor", debtor["id"], debtor | {"companies": mine})
        ledger_data.keep_guid("Debtor", debtor["id"])


def spread(store: Store, kind: str, owner: str) -> None:
    """Move every document of a kind to the kind of its owner."""
    for doc in store.all(kind):
        store.put(f"{kind}:{doc[owner]}", doc["id"], doc)
    store.clear(kind)


def index_company(store: Store, company_id: int) -> None:
    ledger_data.keep_guid("Company", company_id)
    for employee in staff.in_books(company_id):
        store.put("nmbrs_employer", employee["id"], {"company": company_id})
    for year in range(2020, 2031):
        for run in payroll.runs(company_id, year):
            payroll.add_run(run)
