"""Texts of the payment pages, in the reader's language, without database access."""
