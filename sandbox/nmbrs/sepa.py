"""Write the payment files of payroll: pain.001 by string concatenation, for speed."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from xml.sax.saxutils import escape

from sandbox import clock, faults
from sandbox.nmbrs import payroll, staff
from sandbox.nmbrs.people import bic
from sandbox.store import Document

# The account for wage tax, published by the Dutch tax authority.
TAX_OFFICE, TAX_IBAN = "Belastingdienst", "NL86INGB0002445588"

PAIN_03, PAIN_09 = "pain.001.001.03", "pain.001.001.09"


@dataclass(frozen=True)
class Transfer:
    """One payment of a file; the amount in integer cents."""

    end_to_end_id: str
    name: str
    iban: str
    cents: int
    remittance: str


def salary_file(company: Document, run: Document, payment_date: date) -> str | None:
    """Return the result of SalaryDocuments_GetSEPA for a run; None if the element is absent."""
    if run["sepa"] is not None:
        return run["sepa"]
    if faults.on("nmbrs_sepa_nil"):
        return None
    transfers = run_transfers(run)
    if faults.on("nmbrs_sepa_empty") or not transfers:
        return ""
    return dressed(pain(company, f"SAL-{run['id']}", payment_date, transfers, "SALA"))


def tax_file(company: Document, wage_tax: Document, payment_date: date) -> str:
    """Return the result of SalaryDocuments_GetSEPA_Tax: one payment to the tax authority with its reference."""
    digits = wage_tax["reference"].replace(".", "")
    transfer = Transfer(f"LH-{wage_tax['id']}", TAX_OFFICE, TAX_IBAN, wage_tax["euros"] * 100, digits)
    return dressed(pain(company, f"LH-{wage_tax['id']}", payment_date, [transfer], "TAXS"))


def remittance(run: Document) -> str:
    """Return the remittance information, such as `Salaris April 2026`."""
    description, year = run["description"], str(run["year"])
    text = f"Salaris {description[:1].upper()}{description[1:]}"
    return text if year in text else f"{text} {year}"


def run_transfers(run: Document) -> list[Transfer]:
    people = payroll.paid_in(run)
    if faults.on("nmbrs_sepa_person_missing"):
        people = people[:-1]
    text = remittance(run)
    nameless = faults.on("nmbrs_sepa_notprovided")
    transfers = [
        Transfer(
            "NOTPROVIDED" if nameless else f"{run['id']}-{person['number']}",
            person["payment_name"],
            person["iban"],
            person["cents"],
            text,
        )
        for person in people
    ]
    if faults.on("nmbrs_sepa_attachment"):
        transfers = attach_first(transfers)
    return split_first(transfers) if faults.on("nmbrs_sepa_two_for_one") else transfers


def attach_first(transfers: list[Transfer]) -> list[Transfer]:
    """Send a fifth of the first payment to a bailiff, at the end of the file."""
    first, *others = transfers
    part = first.cents // 5
    bailiff = Transfer(f"{first.end_to_end_id}D", staff.BAILIFF, staff.BAILIFF_IBAN, part, "Dossier 20261")
    return [replace(first, cents=first.cents - part), *others, bailiff]


def split_first(transfers: list[Transfer]) -> list[Transfer]:
    """Split the first payment in two with the same sum."""
    first, *others = transfers
    advance = first.cents // 3
    parts = ((advance, "A"), (first.cents - advance, "B"))
    return [
        Transfer(f"{first.end_to_end_id}{mark}", first.name, first.iban, cents, first.remittance)
        for cents, mark in parts
    ] + others


def dressed(xml: str) -> str:
    """Encode the file as switched."""
    if faults.on("nmbrs_sepa_utf16"):
        xml = xml.replace('encoding="utf-8"', 'encoding="utf-16"', 1)
    if faults.on("nmbrs_sepa_base64"):
        return base64.b64encode(xml.encode()).decode()
    return xml


def money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def pain(company: Document, message_id: str, payment_date: date, transfers: list[Transfer], purpose: str) -> str:
    """Return a customer credit transfer initiation. Message id and creation time differ at each call."""
    version = PAIN_09 if faults.on("nmbrs_sepa_pain09") else PAIN_03
    moment = clock.now()
    total = money(sum(transfer.cents for transfer in transfers))
    count = len(transfers)
    name = escape(company["name"])
    day = payment_date.isoformat()
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{version}"><CstmrCdtTrfInitn><GrpHdr>'
        f"<MsgId>{message_id}-{moment:%Y%m%d%H%M%S}</MsgId>"
        f"<CreDtTm>{moment.replace(tzinfo=None).isoformat()}</CreDtTm><NbOfTxs>{count}</NbOfTxs>"
        f"<CtrlSum>{total}</CtrlSum><InitgPty><Nm>{name}</Nm></InitgPty></GrpHdr>\n"
        f"<PmtInf><PmtInfId>{message_id}</PmtInfId><PmtMtd>TRF</PmtMtd><BtchBookg>true</BtchBookg>"
        f"<NbOfTxs>{count}</NbOfTxs><CtrlSum>{total}</CtrlSum>"
        f"<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl><CtgyPurp><Cd>{purpose}</Cd></CtgyPurp></PmtTpInf>"
        f"<ReqdExctnDt>{day if version == PAIN_03 else f'<Dt>{day}</Dt>'}</ReqdExctnDt>"
        f"<Dbtr><Nm>{name}</Nm></Dbtr><DbtrAcct><Id><IBAN>{company['iban']}</IBAN></Id></DbtrAcct>"
        f"<DbtrAgt><FinInstnId>{bic_element(company['iban'], version)}</FinInstnId></DbtrAgt>"
        "<ChrgBr>SLEV</ChrgBr>\n"
        f"{''.join(transfer_elements(transfers, version))}</PmtInf></CstmrCdtTrfInitn></Document>\n"
    )


def bic_element(iban: str, version: str) -> str:
    tag = "BIC" if version == PAIN_03 else "BICFI"
    return f"<{tag}>{bic(iban)}</{tag}>"


def transfer_elements(transfers: Iterable[Transfer], version: str) -> Iterable[str]:
    for transfer in transfers:
        yield (
            f"<CdtTrfTxInf><PmtId><EndToEndId>{transfer.end_to_end_id}</EndToEndId></PmtId>"
            f'<Amt><InstdAmt Ccy="EUR">{money(transfer.cents)}</InstdAmt></Amt>'
            f"<CdtrAgt><FinInstnId>{bic_element(transfer.iban, version)}</FinInstnId></CdtrAgt>"
            f"<Cdtr><Nm>{escape(transfer.name)}</Nm></Cdtr>"
            f"<CdtrAcct><Id><IBAN>{transfer.iban}</IBAN></Id></CdtrAcct>"
            f"<RmtInf><Ustrd>{escape(transfer.remittance)}</Ustrd></RmtInf></CdtTrfTxInf>\n"
        )
