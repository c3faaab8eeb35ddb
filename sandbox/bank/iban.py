"""Is this an IBAN? (ISO 13616: two check digits over the whole, modulo 97.)"""

import re

FORM = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")


def valid_iban(text: str) -> bool:
    """Whether the text is an IBAN in its electronic form (capitals, no spaces); Dutch ones are 18 long."""
    if not FORM.fullmatch(text) or (text.startswith("NL") and len(text) != 18):
        return False
    return int("".join(str(int(sign, 36)) for sign in text[4:] + text[:4])) % 97 == 1
