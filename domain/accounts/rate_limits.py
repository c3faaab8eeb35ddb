"""Limits: the first tries are free, then each waits longer than the one before. Nobody is ever shut out.

A bucket is one target seen from one side: an address, an account as strangers try it, an account on a device
that its owner signed in on before. So a stranger uses up the strangers' budget and never the owner's
(ASVS 6.1.1, 6.3.1).
"""

import ipaddress
from dataclasses import dataclass
from datetime import timedelta

from peewee import Case, Value

from core.clock import utcnow
from domain.common.encryption import blind_index
from domain.common.errors import RateLimited
from models import Attempts

LONGEST = 900  # seconds


@dataclass(frozen=True)
class RateLimit:
    """So many tries are free; then 1, 2, 4 … seconds, at most `longest`. Forgotten after a quiet `forget`."""

    free: int
    forget: timedelta
    longest: int = LONGEST

    def wait(self, tries: int) -> int:
        """Seconds between this try and the next."""
        over = tries - self.free
        return 0 if over < 0 else min(2 ** min(over, 20), self.longest)


RULES = {
    "sign_in.device": RateLimit(10, timedelta(hours=1), 60),
    "sign_in.account": RateLimit(5, timedelta(hours=6)),
    "sign_in.address": RateLimit(30, timedelta(minutes=30)),
    "register.address": RateLimit(60, timedelta(hours=1)),
    "register.search": RateLimit(
        120, timedelta(minutes=30), 30
    ),  # asked as one types; the register counts its questions
    "mail.account": RateLimit(3, timedelta(hours=1)),
    "mail.address": RateLimit(30, timedelta(hours=1)),
    "passkey.ask": RateLimit(300, timedelta(minutes=10), 5),  # each page that offers passkeys asks once by itself
    "passkey.address": RateLimit(60, timedelta(minutes=30)),
    "prove.user": RateLimit(5, timedelta(hours=1), 300),
    "pin.user": RateLimit(10, timedelta(hours=1), 300),
}


def client_subnet(ip: str) -> str:
    """The part of an address that one household or office has: a whole IPv4 address, an IPv6 /64."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


def consume_attempt(rule: str, who: object) -> None:
    """Count one try, before it is made. RateLimited with the seconds to wait; such a try is not counted.

    One statement: tries at the same moment cannot both be the last free one.
    """
    now, limits, bucket = utcnow(), RULES[rule], _bucket(rule, who)
    old = Attempts.last_at < now - limits.forget

    def after(seconds: int) -> Value:
        return Attempts.free_at.to_value(now + timedelta(seconds=seconds))  # a case does not know its column

    # `tries` is the count before this try; the waits double from 1 second until they reach the longest.
    doublings = range((limits.longest - 1).bit_length())
    steps = [(Attempts.tries < limits.free - 1, after(0))]
    steps += [(Attempts.tries == limits.free - 1 + n, after(2**n)) for n in doublings]
    counted = (
        Attempts.insert(bucket=bucket, tries=1, free_at=now, last_at=now)
        .on_conflict(
            conflict_target=[Attempts.bucket],
            update={
                Attempts.tries: Case(None, [(old, 1)], Attempts.tries + 1),
                Attempts.free_at: Case(None, [(old, after(0)), *steps], after(limits.longest)),
                Attempts.last_at: now,
            },
            where=(Attempts.free_at <= now) | old,
        )
        .returning(Attempts.bucket)
        .execute()
    )
    if list(counted):
        return
    row = Attempts.get_by_id(bucket)
    raise RateLimited(max(1, round((row.free_at - now).total_seconds() + 0.5)))


def refund(rule: str, who: object) -> None:
    """The try was right: it does not count."""
    Attempts.update(tries=Attempts.tries - 1, free_at=utcnow()).where(
        Attempts.bucket == _bucket(rule, who), Attempts.tries > 0
    ).execute()


def reset_attempts(rule: str, who: object) -> None:
    """The right person was here: begin anew."""
    Attempts.delete().where(Attempts.bucket == _bucket(rule, who)).execute()


def purge_expired_attempts() -> int:
    """Remove what is forgotten anyway."""
    longest = max(rule.forget for rule in RULES.values())
    return Attempts.delete().where(Attempts.last_at < utcnow() - longest).execute()


def _bucket(rule: str, who: object) -> str:
    return blind_index(f"attempts|{rule}|{who}")
