"""IBANs: checked by ISO 7064 mod 97 and the registry's structure, grouped for people."""

from functools import lru_cache

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException


@lru_cache(maxsize=32_768)
def normalise(text: str) -> str:
    """The IBAN without spaces, in capitals. ValueError when it is not a valid one."""
    try:
        return str(IBAN(text))
    except SchwiftyException as error:
        raise ValueError("not a valid IBAN") from error


def valid(text: str) -> bool:
    try:
        normalise(text)
    except ValueError:
        return False
    return True


def grouped(iban: str) -> str:
    """In fours, as banks print it: NL42 INGB 2268 3524 12."""
    return " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))
