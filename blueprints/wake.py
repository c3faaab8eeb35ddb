"""A screen may wake a job and nothing more; what must happen stands in the database already."""

from jobs import enqueue


def wake(name: str, *args: int) -> None:
    """Never raises: when the queue is away, the sweep finds what waits."""
    enqueue(name, *args)
