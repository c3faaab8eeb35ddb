"""Errors of the program or its operator, never caused by a user."""


class StateConflict(RuntimeError):
    """The transition is not allowed, or another request changed the state first."""


class OperatorRefused(RuntimeError):
    """On the command line: nobody signed in as an operator. The text says why."""


class OrderMismatch(RuntimeError):
    """The file, the release and the database do not agree."""
