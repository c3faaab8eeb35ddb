"""The line of accounts without a bank link: what is approved for them is a file that a person takes to the bank."""

from connectors.bank import port

# No bank's id: directories name banks, and this is none.
BANK = "by_hand"
# The pin proves a release, as no bank asks for a signature of its own before the file is there.
# The address is empty: nothing can be sent by it.
LINE = port.BankConfig(BANK, "Zonder bankkoppeling", "", signing="delegated")


def is_by_hand(bank_id: str) -> bool:
    return bank_id == BANK
