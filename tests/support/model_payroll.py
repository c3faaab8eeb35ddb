"""A payroll program that lives in this process: runs that are made, made again, lost and written in files."""

from dataclasses import dataclass, field
from datetime import datetime

from connectors.nmbrs.port import Employee, RunInfo
from tests.support.pain001_builder import Line, file_of

Wage = tuple[str, str, int]  # name, account, cents


@dataclass
class ModelRun:
    """A run of one year as payroll has it now. `gone`: it is not listed; `broken`: its file cannot be read."""

    year: int
    number: int
    wages: tuple[Wage, ...]
    run_at: datetime
    gone: bool = False
    broken: bool = False

    @property
    def id(self) -> str:
        return f"{self.year}{self.number:02}"


@dataclass
class ModelPayroll:
    """The payroll program behind the port of the connectors. Each year numbers its runs from one."""

    most_account_owners = 0
    runs_of: dict[str, ModelRun] = field(default_factory=dict)  # by id
    news: bool = False  # something changed since it was last asked

    def run(self, run: ModelRun) -> None:
        """Take this run in place of what it was before."""
        self.runs_of[run.id], self.news = run, True

    def newest(self, number: int) -> ModelRun | None:
        """Return the run with this number of the last year that has one."""
        mine = [run for run in self.runs_of.values() if run.number == number]
        return max(mine, key=lambda run: run.year, default=None)

    def runs(self, credentials: object, company_id: str, year: int) -> list[RunInfo]:
        listed = [run for run in self.runs_of.values() if run.year == year and not run.gone]
        return [RunInfo(run.id, run.number, year, 0, 0, "november", run.run_at, True) for run in listed]

    def sepa_file(self, credentials: object, company_id: str, run_id: str, *given: object) -> bytes | None:
        run = self.runs_of[run_id]
        if run.broken:
            return b"<Document/>"
        lines = [Line(cents, name, account, f"E{at}") for at, (name, account, cents) in enumerate(run.wages)]
        return file_of(*lines).raw() if lines else None

    def employees_in_run(self, *given: object) -> list[str]:
        return []

    def employees(self, *given: object) -> list[Employee]:
        return []
