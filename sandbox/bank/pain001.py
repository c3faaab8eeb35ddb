"""Parse a pain.001 as a strict SEPA bank would.

It validates the bank's own profile, not the schema: elements and their order, the SEPA character set and lengths, sums,
counts, IBANs, currency and ids. Anything unknown is refused. Versions: pain.001.001.09 and the older .03.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from lxml import etree

from sandbox.bank import sepa
from sandbox.bank.instruction import Block, Instruction, Line, NotAccepted, doubled

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"
VERSIONS = ("pain.001.001.09", "pain.001.001.03")
MAX_NAME, MAX_REMITTANCE = 70, 140
PURPOSES = ("SALA", "PENS", "SUPP", "TAXS", "TREA", "CASH", "INTC", "OTHR")

# The children of each element, in order: ? optional, + one or more, * any number. If a name has different children in
# different places, "parent/name" takes precedence. An element that is not listed holds a value.
PROFILE = {
    "Document": "CstmrCdtTrfInitn",
    "CstmrCdtTrfInitn": "GrpHdr PmtInf+",
    "GrpHdr": "MsgId CreDtTm NbOfTxs CtrlSum? InitgPty",
    "InitgPty": "Nm? Id?",
    "PmtInf": "PmtInfId PmtMtd BtchBookg? NbOfTxs? CtrlSum? PmtTpInf? ReqdExctnDt Dbtr DbtrAcct DbtrAgt"
    " UltmtDbtr? ChrgBr? CdtTrfTxInf+",
    "PmtTpInf": "InstrPrty? SvcLvl? LclInstrm? CtgyPurp?",
    "SvcLvl": "Cd",
    "LclInstrm": "Cd",
    "CtgyPurp": "Cd",
    "Purp": "Cd",
    "ReqdExctnDt": "Dt",
    "Dbtr": "Nm PstlAdr? Id?",
    "Cdtr": "Nm PstlAdr? Id?",
    "UltmtDbtr": "Nm? Id?",
    "UltmtCdtr": "Nm? Id?",
    "PstlAdr": "Dept? SubDept? StrtNm? BldgNb? PstCd? TwnNm? Ctry? AdrLine*",
    "DbtrAcct": "Id Ccy?",
    "DbtrAcct/Id": "IBAN",
    "DbtrAgt": "FinInstnId",
    "CdtTrfTxInf": "PmtId PmtTpInf? Amt ChrgBr? UltmtDbtr? CdtrAgt? Cdtr CdtrAcct UltmtCdtr? Purp? RmtInf?",
    "PmtId": "InstrId? EndToEndId UETR?",
    "Amt": "InstdAmt",
    "CdtrAgt": "FinInstnId",
    "CdtrAcct": "Id Ccy?",
    "CdtrAcct/Id": "IBAN",
    "FinInstnId": "BICFI? Othr?",
    "FinInstnId/Othr": "Id",
    "Id": "OrgId? PrvtId?",
    "OrgId": "AnyBIC? LEI? Othr*",
    "PrvtId": "Othr*",
    "Othr": "Id SchmeNm? Issr?",
    "SchmeNm": "Cd? Prtry?",
    "RmtInf": "Ustrd? Strd?",
    "Strd": "CdtrRefInf",
    "CdtrRefInf": "Tp Ref",
    "Tp": "CdOrPrtry Issr?",
    "CdOrPrtry": "Cd",
}
OLDER = {"ReqdExctnDt": None, "FinInstnId": "BIC? Othr?", "PmtId": "InstrId? EndToEndId", "OrgId": "BICOrBEI? Othr*"}
# "Id" holds a value in these places, and parties elsewhere.
VALUES = ("Othr/Id",)
REFERENCES = ("MsgId", "PmtInfId", "InstrId", "EndToEndId")
TEXTS = {"Nm": MAX_NAME, "Ustrd": MAX_REMITTANCE, "Ref": 35, "StrtNm": 70, "TwnNm": 35, "PstCd": 16, "AdrLine": 70}
FIXED = {
    "PmtMtd": ("TRF",), "SvcLvl/Cd": ("SEPA",), "ChrgBr": ("SLEV",), "BtchBookg": ("true", "false"),
    "InstrPrty": ("NORM", "HIGH"), "CtgyPurp/Cd": PURPOSES, "Ccy": ("EUR",), "LclInstrm/Cd": ("INST",),
}  # fmt: skip


def read(raw: bytes) -> Instruction:
    """Parse the order in a pain.001.

    Raises:
    - NotAccepted: names the first error.
    """
    root = parse(raw)
    version = version_of(root)
    Checker(version).check(root)
    initiation = root[0]
    blocks = [read_block(element, version) for element in initiation[1:]]
    header = {local(child): child for child in initiation[0]}
    instruction = Instruction(version, value(header["MsgId"]), moment(header["CreDtTm"]), blocks)
    compare(initiation[0], len(instruction.lines), instruction.cents)
    if twice := doubled(instruction.lines):
        raise NotAccepted(f"het end-to-end-kenmerk {twice} komt twee keer voor", "CdtTrfTxInf/PmtId/EndToEndId")
    return instruction


def parse(raw: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True, huge_tree=True
    )
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotAccepted(f"geen leesbare XML: {error}") from error
    info = root.getroottree().docinfo
    if info.doctype:
        raise NotAccepted("een DOCTYPE is niet toegestaan")
    if (info.encoding or "UTF-8").upper() not in ("UTF-8", "ASCII", "US-ASCII"):
        raise NotAccepted(f"tekencodering {info.encoding} in plaats van UTF-8")
    return root


def version_of(root: etree._Element) -> str:
    name = etree.QName(root)
    version = (name.namespace or "").removeprefix(NAMESPACE)
    if name.localname != "Document" or version not in VERSIONS:
        raise NotAccepted(f"dit bericht is geen {' of '.join(VERSIONS)}", "Document")
    return version


def local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def value(element: etree._Element) -> str:
    return element.text or ""


class Checker:
    """Visits every element once: its children against the profile, its value against the rules."""

    def __init__(self, version: str):
        profile = PROFILE | (OLDER if version == "pain.001.001.03" else {})
        self.forms = {name: form_of(children) for name, children in profile.items() if children}
        self.namespace = f"{{{NAMESPACE}{version}}}"
        self.seen: set[tuple[str, tuple[str, ...]]] = set()
        self.rules: dict[str, Callable[[str], str | None] | None] = {}

    def check(self, element: etree._Element, parent: str = "", path: str = "") -> None:
        name = self._name(element, path)
        path = f"{path}/{name}"
        qualified = f"{parent}/{name}"
        key = qualified if qualified in self.forms else name
        if key not in self.forms or qualified in VALUES:
            self._check_value(element, qualified, name, path)
            return
        names = tuple(self._name(child, path) for child in element)
        if (key, names) not in self.seen:
            self._check_children(key, names, path)
        if any((text or "").strip() for text in (element.text, *(child.tail for child in element))):
            raise NotAccepted("er staat tekst waar geen tekst hoort", path)
        for child in element:
            self.check(child, name, path)

    def _name(self, element: etree._Element, path: str) -> str:
        tag = str(element.tag)
        if not tag.startswith(self.namespace):
            raise NotAccepted(f"het element {tag} hoort hier niet", path)
        return tag[len(self.namespace) :]

    def _check_children(self, key: str, names: tuple[str, ...], path: str) -> None:
        if not self.forms[key].fullmatch("".join(f"{name} " for name in names)):
            raise NotAccepted(f"de elementen hierin kloppen niet: {' '.join(names[:12]) or 'geen'}", path)
        self.seen.add((key, names))

    def _check_value(self, element: etree._Element, qualified: str, name: str, path: str) -> None:
        text = value(element)
        if len(element):
            raise NotAccepted("er staan elementen waar een waarde hoort", path)
        if not text.strip():
            raise NotAccepted("is leeg", path)
        if qualified not in self.rules:
            self.rules[qualified] = rule_of(qualified, name)
        rule = self.rules[qualified]
        if rule and (problem := rule(text)):
            raise NotAccepted(problem, path)


def form_of(children: str) -> re.Pattern[str]:
    """Compile "MsgId CtrlSum? PmtInf+" to a pattern that matches "MsgId PmtInf PmtInf "."""
    parts = [re.fullmatch(r"(\w+)([?+*]?)", part) for part in children.split()]
    return re.compile("".join(f"(?:{part[1]} ){part[2]}" for part in parts if part))


def rule_of(qualified: str, name: str) -> Callable[[str], str | None] | None:
    """Return the rule for a value in this place, or None if any is allowed."""
    allowed = FIXED.get(qualified) or FIXED.get(name)
    if allowed:
        return lambda text: None if text in allowed else f"{text} in plaats van {' of '.join(allowed)}"
    if name in REFERENCES:
        return sepa.reference_problem
    if name in TEXTS:
        return lambda text: sepa.text_problem(text, TEXTS[name])
    if name == "IBAN":
        return lambda text: None if sepa.iban_is_valid(text) else "geen geldige IBAN (AC01)"
    return None


def read_block(element: etree._Element, version: str) -> Block:
    parts = {local(child): child for child in element}
    check_address(parts["Dbtr"])
    block = Block(
        id=value(parts["PmtInfId"]),
        debtor_name=value(parts["Dbtr"][0]),
        debtor_iban=value(parts["DbtrAcct"][0][0]),
        day=day_of(parts["ReqdExctnDt"], version),
        batch_booking="BtchBookg" in parts and value(parts["BtchBookg"]) == "true",
        purpose=purpose_of(parts.get("PmtTpInf")),
        lines=[read_line(child, "PmtTpInf" in parts) for child in element if local(child) == "CdtTrfTxInf"],
    )
    compare(element, len(block.lines), block.cents)
    return block


def purpose_of(element: etree._Element | None) -> str:
    purposes = [child for child in element if local(child) == "CtgyPurp"] if element is not None else []
    return value(purposes[0][0]) if purposes else ""


def day_of(element: etree._Element, version: str) -> date:
    text = value(element[0] if version == VERSIONS[0] else element)
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise NotAccepted(f"{text} is geen datum", "PmtInf/ReqdExctnDt") from error


def moment(element: etree._Element) -> str:
    text = value(element)
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise NotAccepted(f"{text} is geen moment", "GrpHdr/CreDtTm") from error
    return text


def read_line(element: etree._Element, typed: bool) -> Line:
    parts = {local(child): child for child in element}
    if typed and "PmtTpInf" in parts:
        raise NotAccepted("PmtTpInf staat in de groep en in de regel", "CdtTrfTxInf/PmtTpInf")
    check_address(parts["Cdtr"])
    ids = {local(child): value(child) for child in parts["PmtId"]}
    return Line(
        end_to_end_id=ids["EndToEndId"],
        cents=amount_of(parts["Amt"][0]),
        name=value(parts["Cdtr"][0]),
        iban=value(parts["CdtrAcct"][0][0]),
        remittance=remittance_of(parts.get("RmtInf")),
    )


def check_address(party: etree._Element) -> None:
    """Check that an address has a town and a country, required since 15 November 2026 (EPC rulebooks 2025 v1.1)."""
    for child in party:
        if local(child) == "PstlAdr" and not {"TwnNm", "Ctry"} <= {local(part) for part in child}:
            raise NotAccepted("een adres zonder plaats en land is niet toegestaan", f"{local(party)}/PstlAdr")


def amount_of(element: etree._Element) -> int:
    path = "CdtTrfTxInf/Amt/InstdAmt"
    if element.get("Ccy") != "EUR":
        raise NotAccepted(f"valuta {element.get('Ccy')} in plaats van EUR (AM03)", path)
    try:
        return sepa.cents(value(element))
    except ValueError as error:
        raise NotAccepted(f"{value(element)} is geen bedrag (AM12)", path) from error


def remittance_of(element: etree._Element | None) -> str:
    if element is None:
        return ""
    if len(element) != 1:
        raise NotAccepted("een omschrijving en een betalingskenmerk samen", "CdtTrfTxInf/RmtInf")
    if local(element[0]) == "Ustrd":
        return value(element[0])
    return value(element[0][0][1])


def compare(element: etree._Element, count: int, cents: int) -> None:
    """Check that the counts and sums in the file match its transactions."""
    for child in element:
        text, path = value(child), f"{local(element)}/{local(child)}"
        if local(child) == "NbOfTxs" and text != str(count):
            raise NotAccepted(f"{text} is niet het aantal van {count} (AM18)", path)
        if local(child) == "CtrlSum" and sum_of(text, path) != cents:
            raise NotAccepted(f"{text} is niet de som van {sepa.amount(cents)} (AM10)", path)


def sum_of(text: str, path: str) -> Decimal:
    try:
        return Decimal(text) * 100
    except InvalidOperation as error:
        raise NotAccepted(f"{text} is geen bedrag", path) from error
