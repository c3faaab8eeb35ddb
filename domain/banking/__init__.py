"""Bank links: consents, the accounts below them, their holders and balances, and each bank's configuration.

Ask it to start or complete a consent, for the accounts that may pay, or for the configuration of a bank.
"""
