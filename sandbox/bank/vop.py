"""Verification of Payee by rule of name: which payees does the other bank know under another name?

Known accounts have a known holder. For every other Dutch account the name decides: with "Onbekend" in it
nobody of that name is there, with "Bijna" the holder has almost that name, anything else matches. An
account abroad cannot be checked.
"""

from typing import Any

from sandbox import demo

HOLDERS = {payee.iban: payee.payment_name for payee in demo.PAYEES}


def mismatches(blocks: list[list[list[Any]]]) -> list[dict[str, str]]:
    """One entry for each line that does not match, in the contract's words. Matches are not listed."""
    found = []
    for line in (line for lines in blocks for line in lines):
        match, holder = verdict(line[2], line[3])
        if match == "MTCH":
            continue
        entry = {"originalEndToEndId": line[0], "transactionStatus": "RVCM", "creditorNameMatch": match}
        found.append(entry | ({"matchedCreditorName": holder} if match == "CMTC" else {}))
    return found


def verdict(name: str, iban: str) -> tuple[str, str]:
    """(match code, the holder's name where it is a close match)"""
    if not iban.startswith("NL"):
        return "NOAP", ""
    holder = HOLDERS.get(iban)
    if holder is None:
        return by_rule(name)
    asked, known = words(name), words(holder)
    if asked == known:
        return "MTCH", holder
    return ("CMTC", holder) if asked & known else ("NMTC", "")


def by_rule(name: str) -> tuple[str, str]:
    if "onbekend" in words(name):
        return "NMTC", ""
    if "bijna" in words(name):
        return "CMTC", name.replace("Bijna", "Precies").replace("bijna", "precies")
    return "MTCH", name


def words(name: str) -> set[str]:
    """The words of a name without their order, case and signs; one letter alone does not count."""
    plain = "".join(sign if sign.isalnum() else " " for sign in name.lower())
    return {word for word in plain.split() if len(word) > 1} or set(plain.split())
