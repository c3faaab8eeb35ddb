"""Configuration for accounts without a bank link: an approved order is a file that a person uploads at the bank."""

from connectors.bank import port

# Not the id of a bank: no directory lists it.
MANUAL_BANK_ID = "by_hand"
# The pin authenticates a release, because no bank asks for SCA before the file is uploaded.
# The address is empty, so nothing can be sent.
MANUAL_BANK = port.BankConfig(MANUAL_BANK_ID, "Zonder bankkoppeling", "", signing="delegated")


def is_manual(bank_id: str) -> bool:
    return bank_id == MANUAL_BANK_ID
