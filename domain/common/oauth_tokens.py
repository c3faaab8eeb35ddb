"""OAuth tokens with rotating refresh tokens, encrypted in a row that has `tokens_encrypted` and `lease_until`.

A refresh token is valid for one use (rotation, RFC 9700, section 4.14.2), and some services end the old access token
with it. So one worker at a time refreshes, and new tokens are stored before anyone uses them. Other workers try again
later.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.oauth import OAuthClient, OAuthRefused, Tokens
from core.clock import utcnow
from domain.common import leases, token_revocations
from domain.common.encryption import decrypt, encrypt
from models import transaction

REFRESH_LEASE = 60
MARGIN = timedelta(minutes=3)


class NotAuthorized(Exception):
    """The customer never gave consent, or it was ended here."""


class RefreshInProgress(Exception):
    """Another worker is refreshing the tokens now."""


@dataclass(frozen=True)
class TokenStore:
    """Stores OAuth tokens of one service, encrypted, in one table.

    `place` returns the associated data that binds a ciphertext to its row; `owner` returns the row's client id and the
    subject of its audit events.
    """

    table: Any
    service: str
    place: Callable[[Any], tuple[object, ...]]
    owner: Callable[[Any], tuple[int, str]]

    def save(self, row: Any, tokens: Tokens) -> None:
        """Store the tokens, encrypted for this row."""
        self.table.update(tokens_encrypted=self._sealed(row, tokens)).where(self.table.id == row.id).execute()

    def _sealed(self, row: Any, tokens: Tokens) -> str:
        text = json.dumps([tokens.access_token, tokens.refresh_token, tokens.expires_at.isoformat()])
        return encrypt(text, *self.place(row))

    def load(self, row: Any) -> Tokens | None:
        """Return the last stored tokens, or None."""
        sealed = self.table.get_by_id(row.id).tokens_encrypted
        return self._opened(row, sealed) if sealed else None

    def _opened(self, row: Any, sealed: str) -> Tokens:
        access, refresh, expires = json.loads(decrypt(sealed, *self.place(row)))
        return Tokens(access, refresh, datetime.fromisoformat(expires))

    def discard(self, row: Any) -> None:
        """Remove the tokens from the row and have them revoked. Call it inside a transaction."""
        tokens = self.load(row)
        self.table.update(tokens_encrypted=None).where(self.table.id == row.id).execute()
        if tokens is not None:
            self._revoke(row, tokens)

    def _revoke(self, row: Any, tokens: Tokens) -> None:
        client_id, subject = self.owner(row)
        token_revocations.schedule_revocation(self.service, client_id, subject, tokens.refresh_token)

    def access_token(self, row: Any, service: OAuthClient, refused: str | None = None) -> str:
        """Return a valid access token other than `refused`, refreshing it if necessary.

        Raises:
        - NotAuthorized
        - RefreshInProgress
        - OAuthRefused
        - OAuthDown
        """
        tokens = self._present(row)
        if _holds(tokens, refused):
            return tokens.access_token
        if leases.claim_lease(self.table, row.id, REFRESH_LEASE) is None:
            raise RefreshInProgress
        try:
            return self._renewed(row, service, refused).access_token
        finally:
            leases.release_lease(row)

    def _present(self, row: Any) -> Tokens:
        tokens = self.load(row)
        if tokens is None:
            raise NotAuthorized
        return tokens

    def _renewed(self, row: Any, service: OAuthClient, refused: str | None) -> Tokens:
        """Refresh the tokens and store them, unless another worker has just done so."""
        tokens = self._present(row)
        if _holds(tokens, refused):
            return tokens
        try:
            fresh = service.refresh(tokens.refresh_token)
        except OAuthRefused:
            # a worker whose lease expired may have used this refresh token and stored its successor
            newer = self._present(row)
            if newer.refresh_token == tokens.refresh_token:
                raise
            return newer
        return self._save_fresh(row, tokens, fresh)

    def _save_fresh(self, row: Any, used: Tokens, fresh: Tokens) -> Tokens:
        """Store new tokens in the place of those that were used for them.

        When that place was emptied or filled by others meanwhile, the new ones are of no use and are revoked.
        """
        with transaction(self.owner(row)[0]):
            now = self.load(row)
            if now is not None and now.refresh_token == used.refresh_token:
                self.save(row, fresh)
                return fresh
            self._revoke(row, fresh)
        return self._present(row)


def _holds(tokens: Tokens, refused: str | None) -> bool:
    return tokens.access_token != refused and tokens.expires_at - MARGIN > utcnow()
