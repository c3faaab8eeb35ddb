"""Pairs of OAuth tokens that change at every use, sealed in a row that has `tokens_sealed` and `lease_until`.

A new pair is written before anybody uses it, and one worker at a time asks for it: the old refresh token is
worthless the moment it was used, and a service may end the old access token with it. Who does not get to ask tries
again later.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.oauth import OAuthClient, OAuthRefused, Tokens
from core.clock import utcnow
from domain.common import leases
from domain.common.encryption import decrypt, encrypt

REFRESH_LEASE = 60
MARGIN = timedelta(minutes=3)


class NotAuthorized(Exception):
    """The customer never consented, or the consent was ended here."""


class RefreshInProgress(Exception):
    """Another worker asks for the next pair at this moment."""


@dataclass(frozen=True)
class TokenStore:
    """Where the pairs of one table are kept; `place` names what a pair is sealed for."""

    table: Any
    place: Callable[[Any], tuple[object, ...]]

    def save(self, row: Any, tokens: Tokens) -> None:
        """Write the pair, sealed for this row."""
        text = json.dumps([tokens.access_token, tokens.refresh_token, tokens.expires_at.isoformat()])
        sealed = encrypt(text, *self.place(row))
        self.table.update(tokens_sealed=sealed).where(self.table.id == row.id).execute()
        row.tokens_sealed = sealed

    def load(self, row: Any) -> Tokens | None:
        """The pair as written last; None when there is none."""
        sealed = self.table.get_by_id(row.id).tokens_sealed
        if not sealed:
            return None
        access, refresh, expires = json.loads(decrypt(sealed, *self.place(row)))
        return Tokens(access, refresh, datetime.fromisoformat(expires))

    def access_token(self, row: Any, service: OAuthClient, refused: str | None = None) -> str:
        """Return a token that is valid and is not the refused one.

        Raises: NotAuthorized, RefreshInProgress, OAuthRefused, OAuthDown.
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
        """The next pair, written before anybody uses it; another worker may have fetched it just now."""
        tokens = self._present(row)
        if _holds(tokens, refused):
            return tokens
        try:
            fresh = service.refresh(tokens.refresh_token)
        except OAuthRefused:
            # one whose lease ran out meanwhile may have used our token up, and has written what it got for it
            newer = self._present(row)
            if newer.refresh_token == tokens.refresh_token:
                raise
            return newer
        self.save(row, fresh)
        return fresh


def _holds(tokens: Tokens, refused: str | None) -> bool:
    return tokens.access_token != refused and tokens.expires_at - MARGIN > utcnow()
