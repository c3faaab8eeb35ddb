"""Small, pure modules: money, clock, bank days, ids, encryption, IBANs, SEPA text. They import none of our packages."""
