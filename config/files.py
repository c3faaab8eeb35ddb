"""Load each file that a setting names once, so that a wrong path stops the start and not the first payment."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.reader import Reader
from config.settings import Config
from connectors.bank import http_signatures
from connectors.bank.directory import read_configs
from connectors.bank.ponto_transport import signer_of
from connectors.bank.port import BankConfig
from connectors.bank.transport import tls_with


def check_files(read: Reader, settings: Config) -> None:
    """Note every file that is missing or cannot be used for its purpose."""
    if settings.banks and "://" not in settings.banks:
        banks_of(read, settings.banks)
    if settings.bank_key and settings.bank_certificate:
        with _named(read, "BANK_KEY"):
            http_signatures.load(Path(settings.bank_key), Path(settings.bank_certificate))
    if settings.bank_tls_key and settings.bank_tls_certificate:
        with _named(read, "BANK_TLS_CERTIFICATE"):
            tls_with(Path(settings.bank_tls_certificate), Path(settings.bank_tls_key))
    if settings.ponto_tls_key and settings.ponto_tls_certificate:
        with _named(read, "PONTO_TLS_CERTIFICATE"):
            tls_with(Path(settings.ponto_tls_certificate), Path(settings.ponto_tls_key))
    if settings.ponto_signature_key:
        with _named(read, "PONTO_SIGNATURE_KEY"):
            signer_of(settings.ponto_signature_key, settings.ponto_signature_key_id)
    if settings.kvk_certificate:
        with _named(read, "KVK_CERTIFICATE"):
            tls_with(Path(settings.kvk_certificate), Path(settings.kvk_certificate))


def banks_of(read: Reader, path: str) -> list[BankConfig]:
    """Return the banks in the file; none if it cannot be used, which is noted."""
    if path:
        with _named(read, "BANKS"):
            return list(read_configs(Path(path).read_text("utf-8")).values())
    return []


@contextmanager
def _named(read: Reader, name: str) -> Iterator[None]:
    """Note that the file of this setting cannot be used, if loading it fails."""
    try:
        yield
    except OSError as error:
        read.refuse(name, f"cannot be read: {error.strerror}")
    except (ValueError, TypeError) as error:
        read.refuse(name, f"cannot be used: {str(error).splitlines()[0]}")
