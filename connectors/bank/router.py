"""The bank by its line: each line names the adapter that speaks with it, and nobody else has to know which."""

from collections.abc import Mapping
from typing import Any

from connectors.bank.port import (
    Account,
    Adapter,
    Authorisation,
    Balance,
    Bank,
    BankConfig,
    Cancellation,
    ConsentStarted,
    ConsentState,
    NotDelivered,
    OrderPlaced,
    StatusReport,
    Transaction,
)


class BanksByAdapter:
    """The `Bank` protocol over several adapters. NotDelivered for a line whose adapter we were not given."""

    def __init__(self, adapters: Mapping[Adapter, Bank]) -> None:
        self._adapters = dict(adapters)

    def _of(self, line: BankConfig) -> Bank:
        found = self._adapters.get(line.adapter)
        if found is None:
            raise NotDelivered(f"bank {line.id}: there is no adapter {line.adapter}")
        return found

    def start_consent(self, line: BankConfig, *given: Any, **named: Any) -> ConsentStarted:
        return self._of(line).start_consent(line, *given, **named)

    def consent(self, line: BankConfig, *given: Any, **named: Any) -> ConsentState:
        return self._of(line).consent(line, *given, **named)

    def accounts(self, line: BankConfig, *given: Any, **named: Any) -> list[Account]:
        return self._of(line).accounts(line, *given, **named)

    def balance(self, line: BankConfig, *given: Any, **named: Any) -> Balance | None:
        return self._of(line).balance(line, *given, **named)

    def transactions(self, line: BankConfig, *given: Any, **named: Any) -> list[Transaction]:
        return self._of(line).transactions(line, *given, **named)

    def place_order(self, line: BankConfig, *given: Any, **named: Any) -> OrderPlaced:
        return self._of(line).place_order(line, *given, **named)

    def start_authorisation(self, line: BankConfig, *given: Any, **named: Any) -> Authorisation:
        return self._of(line).start_authorisation(line, *given, **named)

    def continue_authorisation(self, line: BankConfig, *given: Any, **named: Any) -> Authorisation:
        return self._of(line).continue_authorisation(line, *given, **named)

    def authorisation(self, line: BankConfig, *given: Any, **named: Any) -> str:
        return self._of(line).authorisation(line, *given, **named)

    def order_status(self, line: BankConfig, *given: Any, **named: Any) -> StatusReport:
        return self._of(line).order_status(line, *given, **named)

    def confirm_names(self, line: BankConfig, *given: Any, **named: Any) -> dict[str, str]:
        return self._of(line).confirm_names(line, *given, **named)

    def cancel_order(self, line: BankConfig, *given: Any, **named: Any) -> Cancellation:
        return self._of(line).cancel_order(line, *given, **named)
