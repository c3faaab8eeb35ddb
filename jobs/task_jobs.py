"""What the queue may hold: calls of the functions in `jobs.tasks` with ids, written as JSON.

RQ by itself unpickles what it finds and calls any function by its name, so that whoever can write to the queue server
could run any code in a worker. Such an entry fails here, and nothing is lost: the sweep finds the work in the database.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from rq.job import Job
from rq.serializers import JSONSerializer

from core import log_context
from jobs import task_tally

SERIALIZER = JSONSerializer
_TASKS = "jobs.tasks"


class NoTask(Exception):
    """An entry of the queue that is no call of a task."""


class TaskJob(Job):
    """A job that calls a public function which is defined in `jobs.tasks`, and nothing else."""

    @property
    def func(self) -> Callable[..., Any]:
        module, _, name = (self.func_name or "").rpartition(".")
        found = getattr(import_module(_TASKS), name, None) if module == _TASKS and not name.startswith("_") else None
        if self.instance is not None or not callable(found) or found.__module__ != _TASKS:
            raise NoTask("an entry of the queue is no task of ours")
        return found

    def perform(self) -> Any:
        task = self.func.__name__  # what is no task fails here, and is not counted
        with log_context.of_job(task, self.id, self.meta.get("request")), task_tally.counted(self.connection, task):
            return super().perform()

    @property
    def success_callback(self) -> None:
        return self._none(self._success_callback_name)

    @property
    def failure_callback(self) -> None:
        return self._none(self._failure_callback_name)

    @property
    def stopped_callback(self) -> None:
        return self._none(self._stopped_callback_name)

    @staticmethod
    def _none(name: str | None) -> None:
        if name:
            raise NoTask("an entry of the queue has a callback")
