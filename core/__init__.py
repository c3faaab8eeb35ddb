"""Small modules that import none of our packages: money, clock, bank days, ids, encryption, IBANs, SEPA text, files."""
