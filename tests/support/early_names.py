"""Name checks before a payment in tests: the adapter of production, at the sandbox."""

from dataclasses import replace

from connectors.names.surepay import SurePay
from connectors.names.transport import NameServiceSettings
from domain.common.services import configure, services
from domain.payments import early_name_checks
from models import NameCheckTask
from tests.support.sandbox import Sandbox


def with_name_service(sandbox: Sandbox, timeout: float = 5) -> None:
    """Have names checked by the sandbox, of every payment that is made from now on."""
    settings = NameServiceSettings(f"{sandbox.url}/names/surepay", "sandbox-names-secret", "bizcuit-names", timeout)
    configure(replace(services(), names=SurePay(settings)))


def check_due() -> int:
    """Do what a worker does with the tasks that are due. Returns how many names were checked."""
    return sum(early_name_checks.check_names(one) for one in early_name_checks.due_name_checks())


def make_due() -> None:
    """Let the pause before the next attempt be over."""
    task = NameCheckTask.get()
    NameCheckTask.update(due_at=task.due_at and "2020-01-01 00:00:00").where(NameCheckTask.id == task.id).execute()
