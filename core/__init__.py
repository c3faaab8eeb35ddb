"""Small and pure: money, clock, ids, encryption, IBANs, SEPA text. Imports nothing of ours."""
