"""What the bank said about signing an order: links, methods, a challenge (table `sca_session`).

Nothing that a person types is stored: no code, no password. A lease on the payment's row lets one caller at a time
speak to the bank; its end is also the token of its owner, so that a caller whose lease ran out never overwrites what
a later one stored. Links, methods and challenges are encrypted, since links may carry tokens.
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
from models import SCA_PURPOSES, BankOrder, ScaSession, transaction

# Longer than a bank may take to answer one call; after it the caller is taken to be dead.
LEASE_SECONDS = 60
PAYMENT, CANCELLATION = SCA_PURPOSES
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
class ScaLease:
    """The right of one caller to speak to the bank about this order, until `lease_until`."""

    order: BankOrder
    document: Document
    lease_until: datetime


def load_sca_document(order: BankOrder) -> Document:
    """Return links, and the authorisation when one was begun: of the cancellation while that is being signed."""
    rows = {row.purpose: row for row in order.sca_sessions}
    row = rows.get(CANCELLATION) or rows.get(PAYMENT)
    if row is None:
        return {"links": {}, "authorisation": None, "message": "", "elsewhere": False, "purpose": PAYMENT}
    kept = json.loads(decrypt(row.links_sealed, *_place(row)))
    return {**kept, "authorisation": _authorisation(row), "elsewhere": row.elsewhere, "purpose": row.purpose}


def _authorisation(row: ScaSession) -> Document | None:
    if row.answer_sealed is None:
        return None
    answer = json.loads(decrypt(row.answer_sealed, *_answer_place(row.order_id, row.purpose)))
    return {**answer, "id": row.authorisation_id, "status": row.sca_status}


def _place(row: ScaSession) -> tuple[object, ...]:
    return "sca_session", row.order_id, row.purpose


def _answer_place(order_id: int, purpose: str) -> tuple[object, ...]:
    return "sca_session_answer", order_id, purpose


def _links_sealed(order: BankOrder, purpose: str, links: dict[str, str], message: str = "") -> str:
    return encrypt(json.dumps({"links": links, "message": message}), "sca_session", order.id, purpose)


def save_placed_order(order: BankOrder, answer: port.OrderPlaced) -> None:
    """Keep where the bank, which has just taken the order, says to go on."""
    sealed = _links_sealed(order, PAYMENT, answer.links, answer.psu_message or "")
    ScaSession.insert(order=order.id, purpose=PAYMENT, links_sealed=sealed).on_conflict(
        conflict_target=(ScaSession.order, ScaSession.purpose),
        update={
            "links_sealed": sealed, "authorisation_id": None, "sca_status": None, "answer_sealed": None,
            "elsewhere": False, "lease_until": None,
        },
    ).execute()  # fmt: skip


def _create_missing(order: BankOrder) -> None:
    ScaSession.insert(
        order=order.id, purpose=PAYMENT, links_sealed=_links_sealed(order, PAYMENT, {})
    ).on_conflict_ignore().execute()


def save_links(order: BankOrder, document: Document, links: dict[str, str]) -> None:
    """Replace the links of an order, unless somebody is signing it: the bank says its links again."""
    _create_missing(order)
    sealed = _links_sealed(order, PAYMENT, links, document["message"])
    ScaSession.update(links_sealed=sealed).where(_payment_of(order) & ScaSession.lease_until.is_null()).execute()


def _payment_of(order: BankOrder) -> Any:
    return _row_of(order, PAYMENT)


def _row_of(order: BankOrder, purpose: str) -> Any:
    return (ScaSession.order == order.id) & (ScaSession.purpose == purpose)


def acquire_sca_session(order_id: int) -> ScaLease:
    """Become the one who speaks to the bank about this order.

    A lease that was never given back may have reached the bank: from then on only the bank knows
    what of this order can still be signed.

    Raises:
        ScaInProgress: another caller has the lease.
        NotOpen: there is nothing left to sign.
    """
    order, now = BankOrder.get_by_id(order_id), utcnow()
    _require_signable(order)
    until = now + timedelta(seconds=LEASE_SECONDS)
    with transaction(order.batch.client_id):
        _create_missing(order)
        ran_out = ScaSession.lease_until < now
        if _take_lease(order, until, ran_out):
            ScaSession.update(elsewhere=True).where(_row_of(order, load_sca_document(order)["purpose"])).execute()
        elif not _take_lease(order, until, ScaSession.lease_until.is_null()):
            raise ScaInProgress
        order = BankOrder.get_by_id(order_id)
        _require_signable(order)
        return ScaLease(order, load_sca_document(order), until)


def _require_signable(order: BankOrder) -> None:
    if order.state != "at_bank" and not (order.state == "signed" and is_cancellation(load_sca_document(order))):
        raise NotOpen(order.state)


def _take_lease(order: BankOrder, until: datetime | None, condition: Any) -> bool:
    return ScaSession.update(lease_until=until).where(_payment_of(order) & condition).execute() == 1


def release_sca_session(lease: ScaLease, elsewhere: bool = False) -> None:
    """Nothing new, or nothing known: `elsewhere` when the bank may have begun something that we do not see."""
    _release(lease, **({"elsewhere": True} if elsewhere else {}))


def save_authorisation(lease: ScaLease, answer: port.Authorisation, afresh: bool) -> None:
    """Keep what the bank answered; `afresh` for a new authorisation, which forgets the one before."""
    before = {} if afresh else lease.document["authorisation"] or {}
    kept = {
        "methods": list(answer.methods) or before.get("methods", []),
        "chosen": answer.chosen_method or before.get("chosen"), "challenge": answer.challenge,
        "message": answer.psu_message or "", "links": answer.links,
    }  # fmt: skip
    authorisation_id, purpose = answer.id or before.get("id"), lease.document["purpose"]
    begun = kept | {"id": authorisation_id, "status": answer.sca_status}
    elsewhere = next_step(lease.document | {"authorisation": begun}).how in ("page", "app")
    _release(
        lease, authorisation_id=authorisation_id, sca_status=answer.sca_status,
        answer_sealed=encrypt(json.dumps(kept), *_answer_place(lease.order.id, purpose)),
        elsewhere=elsewhere or lease.document["elsewhere"],
    )  # fmt: skip


def save_sca_status(lease: ScaLease, status: str) -> None:
    """Keep the scaStatus that the bank says when asked."""
    _release(lease, sca_status=status)


def _release(lease: ScaLease, **changes: Any) -> None:
    """Give the lease back with what came of it; nothing when it ran out and another took it: that one's is newer."""
    order, purpose = lease.order, lease.document["purpose"]
    with transaction(order.batch.client_id):
        if not _take_lease(order, None, ScaSession.lease_until == lease.lease_until):
            return
        if changes:
            ScaSession.update(**changes).where(_row_of(order, purpose)).execute()
        if "authorisation_id" in changes and purpose == PAYMENT:  # the worker asks after the order's own, by its column
            BankOrder.update(authorisation_id=changes["authorisation_id"]).where(BankOrder.id == order.id).execute()


# --- what it means for the person -----------------------------------------------------------------
def is_cancellation(document: Document) -> bool:
    """What is being signed is the cancellation of the order."""
    return document.get("purpose") == CANCELLATION


def switch_to_cancellation(order: BankOrder, links: dict[str, str]) -> bool:
    """From now on what is signed is the cancellation, at these links; the payment's session stays beside it.

    False when somebody is speaking to the bank about this order, or it is over.
    """
    with transaction(order.batch.client_id):
        _create_missing(order)
        if not _is_free(order):
            return False
        ScaSession.delete().where(_row_of(order, CANCELLATION)).execute()
        sealed = _links_sealed(order, CANCELLATION, links)
        ScaSession.create(order=order.id, purpose=CANCELLATION, links_sealed=sealed)
    return True


def restore_authorisation(order: BankOrder) -> bool:
    """Back to what was there before the bank asked to sign the cancellation. False as for `switch_to_cancellation`."""
    with transaction(order.batch.client_id):
        return _is_free(order) and ScaSession.delete().where(_row_of(order, CANCELLATION)).execute() == 1


def _is_free(order: BankOrder) -> bool:
    """Nobody has the lease, and nobody takes it before this transaction ends."""
    free = _take_lease(order, None, ScaSession.lease_until.is_null())
    return free and BankOrder.get_by_id(order.id).state in ("at_bank", "signed")


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
