"""What the bank said about signing an order: links, methods and challenge (table `sca_session`).

Codes and passwords are never stored. A lease on the payment's row lets one caller at a time call the bank. The end of
the lease also identifies its holder: a caller whose lease expired never overwrites what a later one stored. Links,
methods and challenges are encrypted, because links may contain tokens.
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
from models import BankOrder, ScaSession, transaction
from models.states import OrderState, ScaPurpose

# Longer than a bank may take to answer one call. After it the caller has crashed.
LEASE_SECONDS = 60
PAYMENT, CANCELLATION = ScaPurpose.PAYMENT, ScaPurpose.CANCELLATION
LONGEST_IMAGE = 500_000
DONE = frozenset({"finalised", "exempted"})
_IMAGES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))
# The standard's names of the links that ask for the person's credentials.
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
    cancels: bool = False  # the cancellation is being signed


@dataclass(frozen=True)
class ScaLease:
    """One caller's right to call the bank about this order, until `lease_until`."""

    order: BankOrder
    document: Document
    lease_until: datetime


def load_sca_document(order: BankOrder) -> Document:
    """Return links and authorisation: those of the cancellation while that is being signed, else those of the payment.
    """
    rows = {row.purpose: row for row in order.sca_sessions}
    row = rows.get(CANCELLATION) or rows.get(PAYMENT)
    if row is None:
        return {"links": {}, "authorisation": None, "message": "", "elsewhere": False, "purpose": PAYMENT}
    kept = json.loads(decrypt(row.links_encrypted, *_place(row)))
    return {**kept, "authorisation": _authorisation(row), "elsewhere": row.elsewhere, "purpose": row.purpose}


def _authorisation(row: ScaSession) -> Document | None:
    if row.authorisation_encrypted is None:
        return None
    answer = json.loads(decrypt(row.authorisation_encrypted, *_answer_place(row.order_id, row.purpose)))
    return {**answer, "id": row.authorisation_id, "status": row.sca_status}


def _place(row: ScaSession) -> tuple[object, ...]:
    return "sca_session", row.order_id, row.purpose


def _answer_place(order_id: int, purpose: str) -> tuple[object, ...]:
    return "sca_session_answer", order_id, purpose


def _links_sealed(order: BankOrder, purpose: str, links: dict[str, str], message: str = "") -> str:
    return encrypt(json.dumps({"links": links, "message": message}), "sca_session", order.id, purpose)


def save_placed_order(order: BankOrder, answer: port.OrderPlaced) -> None:
    """Store the links of an order that the bank has just accepted."""
    sealed = _links_sealed(order, PAYMENT, answer.links, answer.psu_message or "")
    ScaSession.insert(order=order.id, purpose=PAYMENT, links_encrypted=sealed).on_conflict(
        conflict_target=(ScaSession.order, ScaSession.purpose),
        update={
            "links_encrypted": sealed, "authorisation_id": None, "sca_status": None, "authorisation_encrypted": None,
            "elsewhere": False, "lease_until": None,
        },
    ).execute()  # fmt: skip


def _create_missing(order: BankOrder) -> None:
    ScaSession.insert(
        order=order.id, purpose=PAYMENT, links_encrypted=_links_sealed(order, PAYMENT, {})
    ).on_conflict_ignore().execute()


def save_links(order: BankOrder, document: Document, links: dict[str, str]) -> None:
    """Replace the order's links, unless somebody is signing: the bank will repeat them."""
    _create_missing(order)
    sealed = _links_sealed(order, PAYMENT, links, document["message"])
    ScaSession.update(links_encrypted=sealed).where(_payment_of(order) & ScaSession.lease_until.is_null()).execute()


def _payment_of(order: BankOrder) -> Any:
    return _row_of(order, PAYMENT)


def _row_of(order: BankOrder, purpose: str) -> Any:
    return (ScaSession.order == order.id) & (ScaSession.purpose == purpose)


def acquire_sca_session(order_id: int) -> ScaLease:
    """Take the lease to call the bank about this order.

    If the previous lease expired without release, its call may have reached the bank: then only the bank knows what can
    still be signed.

    Raises:
    - ScaInProgress: another caller has the lease.
    - NotOpen: there is nothing left to sign.
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
    if order.state != OrderState.AT_BANK and not (
        order.state == OrderState.SIGNED and is_cancellation(load_sca_document(order))
    ):
        raise NotOpen(order.state)


def _take_lease(order: BankOrder, until: datetime | None, condition: Any) -> bool:
    return ScaSession.update(lease_until=until).where(_payment_of(order) & condition).execute() == 1


def release_sca_session(lease: ScaLease, elsewhere: bool = False) -> None:
    """Release the lease without a result. `elsewhere`: the bank may have started something that we do not know of."""
    _release(lease, **({"elsewhere": True} if elsewhere else {}))


def save_authorisation(lease: ScaLease, answer: port.Authorisation, afresh: bool) -> None:
    """Store the bank's answer and release the lease. `afresh`: it is a new authorisation, which replaces the previous
    one.
    """
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
        authorisation_encrypted=encrypt(json.dumps(kept), *_answer_place(lease.order.id, purpose)),
        elsewhere=elsewhere or lease.document["elsewhere"],
    )  # fmt: skip


def save_sca_status(lease: ScaLease, status: str) -> None:
    """Store the scaStatus and release the lease."""
    _release(lease, sca_status=status)


def _release(lease: ScaLease, **changes: Any) -> None:
    """Release the lease and store the changes; nothing if it expired and another caller took it."""
    order, purpose = lease.order, lease.document["purpose"]
    with transaction(order.batch.client_id):
        if not _take_lease(order, None, ScaSession.lease_until == lease.lease_until):
            return
        if changes:
            ScaSession.update(**changes).where(_row_of(order, purpose)).execute()
        if "authorisation_id" in changes and purpose == PAYMENT:  # status polling reads it from the order
            BankOrder.update(authorisation_id=changes["authorisation_id"]).where(BankOrder.id == order.id).execute()


# --- what it means for the person -----------------------------------------------------------------
def is_cancellation(document: Document) -> bool:
    """Return whether the cancellation of the order is being signed."""
    return document.get("purpose") == CANCELLATION


def switch_to_cancellation(order: BankOrder, links: dict[str, str]) -> bool:
    """Sign the cancellation from now on, at these links; the payment's session is kept.

    Return False if another caller is calling the bank about this order, or the order is over.
    """
    with transaction(order.batch.client_id):
        _create_missing(order)
        if not _is_free(order):
            return False
        ScaSession.delete().where(_row_of(order, CANCELLATION)).execute()
        sealed = _links_sealed(order, CANCELLATION, links)
        ScaSession.create(order=order.id, purpose=CANCELLATION, links_encrypted=sealed)
    return True


def restore_authorisation(order: BankOrder) -> bool:
    """Sign the payment again instead of its cancellation. Return False as `switch_to_cancellation` does."""
    with transaction(order.batch.client_id):
        return _is_free(order) and ScaSession.delete().where(_row_of(order, CANCELLATION)).execute() == 1


def _is_free(order: BankOrder) -> bool:
    """Return whether nobody has the lease; nobody can take it before this transaction ends."""
    free = _take_lease(order, None, ScaSession.lease_until.is_null())
    return free and BankOrder.get_by_id(order.id).state in (OrderState.AT_BANK, OrderState.SIGNED)


def next_step(document: Document) -> ScaStep:
    """Return the next step according to the bank's last answer. A cancellation offers no way to give up the order."""
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
    """Return name and URL of the link that asks for the person's credentials at the bank."""
    begun = document["authorisation"]
    links = begun.get("links", {}) if begun else document["links"]
    return next(((name, links[name]) for name in _LOGIN if name in links), None)


def challenge_image(document: Document) -> tuple[bytes, str]:
    """Return the challenge image and its media type.

    Raises:
    - NotFound: there is none of a known type and size.
    """
    text = ((document["authorisation"] or {}).get("challenge") or {}).get("image", "")
    try:
        picture = base64.b64decode(text.rpartition(",")[2], validate=True)
    except binascii.Error as error:
        raise NotFound from error
    kind = next((kind for start, kind in _IMAGES if picture.startswith(start)), None)
    if kind is None or len(picture) > LONGEST_IMAGE:
        raise NotFound
    return picture, kind
