"""Rate limits: a token bucket for each token and each client address, in this process, in bounded memory.

A bucket fills at `rate` a second up to `burst`, and each request takes one. Several processes limit apart, so that what
a client gets in all is at most that many times as much.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import NamedTuple

from consent_ledger.errors import LimitedError

MOST_BUCKETS = 50_000


class Rate(NamedTuple):
    """So many a second, and so many at once; a rate of 0 is no limit."""

    rate: float
    burst: int


class Level(NamedTuple):
    """What is left of a bucket: its size, whole requests left, and seconds until it is full again."""

    limit: int
    remaining: int
    reset: int


class ExhaustedError(LimitedError):
    """A bucket has nothing left; `level` says when it is full again."""

    def __init__(self, message: str, *, retry_after: int, level: Level) -> None:
        super().__init__(message, retry_after=retry_after)
        self.level = level


class Buckets:
    """Buckets of one kind, each by its own key. Those least used make room; a full one need not be remembered."""

    def __init__(self, rate: Rate, *, most: int = MOST_BUCKETS, now: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._most = most
        self._now = now
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: Hashable) -> Level | None:
        """Take one and return what is left, None without a limit; raise ExhaustedError where there is none."""
        rate, burst = self._rate
        if rate <= 0:
            return None
        level = self._spend(key, 1)
        if level < 0:
            self._spend(key, -1)
            wait = max(1, math.ceil(-level / rate))
            empty = Level(burst, 0, math.ceil((burst - level - 1) / rate))
            raise ExhaustedError(f"limit is {rate:g} a second and {burst} at once", retry_after=wait, level=empty)
        return Level(burst, int(level), math.ceil((burst - level) / rate))

    def borrow(self, key: Hashable, count: int) -> float:
        """Take `count`, more than there are if need be; return the seconds to wait until they are paid for."""
        return max(0.0, -self._spend(key, count) / self._rate.rate) if self._rate.rate > 0 else 0.0

    def _spend(self, key: Hashable, count: int) -> float:
        """Return what is left of the bucket, which is filled up to now first."""
        now = self._now()
        level, since = self._buckets.pop(key, (float(self._rate.burst), now))
        level = min(self._rate.burst, level + (now - since) * self._rate.rate) - count
        self._buckets[key] = (level, now)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return level


class Limits(NamedTuple):
    """How much may be asked: with a token, without one by an address, in lines of bulk requests with a token, and how
    often an address may try to sign in, which is dear."""

    token: Rate = Rate(2_000, 4_000)
    address: Rate = Rate(50, 500)
    lines: Rate = Rate(200_000, 2_000_000)
    sign_in: Rate = Rate(0.2, 10)
