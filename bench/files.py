"""Payment files for the benchmarks. Imports nothing of the program."""

from datetime import date

DEBTOR_IBAN = "NL95INGB0004921836"


def payment_file(lines: int, start: int = 0) -> bytes:
    """Return a payment file in Nmbrs's format with this many lines. Another `start` gives another payment."""
    amounts = [150_000 + (start + number) % 90_000 for number in range(lines)]
    total = f"{sum(amounts) // 100}.{sum(amounts) % 100:02d}"
    rows = "".join(_transfer(number, cents) for number, cents in enumerate(amounts, 1))
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.03"><CstmrCdtTrfInitn><GrpHdr>'
        f"<MsgId>B-{start}</MsgId><CreDtTm>2026-11-23T10:00:00</CreDtTm><NbOfTxs>{lines}</NbOfTxs>"
        f"<CtrlSum>{total}</CtrlSum><InitgPty><Nm>Demo BV</Nm></InitgPty></GrpHdr><PmtInf><PmtInfId>B</PmtInfId>"
        f"<PmtMtd>TRF</PmtMtd><BtchBookg>true</BtchBookg><NbOfTxs>{lines}</NbOfTxs><CtrlSum>{total}</CtrlSum>"
        "<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl><CtgyPurp><Cd>SALA</Cd></CtgyPurp></PmtTpInf>"
        f"<ReqdExctnDt>{date(2026, 11, 23)}</ReqdExctnDt><Dbtr><Nm>Demo BV</Nm></Dbtr><DbtrAcct><Id>"
        f"<IBAN>{DEBTOR_IBAN}</IBAN></Id></DbtrAcct><DbtrAgt><FinInstnId><BIC>INGBNL2A</BIC></FinInstnId></DbtrAgt>"
        f"<ChrgBr>SLEV</ChrgBr>{rows}</PmtInf></CstmrCdtTrfInitn></Document>"
    ).encode()


def _transfer(number: int, cents: int) -> str:
    return (
        f"<CdtTrfTxInf><PmtId><EndToEndId>E{number}</EndToEndId></PmtId>"
        f'<Amt><InstdAmt Ccy="EUR">{cents // 100}.{cents % 100:02d}</InstdAmt></Amt>'
        "<CdtrAgt><FinInstnId><BIC>ABNANL2A</BIC></FinInstnId></CdtrAgt>"
        f"<Cdtr><Nm>Medewerker {number}</Nm></Cdtr><CdtrAcct><Id><IBAN>{iban(number)}</IBAN></Id></CdtrAcct>"
        "<RmtInf><Ustrd>Salaris November 2026</Ustrd></RmtInf></CdtTrfTxInf>"
    )


def iban(number: int) -> str:
    """Return a Dutch IBAN with valid check digits."""
    account = f"ABNA{number:010d}"
    digits = "".join(str(int(sign, 36)) for sign in f"{account}NL00")
    return f"NL{98 - int(digits) % 97:02d}{account}"
