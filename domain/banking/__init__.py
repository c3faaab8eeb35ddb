"""Bank consents, the accounts under them, their holders and balances, and the configuration of each bank.

Ask it to start or complete a consent, for the accounts that may pay, or for the configuration of a bank.
"""
