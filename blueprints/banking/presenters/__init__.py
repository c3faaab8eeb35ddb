"""Texts of the banking pages, in the reader's language."""
