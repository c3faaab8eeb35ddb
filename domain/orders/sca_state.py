"""What the bank said about signing an order, sealed with the order: links, methods, a challenge.

Nothing that a person types stands here: no code, no password. Every change goes by compare and
exchange on the sealed text, so that of two windows one speaks to the bank, and what one has
written is never overwritten by another that read before it.
"""

import base64
import binascii
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from connectors.bank import port
from core.clock import utcnow
from domain.common.encryption import decrypt, encrypt
from domain.common.errors import NotFound, NotOpen, ScaInProgress
from models import BankOrder

# Longer than a bank may take to answer one call; after it the caller is taken to be dead.
BUSY_SECONDS = 60
LONGEST_IMAGE = 500_000
DONE = frozenset({"finalised", "exempted"})
_IMAGES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))
# The links that ask who the person is at the bank, in the words of the standard.
_NAME, _PASSWORD = "PsuIdentification", "PsuAuthentication"
_LOGIN = tuple(f"{verb}{what}" for verb in ("startAuthorisationWith", "update") for what in (_PASSWORD, _NAME))

Document = dict[str, Any]
How = Literal["begin", "login", "page", "app", "method", "code", "signed", "failed", "second", "soon"]


@dataclass(frozen=True)
class ScaStep:
    """What a person has to do now. `instruction` is the bank's, and must be shown with the challenge."""

    how: How
    url: str | None = None
    message: str = ""
    wants_password: bool = False
    methods: tuple[dict[str, str], ...] = ()
    chosen: str = ""
    instruction: str = ""
    challenge: tuple[str, ...] = ()
    image: bool = False
    digits_only: bool = False
    longest: int | None = None
    may_begin_again: bool = False
    may_give_up: bool = False
    cancels: bool = False  # what is signed is that the order is taken back


@dataclass(frozen=True)
class ScaSession:
    """The document while one caller speaks to the bank, and the sealed text that proves it."""

    order: BankOrder
    document: Document
    sealed: str


def load_sca_document(order: BankOrder) -> Document:
    """Links, and the authorisation when one was begun. Understands rows that held links alone."""
    if order.links_sealed is None:
        return {"links": {}, "authorisation": None}
    found = json.loads(decrypt(order.links_sealed, "bank_order_links", order.msg_id))
    return found if isinstance(found.get("links"), dict) else {"links": found, "authorisation": None}


def encrypt_sca_document(order: BankOrder, document: Document) -> str:
    return encrypt(json.dumps(document), "bank_order_links", order.msg_id)


def document_for_placed_order(order: BankOrder, answer: port.OrderPlaced) -> str:
    """The sealed document of an order that the bank has just taken."""
    return encrypt_sca_document(
        order, {"links": answer.links, "authorisation": None, "message": answer.psu_message or ""}
    )


def acquire_sca_session(order_id: int) -> ScaSession:
    """Be the one who speaks to the bank about this order. ScaInProgress while another does, NotOpen when it is over.

    A claim that was never given back may have reached the bank: from then on only the bank knows
    what of this order can still be signed.
    """
    order = BankOrder.get_by_id(order_id)
    document, now = load_sca_document(order), utcnow()
    if order.state != "at_bank" and not (order.state == "signed" and is_cancellation(document)):
        raise NotOpen(order.state)
    since = document.get("busy")
    if since is not None:
        if now - datetime.fromisoformat(since) < timedelta(seconds=BUSY_SECONDS):
            raise ScaInProgress
        document["elsewhere"] = True
    document["busy"] = now.isoformat()
    text = encrypt_sca_document(order, document)
    if not _exchange(order, text):
        raise ScaInProgress
    return ScaSession(order, document, text)


def _exchange(order: BankOrder, text: str) -> bool:
    column, before = BankOrder.links_sealed, order.links_sealed
    same = column.is_null() if before is None else column == before
    mine = (BankOrder.id == order.id, BankOrder.state == order.state, same)
    return BankOrder.update(links_sealed=text).where(*mine).execute() == 1


def release_sca_session(claim: ScaSession, elsewhere: bool = False) -> None:
    """Nothing new, or nothing known: `elsewhere` when the bank may have begun something that we do not see."""
    document = {name: value for name, value in claim.document.items() if name != "busy"}
    _replace(claim, document | ({"elsewhere": True} if elsewhere else {}))


def save_authorisation(claim: ScaSession, answer: port.Authorisation, afresh: bool) -> None:
    """Keep what the bank answered; `afresh` for a new authorisation, which forgets the one before."""
    before = {} if afresh else claim.document["authorisation"] or {}
    kept = {
        "id": answer.id or before.get("id"), "status": answer.sca_status,
        "methods": list(answer.methods) or before.get("methods", []),
        "chosen": answer.chosen_method or before.get("chosen"), "challenge": answer.challenge,
        "message": answer.psu_message or "", "links": answer.links,
    }  # fmt: skip
    document = {name: value for name, value in claim.document.items() if name != "busy"} | {"authorisation": kept}
    if next_step(document).how in ("page", "app"):
        document["elsewhere"] = True
    # the order's own authorisation is asked after by the order's column: a cancellation's is not that
    _replace(claim, document, **({} if is_cancellation(document) else {"authorisation_id": kept["id"]}))


def save_sca_status(claim: ScaSession, status: str) -> None:
    """The scaStatus that the bank says when asked."""
    document = {name: value for name, value in claim.document.items() if name != "busy"}
    _replace(claim, document | {"authorisation": (document["authorisation"] or {}) | {"status": status}})


def _replace(claim: ScaSession, document: Document, **changes: Any) -> None:
    """Unless the claim has run out and another took it: what that one writes is newer."""
    mine = (BankOrder.id == claim.order.id) & (BankOrder.links_sealed == claim.sealed)
    BankOrder.update(links_sealed=encrypt_sca_document(claim.order, document), **changes).where(mine).execute()


# --- what it means for the person -----------------------------------------------------------------
def is_cancellation(document: Document) -> bool:
    """What is being signed is the cancellation of the order."""
    return "before" in document


def switch_to_cancellation(order: BankOrder, links: dict[str, str]) -> bool:
    """From now on what is signed is the cancellation, at these links; what was there before is kept beside it.

    False when somebody is speaking to the bank about this order, or it is over.
    """
    document = load_sca_document(order)
    if "busy" in document or order.state not in ("at_bank", "signed"):
        return False
    before = document["before"] if is_cancellation(document) else document
    return _exchange(order, encrypt_sca_document(order, {"links": links, "authorisation": None, "before": before}))


def restore_authorisation(order: BankOrder) -> bool:
    """Back to what was there before the bank asked to sign the cancellation. False as for `switch_to_cancellation`."""
    document = load_sca_document(order)
    if not is_cancellation(document) or "busy" in document:
        return False
    return _exchange(order, encrypt_sca_document(order, document["before"]))


def next_step(document: Document) -> ScaStep:
    """How to go on, from what the bank said last. Giving up a cancellation does not give up the order."""
    found = _step_of(document)
    return replace(found, cancels=True, may_give_up=False) if is_cancellation(document) else found


def _step_of(document: Document) -> ScaStep:
    links, begun = document["links"], document["authorisation"]
    if begun is None:
        return _not_begun(links, document.get("message", ""))
    known, status = begun.get("links", {}), begun.get("status")
    if status in DONE or status == "failed":
        return ScaStep("failed" if status == "failed" else "signed", message=begun.get("message", ""))
    if "scaRedirect" in known:
        return ScaStep("page", known["scaRedirect"], begun["message"])
    alone = not document.get("elsewhere")
    if begun.get("challenge") or "authoriseTransaction" in known:
        return _code(begun, alone)
    if "selectAuthenticationMethod" in known and begun.get("methods"):
        return ScaStep("method", message=begun["message"], methods=tuple(begun["methods"]), may_give_up=alone)
    if credentials_link(document) is not None:
        return _login(document, begun["message"], alone)
    return ScaStep("app", message=begun["message"])


def _not_begun(links: dict[str, str], message: str) -> ScaStep:
    if "scaRedirect" in links:
        return ScaStep("page", links["scaRedirect"], message)
    if "startAuthorisation" not in links and any(name in links for name in _LOGIN):
        return _login({"links": links, "authorisation": None}, message, True)
    return ScaStep("begin" if any(name.startswith("startAuthorisation") for name in links) else "app", message=message)


def _login(document: Document, message: str, alone: bool) -> ScaStep:
    name, _ = credentials_link(document) or ("", "")
    return ScaStep("login", message=message, wants_password=name.endswith(_PASSWORD), may_give_up=alone)


def _code(begun: Document, alone: bool) -> ScaStep:
    asked = begun.get("challenge") or {}
    return ScaStep(
        "code", message=begun["message"], methods=tuple(begun["methods"]),
        chosen=(begun.get("chosen") or {}).get("name", ""), instruction=asked.get("additionalInformation", ""),
        challenge=tuple(asked.get("data", ())), image="image" in asked,
        digits_only=asked.get("otpFormat") == "integer", longest=asked.get("otpMaxLength"),
        may_begin_again=len(begun["methods"]) > 1, may_give_up=alone,
    )  # fmt: skip


def credentials_link(document: Document) -> tuple[str, str] | None:
    """Name and address of the link that asks who the person is at the bank."""
    begun = document["authorisation"]
    links = begun.get("links", {}) if begun else document["links"]
    return next(((name, links[name]) for name in _LOGIN if name in links), None)


def challenge_image(document: Document) -> tuple[bytes, str]:
    """The challenge as a picture, with its kind. NotFound when there is none that is safe to show."""
    text = ((document["authorisation"] or {}).get("challenge") or {}).get("image", "")
    try:
        picture = base64.b64decode(text.rpartition(",")[2], validate=True)
    except binascii.Error as error:
        raise NotFound from error
    kind = next((kind for start, kind in _IMAGES if picture.startswith(start)), None)
    if kind is None or len(picture) > LONGEST_IMAGE:
        raise NotFound
    return picture, kind
