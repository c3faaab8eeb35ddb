"""Accounts grouped by bank, with their balances."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext as _
from markupsafe import Markup

from blueprints.banking.presenters.consents import ConsentNote, present_consent
from blueprints.web.formatters import euro, moment
from blueprints.web.parts import Task
from core.hidden_characters import show_hidden
from core.iban import format_iban, is_g_account
from domain.banking.bank_accounts import AccountView
from domain.banking.consents import ConsentView
from domain.banking.holder_verification import MAY_SHOW
from models import BankConsent
from models.states import HolderCheck


@dataclass(frozen=True)
class BankGroup:
    """The accounts of one consent; with `note` if the consent needs attention."""

    bank_name: str
    note: ConsentNote | None
    accounts: list[Task]


def group_accounts(accounts: Sequence[AccountView], consents: dict[int, ConsentView]) -> list[BankGroup]:
    """Return the accounts grouped by consent. `consents`: by id."""
    return [
        BankGroup(
            bank_name=consent.bank_name,
            note=present_consent(consent) if consent.needs_attention else None,
            accounts=[_account_task(account) for account in accounts if account.consent_id == consent_id],
        )
        for consent_id, consent in consents.items()
    ]


def _account_task(account: AccountView) -> Task:
    known = _("saldo van %(moment)s", moment=moment(account.balance_at)) if account.balance_at else ""
    g_account = _("G-rekening: alleen voor loonheffing en btw.") if is_g_account(account.iban) else ""
    about = filter(None, (format_iban(account.iban), known, g_account, _holder_note(account)))
    return Task(
        url=url_for("banking.list_transactions", account_id=account.id),
        icon="bank",
        title=_name(account),
        text=Markup("<br>").join(map(show_hidden, about)),
        right=_("saldo onbekend") if account.balance_cents is None else euro(account.balance_cents),
        initials=bank_initials(account.bank_name),
    )


def _name(account: AccountView) -> str:
    """Return the account's name with its last four digits: an entrepreneur may have two of one name."""
    return f"{account.name} ··{account.iban[-4:]}"


def bank_initials(name: str) -> str:
    return name[:2].upper()


def new_account_task(account: AccountView) -> Task:
    """Return the list row of an account whose holder is unconfirmed."""
    balance = "" if account.balance_cents is None else euro(account.balance_cents)
    return Task(
        "", "bank", _name(account), format_iban(account.iban), right=balance, initials=bank_initials(account.bank_name)
    )


def unconfirmed_task(consent: BankConsent) -> Task:
    """Return the list row that leads to confirming the holder of a consent's accounts."""
    text = _(
        "Je hebt toestemming gegeven bij %(bank)s. Bevestig de tenaamstelling, dan kun je van die rekening betalen.",
        bank=consent.bank_name or consent.bank,
    )
    url = url_for("banking.confirm_holder", consent_id=consent.id)
    return Task(url, "bank", _("Bevestig de tenaamstelling"), text, "warn")


def _holder_note(account: AccountView) -> str:
    """Return why the transactions of this account are not shown; "" if they are."""
    if account.holder_check in MAY_SHOW:
        return ""
    if account.holder_check == HolderCheck.REJECTED:
        return _("Je ziet hier geen transacties: de rekening staat niet op naam van je bedrijf.")
    return _("De transacties volgen nog: we controleren of de rekening van je bedrijf is. Betalen kan al.")
