"""Verification of Payee by simple rules: which payees have another name at their bank?

Demo payees have a known holder. For other Dutch accounts the name decides: "Onbekend" is no match, "Bijna" is a close
match, anything else matches. A foreign account cannot be verified.
"""

from typing import Any

from sandbox import demo

HOLDERS = {payee.iban: payee.payment_name for payee in demo.PAYEES}


def mismatches(blocks: list[list[list[Any]]]) -> list[dict[str, str]]:
    """Return an entry for each payment without a full match, with Berlin Group's codes."""
    found = []
    for line in (line for lines in blocks for line in lines):
        match, holder = verdict(line[2], line[3])
        if match == "MTCH":
            continue
        entry = {"originalEndToEndId": line[0], "transactionStatus": "RVCM", "creditorNameMatch": match}
        found.append(entry | ({"matchedCreditorName": holder} if match == "CMTC" else {}))
    return found


def verdict(name: str, iban: str) -> tuple[str, str]:
    """Return the match code, and the account holder's name for a close match."""
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
    """Return the words of a name as a set, without case and punctuation; single letters are ignored."""
    plain = "".join(sign if sign.isalnum() else " " for sign in name.lower())
    return {word for word in plain.split() if len(word) > 1} or set(plain.split())
