"""The business: what may happen and who may do it."""
