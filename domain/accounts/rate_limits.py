"""Rate limits: the first attempts are free, then each has to wait longer than the one before. Nothing locks for good.

A bucket counts attempts on one target from one side: an IP address, an account tried from unknown devices, an account
tried from a device on which its owner signed in before. So strangers exhaust their own bucket and never the owner's
(ASVS 6.1.1, 6.3.1).
"""

import ipaddress
from dataclasses import dataclass
from datetime import timedelta

from peewee import Case, Value

from core.clock import utcnow
from domain.common.encryption import blind_index
from domain.common.errors import RateLimited
from models import RateLimitBucket

MAX_WAIT = 900  # seconds


@dataclass(frozen=True)
class RateLimit:
    """`burst` attempts without delay, then a wait of 1, 2, 4 … seconds, at most `max_wait`.

    The count starts again after `window` without attempts.
    """

    burst: int
    window: timedelta
    max_wait: int = MAX_WAIT

    def wait(self, tries: int) -> int:
        """Return the number of seconds between this attempt and the next."""
        over = tries - self.burst
        return 0 if over < 0 else min(2 ** min(over, 20), self.max_wait)


RULES = {
    "sign_in.device": RateLimit(10, timedelta(hours=1), 60),
    "sign_in.account": RateLimit(5, timedelta(hours=6)),
    "sign_in.address": RateLimit(30, timedelta(minutes=30)),
    "register.address": RateLimit(60, timedelta(hours=1)),
    "register.search": RateLimit(120, timedelta(minutes=30), 30),  # searches while typing; the register has a quota
    "mail.account": RateLimit(3, timedelta(hours=1)),
    "mail.address": RateLimit(30, timedelta(hours=1)),
    "passkey.ask": RateLimit(300, timedelta(minutes=10), 5),  # every page that offers passkeys sends one
    "passkey.address": RateLimit(60, timedelta(minutes=30)),
    "prove.user": RateLimit(5, timedelta(hours=1), 300),
    "pin.user": RateLimit(10, timedelta(hours=1), 300),
    "copy.user": RateLimit(20, timedelta(hours=1), 300),  # of own data, an employee's or the company's
}


def client_subnet(ip: str) -> str:
    """Return the part of an IP address that a household or office shares: an IPv4 address, or an IPv6 /64."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


def consume_attempt(rule: str, target: object) -> None:
    """Count one attempt, before it is made. One statement, so that parallel attempts cannot both be the last free one.

    Raises:
    - RateLimited: with the seconds to wait; this attempt is not counted.
    """
    now, limits, bucket = utcnow(), RULES[rule], _bucket(rule, target)
    old = RateLimitBucket.last_attempt_at < now - limits.window

    def after(seconds: int) -> Value:
        return RateLimitBucket.retry_at.to_value(now + timedelta(seconds=seconds))  # Case needs the column's conversion

    # the stored count is the one before this attempt; waits double from 1 second up to the longest
    doublings = range((limits.max_wait - 1).bit_length())
    steps = [(RateLimitBucket.attempts < limits.burst - 1, after(0))]
    steps += [(RateLimitBucket.attempts == limits.burst - 1 + n, after(2**n)) for n in doublings]
    counted = (
        RateLimitBucket.insert(bucket=bucket, attempts=1, retry_at=now, last_attempt_at=now)
        .on_conflict(
            conflict_target=[RateLimitBucket.bucket],
            update={
                RateLimitBucket.attempts: Case(None, [(old, 1)], RateLimitBucket.attempts + 1),
                RateLimitBucket.retry_at: Case(None, [(old, after(0)), *steps], after(limits.max_wait)),
                RateLimitBucket.last_attempt_at: now,
            },
            where=(RateLimitBucket.retry_at <= now) | old,
        )
        .returning(RateLimitBucket.bucket)
        .execute()
    )
    if list(counted):
        return
    row = RateLimitBucket.get_by_id(bucket)
    raise RateLimited(max(1, round((row.retry_at - now).total_seconds() + 0.5)))


def refund(rule: str, target: object) -> None:
    """Do not count an attempt that succeeded."""
    RateLimitBucket.update(attempts=RateLimitBucket.attempts - 1, retry_at=utcnow()).where(
        RateLimitBucket.bucket == _bucket(rule, target), RateLimitBucket.attempts > 0
    ).execute()


def reset_attempts(rule: str, target: object) -> None:
    """Delete the count of attempts, after the right user has succeeded."""
    RateLimitBucket.delete().where(RateLimitBucket.bucket == _bucket(rule, target)).execute()


def purge_expired_attempts() -> int:
    """Delete buckets that no longer count. Returns their number."""
    longest = max(rule.window for rule in RULES.values())
    return RateLimitBucket.delete().where(RateLimitBucket.last_attempt_at < utcnow() - longest).execute()


def _bucket(rule: str, target: object) -> str:
    return blind_index(f"attempts|{rule}|{target}")
