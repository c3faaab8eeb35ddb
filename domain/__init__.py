"""The business rules: what may happen, and who may do it."""
