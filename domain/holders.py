"""Whose account it is: the name as the bank has it beside the name that the register knows.

Until that is settled nothing that was booked is shown (manual, "Toevoegen bankrekening": statutory
checks of the holder); paying, balances and Nmbrs go on meanwhile.
"""

import re
import unicodedata

from core.clock import utcnow
from domain import audit
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
MAY_SHOW = ("agrees", "yes")


def plain(name: str) -> str:
    """A company's name without case, accents, punctuation and legal form; the order of its words stays.

    A name that is nothing but a legal form stays as it is.
    """
    letters = "".join(c for c in unicodedata.normalize("NFKD", name).casefold() if not unicodedata.combining(c))
    words = " ".join(re.sub(r"[^\w]|_", " ", letters).split())
    joined = _LETTERS.sub(lambda found: found[0].replace(" ", ""), words)
    bare = " ".join(_FORM.sub(" ", joined).split())
    return (bare or joined).replace(" ", "")


def agree(bank_name: str, register_name: str) -> bool:
    """Whether both are the same company; a bank that gives no name agrees with nobody."""
    return bool(plain(bank_name)) and plain(bank_name) == plain(register_name)


def may_show(account: BankAccount) -> bool:
    """Whether what was booked on this account may be shown."""
    return account.holder_check in MAY_SHOW


def compare(link: BankLink, client: Client) -> int:
    """Settle by itself each account of this consent whose holder is the client; returns how many. In a transaction.

    What a person decided stays. An account whose name no longer agrees waits for a person.
    """
    settled = 0
    for row in BankAccount.select().where(BankAccount.link == link.id):
        if row.holder_check in ("yes", "no"):
            continue
        found = "agrees" if agree(row.holder_name, client.name) else None
        settled += found is not None
        if found != row.holder_check:
            values = {"holder_check": found, "holder_checked_at": utcnow() if found else None}
            BankAccount.update(**values).where(BankAccount.id == row.id).execute()
            audit.note(client.id, audit.WORKER, "account.holder_compared", f"account:{row.id}", answer=found or "waits")
    return settled


def waiting() -> list[BankAccount]:
    """Accounts whose holder the customer confirmed, and that a person has to look at; each with its client."""
    query = BankAccount.select(BankAccount, BankLink, Client).join(BankLink).switch(BankAccount).join(Client)
    confirmed = BankLink.holder_confirmed_at.is_null(False)
    return list(query.where(BankAccount.holder_check.is_null(), confirmed).order_by(BankAccount.id))


def decide(account: BankAccount, answer: str, reason: str, by: str) -> None:
    """A person's word, "yes" or "no", with the reason in the log."""
    if answer not in ("yes", "no"):
        raise ValueError("a decision is yes or no")
    with transaction():
        values = {"holder_check": answer, "holder_checked_at": utcnow()}
        BankAccount.update(**values).where(BankAccount.id == account.id).execute()
        subject = f"account:{account.id}"
        audit.note(account.client_id, audit.OPERATOR, "account.holder_decided", subject, answer=answer, reason=reason, by=by)
