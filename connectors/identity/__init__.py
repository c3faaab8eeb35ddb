"""Identify a person through an identity broker."""
