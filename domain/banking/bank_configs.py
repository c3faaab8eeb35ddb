"""Configuration of the banks: by id, for calls about an account or an order, and for display."""

from dataclasses import dataclass

from connectors.bank.directory import DirectoryError
from connectors.bank.order_formats import config_as_of_order
from connectors.bank.port import BankConfig
from domain.banking import manual_bank, oauth_grants
from domain.common.errors import BankUnavailable, UnknownBank
from domain.common.services import services
from models import BankAccount, BankOrder


@dataclass(frozen=True)
class BankOption:
    """A bank that a customer can choose."""

    id: str
    name: str
    signing: str
    adapter: str = "berlin_group"


def bank_config_of(bank_id: str) -> BankConfig:
    """Return the bank's configuration.

    Raises:
    - UnknownBank: the configuration no longer has it.
    - BankUnavailable
    """
    if manual_bank.is_manual(bank_id):
        return manual_bank.MANUAL_BANK
    try:
        return all_bank_configs()[bank_id]
    except KeyError as error:
        raise UnknownBank from error


def bank_config_for_account(account: BankAccount) -> BankConfig:
    """Return the configuration for calls about this account, with the customer's access token if the bank needs one."""
    return oauth_grants.with_access_token(bank_config_of(account.bank), account.consent)


def bank_config_for_order(order: BankOrder) -> BankConfig:
    """Return the configuration for calls about this order, with the message format that the order was built with.

    Raises:
    - UnknownBank
    - BankUnavailable
    """
    return config_as_of_order(bank_config_for_account(order.bank_account), order.message_format)


def all_bank_configs() -> dict[str, BankConfig]:
    """Return the configuration of every bank, by id.

    Raises:
    - BankUnavailable: the directory has never been reachable.
    """
    try:
        return services().banks.configs()
    except DirectoryError as error:
        raise BankUnavailable from error


def banks() -> list[BankOption]:
    """Return the banks to choose from.

    Raises:
    - BankUnavailable
    """
    configs = all_bank_configs().values()
    return [BankOption(config.id, config.name, config.signing, config.adapter) for config in configs]


def redirect_hosts() -> set[str]:
    """Return the hosts that a form may redirect to (CSP form-action); empty while the directory is unavailable."""
    try:
        return {host for config in all_bank_configs().values() for host in config.redirect_hosts}
    except BankUnavailable:
        return set()


def bank_config_or_default(bank_id: str) -> BankConfig:
    """Return the bank's configuration for display only: a placeholder while the directory is unavailable.

    The placeholder has no address, so nothing can be sent with it. To pay, use `bank_config_of`.
    """
    try:
        return bank_config_of(bank_id)
    except (BankUnavailable, UnknownBank):
        return BankConfig(bank_id, bank_id, "")
