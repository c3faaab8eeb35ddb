"""Read one payment of the file (CdtTrfTxInf), and decide whether it can be made."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from lxml import etree

from connectors.nmbrs.payment_file.content import SCOR, FileRefused, StructuredReference
from connectors.nmbrs.payment_file.texts import folded, folded_at
from connectors.xml_document import child, children, local_name, texts
from core.iban import in_sepa, normalise
from core.sepa_text import NAME, REFERENCE, is_reference, is_sepa, to_sepa

MOST_CENTS = 999_999_999_99  # maximum of one SEPA credit transfer (EPC rulebook, AT-04)
# The fields of a payment, as paths of local names. Only Ustrd and Strd may occur more than once.
_FIELDS = ("PmtId/EndToEndId", "Amt/*", "Cdtr/Nm", "CdtrAcct/Id/IBAN", "RmtInf/*")


def why_held(name: str, iban: str, currency: str, amount_cents: int | None) -> str | None:
    """Return why a payment cannot be made; None when it can."""
    if currency != "EUR":
        return "other_currency"
    if not name:
        return "no_name"
    if not _is_usable(name):
        return "name_unusable"
    if not iban:
        return "no_iban"
    try:
        found = normalise(iban)
    except ValueError:
        return "bad_iban"
    if not in_sepa(found):
        return "outside_sepa"
    if amount_cents is None or amount_cents < 0:
        return "bad_amount"
    return "amount_too_large" if amount_cents > MOST_CENTS else None


def _is_usable(name: str) -> bool:
    """Return whether the name keeps letters or digits in SEPA characters, and no character was lost in decoding."""
    if name.isascii():
        return any(map(str.isalnum, name[:NAME]))
    lost = any(sign == "\ufffd" or "\x7f" <= sign <= "\x9f" for sign in name)
    return not lost and any(map(str.isalnum, to_sepa(name, NAME)))


@lru_cache(maxsize=16)
def _paths(namespace: str) -> etree.XPath:
    """Compile one XPath for all fields of a payment: separate lookups take twice the time of the parsing."""
    prefix, known = ("p:", {"p": namespace}) if namespace else ("", None)
    paths = (path.replace("/", f"/{prefix}").replace(f"{prefix}*", "*") for path in _FIELDS)
    paths = (prefix + path for path in paths)
    return etree.XPath("|".join(paths), namespaces=known)


def read_fields(payment: Any, number: int) -> tuple[dict[str, Any], list[str], list[Any]]:
    """Return the fields of one payment by local name, its remittance texts, and its structured remittance.

    Raises:
    - FileRefused: missing_field; one occurs twice, or holds more than text.
    """
    namespace = payment.tag[1:].partition("}")[0] if payment.tag[0] == "{" else ""
    cut = len(namespace) + 2 if namespace else 0
    found: dict[str, Any] = {}
    unstructured, structured = [], []
    for element in _paths(namespace)(payment):
        name = element.tag[cut:]
        if name == "Strd":
            structured.append(element)
        elif len(element) and name != "EqvtAmt":
            raise FileRefused("missing_field", number, f"{name} holds more than text")
        elif name == "Ustrd":
            unstructured.append(folded(element))
        elif name in found:
            raise FileRefused("missing_field", number, f"{name} occurs twice")
        else:  # EqvtAmt: euros that are to be paid in another currency
            found[name] = element if name != "EqvtAmt" else child(element, "Amt")
    return found, unstructured, structured


def read_structured(elements: Iterable[Any]) -> tuple[list[StructuredReference], list[str], bool]:
    """Return the distinct references, their texts, and whether the elements hold nothing else."""
    found: list[StructuredReference] = []
    words: list[str] = []
    is_whole = True
    for element in elements:
        words += texts(children(element, "AddtlRmtInf"))
        is_whole = is_whole and {local_name(part) for part in element} <= {"CdtrRefInf", "AddtlRmtInf"}
        for part in children(element, "CdtrRefInf"):
            value = folded_at(part, "Ref")
            kind = folded_at(part, "Tp", "CdOrPrtry", "Cd") or folded_at(part, "Tp", "CdOrPrtry", "Prtry") or None
            reference = StructuredReference(value, kind, folded_at(part, "Tp", "Issr") or None)
            if value and reference not in found:
                found.append(reference)
    return found, [" ".join(word.split()) for word in words], is_whole


def is_carried(reference: StructuredReference) -> bool:
    """Return whether SEPA carries the reference: SCOR is the only type that it allows (EPC132-08)."""
    fits = is_reference(reference.value) and (not reference.issuer or is_sepa(reference.issuer, REFERENCE))
    return fits and reference.kind in (None, SCOR)


def rf_is_valid(reference: str) -> bool:
    """Check the check digits of a creditor reference (ISO 11649: mod 97, as for an IBAN)."""
    return int("".join(str(int(sign, 36)) for sign in reference[4:] + reference[:4])) % 97 == 1
