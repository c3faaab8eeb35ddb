"""Select the adapter that a bank's configuration names, and report each call of it."""

from collections.abc import Mapping
from typing import Any

from connectors import calls
from connectors.bank.port import (
    Account,
    Adapter,
    Authorisation,
    Balance,
    Bank,
    BankConfig,
    BankRefused,
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

    def _ask(self, config: BankConfig, operation: str, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Call the adapter's operation, and report how it went."""
        with calls.reported("bank", operation, which=config.id, refusals=(BankRefused,)):
            return getattr(self._of(config), operation)(config, *given, **named)

    def start_consent(self, config: BankConfig, *given: Any, **named: Any) -> ConsentStarted:
        return self._ask(config, "start_consent", given, named)

    def consent(self, config: BankConfig, *given: Any, **named: Any) -> ConsentState:
        return self._ask(config, "consent", given, named)

    def end_consent(self, config: BankConfig, *given: Any, **named: Any) -> None:
        self._ask(config, "end_consent", given, named)

    def accounts(self, config: BankConfig, *given: Any, **named: Any) -> list[Account]:
        return self._ask(config, "accounts", given, named)

    def balance(self, config: BankConfig, *given: Any, **named: Any) -> Balance | None:
        return self._ask(config, "balance", given, named)

    def transactions(self, config: BankConfig, *given: Any, **named: Any) -> list[Transaction]:
        return self._ask(config, "transactions", given, named)

    def place_order(self, config: BankConfig, *given: Any, **named: Any) -> OrderPlaced:
        return self._ask(config, "place_order", given, named)

    def start_authorisation(self, config: BankConfig, *given: Any, **named: Any) -> Authorisation:
        return self._ask(config, "start_authorisation", given, named)

    def continue_authorisation(self, config: BankConfig, *given: Any, **named: Any) -> Authorisation:
        return self._ask(config, "continue_authorisation", given, named)

    def authorisation(self, config: BankConfig, *given: Any, **named: Any) -> str:
        return self._ask(config, "authorisation", given, named)

    def order_status(self, config: BankConfig, *given: Any, **named: Any) -> StatusReport:
        return self._ask(config, "order_status", given, named)

    def confirm_names(self, config: BankConfig, *given: Any, **named: Any) -> dict[str, str]:
        return self._ask(config, "confirm_names", given, named)

    def cancel_order(self, config: BankConfig, *given: Any, **named: Any) -> Cancellation:
        return self._ask(config, "cancel_order", given, named)
