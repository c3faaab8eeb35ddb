"""Stores of marks for tests: in memory, or out of reach."""

from dataclasses import dataclass, field

from connectors.marks import Mark


@dataclass
class MemoryMarks:
    """Keeps marks as long as the test lasts, whatever becomes of the database. `away`: it cannot be reached."""

    newest: list[Mark] = field(default_factory=list)
    kept: list[Mark] = field(default_factory=list)
    away: bool = False

    def keep(self, mark: Mark) -> None:
        self._reach()
        self.newest = [mark]
        if mark.order:
            self.kept.append(mark)

    def recent(self) -> list[Mark]:
        self._reach()
        return [*self.newest, *self.kept]

    def orders(self) -> list[Mark]:
        self._reach()
        return list(self.kept)

    def empty(self) -> None:
        """Forget everything, as a queue server that lost its memory."""
        self.newest, self.kept = [], []

    def _reach(self) -> None:
        if self.away:
            raise OSError("away")
