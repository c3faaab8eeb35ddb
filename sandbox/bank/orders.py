"""The life cycle of an order at the bank: accepted, verified, signed, executed on the bank's day, and its failures.

    RCVD → ACTC → (PATC) → ACSP → ACSC | PART | RJCT        CANC before execution
    with payee verification: RVNC → RCVC | RVCM → (confirmed) RCVC → ACTC …

Nothing executes without SCA or on the day it is submitted: the bank executes when its day moves to or past the
requested execution date.
"""

import threading
import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

from sandbox import clock, faults
from sandbox.bank import banks, status_callbacks, vop
from sandbox.bank.instruction import Block, Instruction, NotAccepted, line_document
from sandbox.bank.sepa import is_bank_day
from sandbox.store import Document, get_store

KIND, CONTENT, MESSAGE = "bank_order", "bank_order_content", "bank_message"
BEFORE_SIGNING = ("RCVD", "ACTC", "PATC", "RVNC", "RVCM", "RCVC")
SIGNED = ("ACSP",)
FINAL = ("ACSC", "PART", "RJCT", "CANC")
MAX_DAYS_AHEAD = 365
# Reason codes (ISO 20022 ExternalStatusReason1Code, as listed by Berlin Group).
NOT_SIGNED, REFUSED_BY_PSU, NO_FUNDS, BANK_REJECTS, BLOCKED = "DS0A", "CN01", "AM04", "DS04", "AC06"

_executing = threading.Lock()


def every() -> list[Document]:
    return get_store().all(KIND)


def find(bank_id: str, order_id: str) -> Document | None:
    order = get_store().get(KIND, order_id)
    return order if order and order["bank"] == bank_id else None


def content(order_id: str) -> Document:
    """Return the body as received, and the transactions of each block."""
    return get_store().get(CONTENT, order_id)


# --- accepting an order ---
def check(bank: Document, instruction: Instruction) -> None:
    """Check what the format does not cover: the account, the execution date and a duplicate MsgId."""
    for block in instruction.blocks:
        if banks.account(bank["id"], block.debtor_iban) is None:
            raise NotAccepted("deze rekening loopt niet bij deze bank", "DbtrAcct", "RESOURCE_UNKNOWN")
        if problem := day_problem(block.day, bank["cut_off"]):
            raise NotAccepted(problem, "ReqdExctnDt", "EXECUTION_DATE_INVALID")
    if not faults.on("bank_accepts_duplicates") and known_message(bank["id"], instruction.msg_id):
        code = "DUPL" if faults.on("bank_duplicate_dupl") else "PAYMENT_FAILED"
        raise NotAccepted(f"DUPL: het MsgId {instruction.msg_id} is al ontvangen", "GrpHdr/MsgId", code)


def day_problem(day: date, cut_off: str) -> str | None:
    today = clock.bank_day()
    if day < today:
        return f"{day} is voorbij"
    if (day - today).days > MAX_DAYS_AHEAD:
        return f"{day} is te ver weg"
    if faults.on("bank_strict_days"):
        if not is_bank_day(day):
            return f"{day} is geen bankdag"
        if day == today and f"{clock.bank_now():%H:%M}" >= cut_off:
            return f"voor {day} had de opdracht voor {cut_off} binnen moeten zijn"
    return None


def known_message(bank_id: str, msg_id: str | None) -> bool:
    return msg_id is not None and get_store().get(MESSAGE, f"{bank_id}:{msg_id}") is not None


def take(bank: Document, instruction: Instruction, raw: bytes, about: dict[str, Any]) -> Document:
    """Store a checked order. `about`: product, request_id, redirect URIs, payee verification, callback URL."""
    order_id, now = str(uuid.uuid4()), clock.bank_now().isoformat()
    checking = about["vop"] and banks.checks_names(bank)
    status = "ACTC" if bank["signing"] == "delegated" else "RVNC" if checking else "RCVD"
    order = {
        "id": order_id, "bank": bank["id"], "msg_id": instruction.msg_id, "message": instruction.message,
        "status": status, "history": [status], "reason": None, "received_at": now, "signatures": 0,
        "needed": 2 if faults.on("bank_two_signers") else 1, "count": len(instruction.lines),
        "cents": instruction.cents, "blocks": [block_document(block) for block in instruction.blocks],
        "lines": {}, "asked": 0,
    } | about  # fmt: skip
    lines = [[line_document(line) for line in block.lines] for block in instruction.blocks]
    get_store().put(CONTENT, order_id, {"body": raw.decode(), "lines": lines})
    get_store().put(KIND, order_id, order)
    if instruction.msg_id is not None:
        get_store().put(MESSAGE, f"{bank['id']}:{instruction.msg_id}", {"order": order_id})
    if bank["signing"] == "delegated":
        move(order_id, ("ACTC",), "ACSP", signatures=1, needed=1)
    return order


def block_document(block: Block) -> Document:
    return {
        "id": block.id, "debtor_name": block.debtor_name, "iban": block.debtor_iban, "day": block.day.isoformat(),
        "batch_booking": block.batch_booking, "purpose": block.purpose, "count": len(block.lines),
        "cents": block.cents, "state": "open", "executed_on": None,
    }  # fmt: skip


# --- status changes ---
def move(order_id: str, before: tuple[str, ...], status: str, **changes: Any) -> bool:
    """Change the status if it is one of `before`; return whether it was."""
    moved = False

    def change(order: Document) -> Document | None:
        nonlocal moved
        if order["status"] not in before:
            return None
        moved = True
        return order | {"status": status, "history": [*order["history"], status]} | changes

    order = get_store().update(KIND, order_id, change)
    if moved:
        status_callbacks.tell(order)
    return moved


def begin_signing(order: Document) -> None:
    """Mark the order as technically valid and waiting for SCA."""
    move(order["id"], ("RCVD", "RCVC"), "ACTC")


def can_be_signed(order: Document) -> bool:
    return order["status"] in ("RCVD", "ACTC", "PATC", "RCVC")


def sign(order_id: str) -> bool:
    """Add a signature; the last required one makes the order ready for execution."""
    order = get_store().get(KIND, order_id)
    given = order["signatures"] + 1
    status = "ACSP" if given >= order["needed"] else "PATC"
    return move(order_id, ("RCVD", "ACTC", "PATC", "RCVC"), status, signatures=given)


def reject(order_id: str, reason: str) -> bool:
    """Reject an order that the person refused or nobody signed in time."""
    return move(order_id, BEFORE_SIGNING, "RJCT", reason=reason)


def cancel(order_id: str) -> bool:
    return move(order_id, BEFORE_SIGNING + SIGNED, "CANC")


def confirm_names(order_id: str) -> bool:
    """Confirm that the names may stay as they are."""
    return move(order_id, ("RVCM",), "RCVC")


def refresh(order: Document) -> Document:
    """Return the order with its current status: payee verification may be done, the time for SCA may be over."""
    if order["status"] == "RVNC" and not faults.on("bank_vop_slow"):
        mismatches = vop.mismatches(content(order["id"])["lines"])
        move(order["id"], ("RVNC",), "RVCM" if mismatches else "RCVC", vop_result=mismatches)
    if order["status"] in BEFORE_SIGNING and faults.on("bank_sca_expired"):
        reject(order["id"], NOT_SIGNED)
    return get_store().get(KIND, order["id"])


def reported_status(order: Document) -> str:
    """Return the status that the bank reports; some switches make it differ from the real one."""
    if faults.on("bank_strange_status"):
        return "XXXX"
    if faults.on("bank_contradictory_status"):
        asked = get_store().update(KIND, order["id"], lambda doc: doc | {"asked": doc["asked"] + 1})["asked"]
        return order["status"] if asked % 2 else "RCVD"
    if faults.on("bank_slow_status"):
        return order["history"][-2:][0]
    return order["status"]


def funds_available(order: Document) -> bool:
    """Return whether each account has enough balance for the order."""
    asked: dict[str, int] = {}
    for block in order["blocks"]:
        asked[block["iban"]] = asked.get(block["iban"], 0) + block["cents"]
    accounts = {iban: banks.account(order["bank"], iban) for iban in asked}
    return all(account is not None and account["cents"] >= asked[iban] for iban, account in accounts.items())


# --- the bank's next day ---
def day_begins(day: date) -> None:
    """Reject what was not signed in time, execute what is due, and return what bounces."""
    with _executing:
        for order in every():
            if order["status"] in BEFORE_SIGNING and last_day(order) < day.isoformat():
                reject(order["id"], NOT_SIGNED)
            elif order["status"] in SIGNED:
                execute(order, day.isoformat())
            elif order["status"] in ("ACSC", "PART") and faults.on("bank_returns_line"):
                return_first_line(order, day.isoformat())


def last_day(order: Document) -> str:
    return max(block["day"] for block in order["blocks"])


def execute(order: Document, day: str) -> None:
    """Execute the blocks that are due; without open blocks the order is final."""
    lines = content(order["id"])["lines"]
    for number, block in enumerate(order["blocks"]):
        if block["state"] == "open" and block["day"] <= day:
            execute_block(order, block, lines[number], day)
    changes = {"blocks": order["blocks"], "lines": order["lines"], "reason": order["reason"]}
    status = status_after(order)
    if status == order["status"]:
        get_store().update(KIND, order["id"], lambda doc: doc | changes)
    else:
        move(order["id"], SIGNED, status, **changes)


def execute_block(order: Document, block: Document, lines: list[list[Any]], day: str) -> None:
    """Book or reject a block; record the result in the order's document."""
    if reason := reason_to_reject(order, block):
        block["state"], order["reason"] = "rejected", reason
        return
    paid = lines
    if faults.on("bank_partial_execution") and not order["lines"] and len(lines) > 1:
        order["lines"][lines[0][0]] = {"status": "RJCT", "reason": BLOCKED, "text": "De rekening is geblokkeerd"}
        paid = lines[1:]
    book_block(order, block, paid)
    block["state"], block["executed_on"] = "executed", day


def reason_to_reject(order: Document, block: Document) -> str | None:
    account = banks.account(order["bank"], block["iban"])
    if account is None or account["cents"] < block["cents"] or faults.on("bank_insufficient_funds"):
        return NO_FUNDS
    return BANK_REJECTS if faults.on("bank_rejects_at_execution") else None


def book_block(order: Document, block: Document, lines: list[list[Any]]) -> None:
    """Book a block as one transaction without names, or as one per payment."""
    if block["batch_booking"] and not faults.on("bank_books_lines"):
        cents = sum(line[1] for line in lines)
        entry = {"batch": len(lines), "purpose": block["purpose"], "text": lump_text(order, block, len(lines))}
        banks.book(order["bank"], block["iban"], -cents, entry | {"reference": order["msg_id"]})
        return
    for end_to_end_id, cents, name, iban, remittance in lines:
        entry = {"party": name, "party_iban": iban, "text": remittance, "end_to_end_id": end_to_end_id}
        banks.book(order["bank"], block["iban"], -cents, entry | {"purpose": block["purpose"]})


def lump_text(order: Document, block: Document, count: int) -> str:
    """Return the text of a batch booking: reference and count, since salary bookings contain no names."""
    kind = "SEPA BATCH SALARIS" if block["purpose"] == "SALA" else "SEPA BATCH"
    return f"/TRTP/{kind}/PREF/{order['msg_id'] or block['id'] or order['id']}/NRTX/{count}"


def status_after(order: Document) -> str:
    states = {block["state"] for block in order["blocks"]}
    if "open" in states:
        return order["status"]
    if states == {"rejected"}:
        return "RJCT"
    return "ACSC" if states == {"executed"} and not order["lines"] else "PART"


def said_of_lines(order: Document) -> dict[str, Document]:
    """What the bank says of single lines: beside those with a fate of their own, the rest of an executed block."""
    paid = {"status": "ACSC", "reason": None, "text": ""}
    found = {}
    for block, lines in zip(order["blocks"], content(order["id"])["lines"], strict=True):
        for line in lines:
            if line[0] in order["lines"]:
                found[line[0]] = order["lines"][line[0]]
            elif block["state"] == "executed":
                found[line[0]] = paid
    return found


def return_first_line(order: Document, day: str) -> None:
    """Return the first payment, as the payee's bank would."""
    block = order["blocks"][0]
    if block["executed_on"] is None or block["executed_on"] >= day:
        return
    end_to_end_id, cents, name, iban, remittance = content(order["id"])["lines"][0][0]
    if end_to_end_id in order["lines"]:
        return
    entry = {"party": name, "party_iban": iban, "text": f"Retour {BLOCKED} {remittance}"[:140].strip()}
    banks.book(order["bank"], block["iban"], cents, entry | {"end_to_end_id": end_to_end_id})
    came_back = {"status": "RJCT", "reason": BLOCKED, "text": "Teruggekomen na uitvoering"}
    lines = order["lines"] | {end_to_end_id: came_back}
    move(order["id"], ("ACSC", "PART"), "PART", lines=lines)


def newest_first(keep: Callable[[Document], bool]) -> list[Document]:
    return [order for order in reversed(every()) if keep(order)]
