"""Identification of a person at a broker."""
