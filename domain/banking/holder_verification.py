"""Verifies account holders: compares the bank's name with the company's name in the business register.

Until the holder is verified, no transactions are shown (docs/manual.md, rule 2: verification is required by law).
Paying, balances and Nmbrs work meanwhile.
"""

import logging
import re
import unicodedata

from connectors.register.port import RegisterDown, UnknownCompany
from core.clock import utcnow
from domain.banking import manual_bank
from domain.common import audit
from domain.common.services import services
from models import BankAccount, BankConsent, Client, transaction
from models.states import HolderCheck

# Legal forms in lower case without dots; longer forms before the forms that they contain.
_LEGAL_FORMS = (
    "besloten vennootschap met beperkte aansprakelijkheid", "besloten vennootschap", "naamloze vennootschap",
    "vennootschap onder firma", "commanditaire vennootschap", "eenmanszaak", "maatschap", "stichting", "vereniging",
    "cooperatie", "bv", "nv", "vof", "cv", "ua", "ba", "wa", "io",
)  # fmt: skip
_LEGAL_FORM = re.compile(rf"\b(?:{'|'.join(_LEGAL_FORMS)})\b")
# "B.V.", "V O F": a row of single letters is read as one word
_LETTERS = re.compile(r"\b(?:[a-z] )+[a-z]\b")
log = logging.getLogger(__name__)
MAY_SHOW = (HolderCheck.MATCHED, HolderCheck.APPROVED)


def normalise_company_name(name: str) -> str:
    """Return a company name without case, accents, punctuation and legal form; word order stays.

    A name that consists only of a legal form stays as it is.
    """
    letters = "".join(c for c in unicodedata.normalize("NFKD", name).casefold() if not unicodedata.combining(c))
    words = " ".join(re.sub(r"[^\w]|_", " ", letters).split())
    joined = _LETTERS.sub(lambda match: match[0].replace(" ", ""), words)
    bare = " ".join(_LEGAL_FORM.sub(" ", joined).split())
    return (bare or joined).replace(" ", "")


def names_match(bank_name: str, register_name: str) -> bool:
    """Return whether both names are the same company. An empty name from the bank never matches."""
    return bool(normalise_company_name(bank_name)) and normalise_company_name(bank_name) == normalise_company_name(
        register_name
    )


def transactions_visible(account: BankAccount) -> bool:
    """Return whether the transactions of this account may be shown."""
    return account.holder_check in MAY_SHOW


def verify_holders(consent: BankConsent) -> int:
    """Approve each account of this consent whose holder's name matches the client's name in the register (KvK).

    An account is compared once per name from the bank; mismatches wait for an operator, whose decision stands. If the
    register cannot be asked, the next sync of the consent tries again. Returns the number of approved accounts.
    """
    unchecked = BankAccount.holder_check.is_null() & BankAccount.holder_checked_at.is_null()
    fresh = (BankAccount.consent == consent.id) & unchecked
    rows, client = list(BankAccount.select().where(fresh)), Client.get_by_id(consent.client_id)
    if not rows:
        return 0
    try:
        name = services().register.company(client.kvk_number).name
    except (RegisterDown, UnknownCompany) as error:
        log.info("holders of consent %s wait for the register: %s", consent.id, type(error).__name__)
        return 0
    return sum(_compare(row, name) for row in rows)


def _compare(row: BankAccount, register_name: str) -> bool:
    found = HolderCheck.MATCHED if names_match(row.holder_name, register_name) else None
    unchanged = (BankAccount.id == row.id) & (BankAccount.holder_name == row.holder_name)
    with transaction(row.client_id):
        values = {"holder_check": found, "holder_checked_at": utcnow()}
        kept = BankAccount.update(**values).where(unchanged, BankAccount.holder_checked_at.is_null()).execute()
        if kept:
            details = {"answer": found or "differs"}
            audit.record_event(row.client_id, audit.WORKER, "account.holder_compared", f"account:{row.id}", **details)
    return bool(kept and found)


def pending_holder_reviews() -> list[BankAccount]:
    """Return the accounts that wait for an operator's decision about the holder, each with its client."""
    query = BankAccount.select(BankAccount, BankConsent, Client).join(BankConsent).switch(BankAccount).join(Client)
    confirmed = BankConsent.holder_confirmed_at.is_null(False)
    confirmed &= BankAccount.bank != manual_bank.MANUAL_BANK_ID  # no bank, so no holder name and no transactions
    return list(query.where(BankAccount.holder_check.is_null(), confirmed).order_by(BankAccount.id))


def decide_holder(account: BankAccount, answer: str, reason: str, by: str) -> None:
    """Store an operator's decision, APPROVED or REJECTED (`HolderCheck`). The reason goes into the audit log.

    Raises:
    - ValueError: the answer is neither.
    """
    if answer not in (HolderCheck.APPROVED, HolderCheck.REJECTED):
        raise ValueError("a decision is yes or no")
    with transaction(account.client_id):
        values = {"holder_check": answer, "holder_checked_at": utcnow()}
        BankAccount.update(**values).where(BankAccount.id == account.id).execute()
        subject = f"account:{account.id}"
        details = {"answer": answer, "reason": reason, "by": by}
        audit.record_event(account.client_id, audit.OPERATOR, "account.holder_decided", subject, **details)
