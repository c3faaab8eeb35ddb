"""The base of all errors that a user sees, and the one that every room raises."""


class DomainError(Exception):
    """An error that is shown to the user."""


class NotFound(DomainError):
    """It does not exist or belongs to another client: one answer for both, so that nothing leaks."""
