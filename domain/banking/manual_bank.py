"""The line of accounts without a bank link: what is approved for them is a file that a person takes to the bank."""

from connectors.bank import port

# No bank's id: directories name banks, and this is none.
MANUAL_BANK_ID = "by_hand"
# The pin proves a release, as no bank asks for a signature of its own before the file is there.
# The address is empty: nothing can be sent by it.
MANUAL_BANK = port.BankConfig(MANUAL_BANK_ID, "Zonder bankkoppeling", "", signing="delegated")


def is_manual(bank_id: str) -> bool:
    return bank_id == MANUAL_BANK_ID
