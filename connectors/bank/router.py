"""Select the adapter that a bank's configuration names."""

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
    """The `Bank` port over several adapters.

    Raises:
    - NotDelivered: from any operation, if the bank's adapter is not available.
    """

    def __init__(self, adapters: Mapping[Adapter, Bank]) -> None:
        self._adapters = dict(adapters)

    def _of(self, config: BankConfig) -> Bank:
        found = self._adapters.get(config.adapter)
        if found is None:
            raise NotDelivered(f"bank {config.id}: there is no adapter {config.adapter}")
        return found

    def start_consent(self, config: BankConfig, *given: Any, **named: Any) -> ConsentStarted:
        return self._of(config).start_consent(config, *given, **named)

    def consent(self, config: BankConfig, *given: Any, **named: Any) -> ConsentState:
        return self._of(config).consent(config, *given, **named)

    def end_consent(self, config: BankConfig, *given: Any, **named: Any) -> None:
        self._of(config).end_consent(config, *given, **named)

    def accounts(self, config: BankConfig, *given: Any, **named: Any) -> list[Account]:
        return self._of(config).accounts(config, *given, **named)

    def balance(self, config: BankConfig, *given: Any, **named: Any) -> Balance | None:
        return self._of(config).balance(config, *given, **named)

    def transactions(self, config: BankConfig, *given: Any, **named: Any) -> list[Transaction]:
        return self._of(config).transactions(config, *given, **named)

    def place_order(self, config: BankConfig, *given: Any, **named: Any) -> OrderPlaced:
        return self._of(config).place_order(config, *given, **named)

    def start_authorisation(self, config: BankConfig, *given: Any, **named: Any) -> Authorisation:
        return self._of(config).start_authorisation(config, *given, **named)

    def continue_authorisation(self, config: BankConfig, *given: Any, **named: Any) -> Authorisation:
        return self._of(config).continue_authorisation(config, *given, **named)

    def authorisation(self, config: BankConfig, *given: Any, **named: Any) -> str:
        return self._of(config).authorisation(config, *given, **named)

    def order_status(self, config: BankConfig, *given: Any, **named: Any) -> StatusReport:
        return self._of(config).order_status(config, *given, **named)

    def confirm_names(self, config: BankConfig, *given: Any, **named: Any) -> dict[str, str]:
        return self._of(config).confirm_names(config, *given, **named)

    def cancel_order(self, config: BankConfig, *given: Any, **named: Any) -> Cancellation:
        return self._of(config).cancel_order(config, *given, **named)
