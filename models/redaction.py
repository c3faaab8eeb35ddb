"""What stands in place of the details of people that were removed. The triggers let exactly this through."""

# A name, description or reason; no payee has this name and no account.
REMOVED = "-"
REMOVED_IBAN = ""
