"""Whose account it is: the name as the bank has it beside the name that the register knows.

Until that is settled nothing that was booked is shown (docs/manual.md, rule 2: the holder is
verified by law); paying, balances and Nmbrs go on meanwhile.
"""

import logging
import re
import unicodedata

from connectors.register.port import RegisterDown, UnknownCompany
from core.clock import utcnow
from domain.banking import manual_bank
from domain.common import audit
from domain.common.services import services
from models import BankAccount, BankLink, Client, transaction

# Legal forms, spelt without points and in small letters; the longer before what they hold.
_FORMS = (
    "besloten vennootschap met beperkte aansprakelijkheid", "besloten vennootschap", "naamloze vennootschap",
    "vennootschap onder firma", "commanditaire vennootschap", "eenmanszaak", "maatschap", "stichting", "vereniging",
    "cooperatie", "bv", "nv", "vof", "cv", "ua", "ba", "wa", "io",
)  # fmt: skip
_FORM = re.compile(rf"\b(?:{'|'.join(_FORMS)})\b")
# "B.V.", "V O F": letters that stand alone are one word
_LETTERS = re.compile(r"\b(?:[a-z] )+[a-z]\b")
log = logging.getLogger(__name__)
MAY_SHOW = ("agrees", "yes")


def normalise_company_name(name: str) -> str:
    """A company's name without case, accents, punctuation and legal form; the order of its words stays.

    A name that is nothing but a legal form stays as it is.
    """
    letters = "".join(c for c in unicodedata.normalize("NFKD", name).casefold() if not unicodedata.combining(c))
    words = " ".join(re.sub(r"[^\w]|_", " ", letters).split())
    joined = _LETTERS.sub(lambda found: found[0].replace(" ", ""), words)
    bare = " ".join(_FORM.sub(" ", joined).split())
    return (bare or joined).replace(" ", "")


def names_match(bank_name: str, register_name: str) -> bool:
    """Whether both are the same company; a bank that gives no name agrees with nobody."""
    return bool(normalise_company_name(bank_name)) and normalise_company_name(bank_name) == normalise_company_name(
        register_name
    )


def transactions_visible(account: BankAccount) -> bool:
    """Whether what was booked on this account may be shown."""
    return account.holder_check in MAY_SHOW


def verify_holders(link: BankLink) -> int:
    """Settle by itself each account of this consent whose holder is the client as the KvK names it; returns how many.

    An account is compared once per name that the bank gave: what a person decided stays, and what differs
    waits for one. While the register is away nothing is settled; the next look at the consent tries again.
    """
    fresh = (BankAccount.link == link.id) & BankAccount.holder_check.is_null() & BankAccount.holder_checked_at.is_null()
    rows, client = list(BankAccount.select().where(fresh)), Client.get_by_id(link.client_id)
    if not rows:
        return 0
    try:
        name = services().register.company(client.kvk_number).name
    except (RegisterDown, UnknownCompany) as error:
        log.info("holders of link %s wait for the register: %s", link.id, type(error).__name__)
        return 0
    return sum(_compare(row, name) for row in rows)


def _compare(row: BankAccount, register_name: str) -> bool:
    found = "agrees" if names_match(row.holder_name, register_name) else None
    unchanged = (BankAccount.id == row.id) & (BankAccount.holder_name == row.holder_name)
    with transaction(row.client_id):
        values = {"holder_check": found, "holder_checked_at": utcnow()}
        kept = BankAccount.update(**values).where(unchanged, BankAccount.holder_checked_at.is_null()).execute()
        if kept:
            said = {"answer": found or "differs"}
            audit.record_event(row.client_id, audit.WORKER, "account.holder_compared", f"account:{row.id}", **said)
    return bool(kept and found)


def pending_holder_reviews() -> list[BankAccount]:
    """Accounts whose holder the customer confirmed, and that a person has to look at; each with its client."""
    query = BankAccount.select(BankAccount, BankLink, Client).join(BankLink).switch(BankAccount).join(Client)
    confirmed = BankLink.holder_confirmed_at.is_null(False)
    confirmed &= BankAccount.bank != manual_bank.MANUAL_BANK_ID  # no bank says whose it is, and nothing of it is shown
    return list(query.where(BankAccount.holder_check.is_null(), confirmed).order_by(BankAccount.id))


def decide_holder(account: BankAccount, answer: str, reason: str, by: str) -> None:
    """A person's word, "yes" or "no", with the reason in the log."""
    if answer not in ("yes", "no"):
        raise ValueError("a decision is yes or no")
    with transaction(account.client_id):
        values = {"holder_check": answer, "holder_checked_at": utcnow()}
        BankAccount.update(**values).where(BankAccount.id == account.id).execute()
        subject = f"account:{account.id}"
        said = {"answer": answer, "reason": reason, "by": by}
        audit.record_event(account.client_id, audit.OPERATOR, "account.holder_decided", subject, **said)
