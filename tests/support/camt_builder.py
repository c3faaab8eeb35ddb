"""Build camt.053 and camt.054 documents, in any version."""

IBAN = "NL95INGB0004921836"
MSG = "20261123034734-66580"


def entry(
    amount: str = "19806.08", way: str = "DBIT", status: str = "<Sts><Cd>BOOK</Cd></Sts>", inside: str = ""
) -> str:
    """Return one entry (Ntry), by default a booked debit."""
    return (
        f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd>{status}'
        f"<BookgDt><Dt>2026-11-24</Dt></BookgDt>{inside}</Ntry>"
    )


def statement(*entries: str, version: str = "camt.053.001.08", account: str = f"<IBAN>{IBAN}</IBAN>") -> bytes:
    """Return a document with one statement, or one notification for a camt.054."""
    kind = ("BkToCstmrStmt", "Stmt") if version.startswith("camt.053") else ("BkToCstmrDbtCdtNtfctn", "Ntfctn")
    return (
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{version}"><{kind[0]}><GrpHdr/><{kind[1]}><Id>1</Id>'
        f"<Acct><Id>{account}</Id></Acct>{''.join(entries)}</{kind[1]}></{kind[0]}></Document>"
    ).encode()


BATCH = f"<NtryDtls><Btch><MsgId>{MSG}</MsgId><NbOfTxs>8</NbOfTxs><TtlAmt>19806.08</TtlAmt></Btch></NtryDtls>"
RETURN = (
    "<NtryDtls><TxDtls><Refs><EndToEndId>E2E-3</EndToEndId></Refs><Amt Ccy='EUR'>2500.08</Amt>"
    "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls></NtryDtls>"
)
