"""Texts of the payroll pages, in the reader's language."""
