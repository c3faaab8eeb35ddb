"""Members of a client: invitations, roles, dual approval."""

from domain.common.errors.base import DomainError


class InvitationRefused(DomainError):
    """The invitation is not possible.

    `reason`: not_needed, yourself, member, role, too_many, other_address, unconfirmed or account.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NameRefused(DomainError):
    """The member may not take this name. `reason`: other_surname, unreadable or colleague."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LastOwner(DomainError):
    """A client must keep at least one owner."""


class InsufficientRole(DomainError):
    """The member's role does not allow this."""


class TooFewApprovers(DomainError):
    """Two approvals are required, and fewer than two members could give one."""


class LastEditorCannotApprove(DomainError):
    """Under dual approval, the member who last edited the payment cannot approve it."""


class SamePerson(DomainError):
    """Both accounts belong to the same person, who counts as one approver."""


class NoPendingRequest(DomainError):
    """The request is already settled or was replaced by a newer one."""


class AccountNeeded(DomainError):
    """The account cannot be removed now. `why`: last_owner, too_few or waits, at this `company`."""

    def __init__(self, why: str, company: str) -> None:
        super().__init__(why)
        self.why, self.company = why, company


class ClientBusy(DomainError):
    """The client cannot be closed now. `why`: in_flight, disputed or held."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
