"""The base class of all errors that a user sees, and NotFound, which every package raises."""


class DomainError(Exception):
    """An error that is shown to the user."""


class NotFound(DomainError):
    """It does not exist or belongs to another client: one answer for both, so that nothing leaks."""
