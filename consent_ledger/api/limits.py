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


class Buckets:
    """Buckets of one kind, each by its own key. Those least used make room; a full one need not be remembered."""

    def __init__(self, rate: Rate, *, most: int = MOST_BUCKETS, now: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._most = most
        self._now = now
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: Hashable, count: int = 1) -> Level | None:
        """Take `count` from a bucket and return what is left, None without a limit; raise LimitedError.

        More than the bucket ever holds may be taken from a full one, and is paid for afterwards.
        """
        rate, burst = self._rate
        if rate <= 0:
            return None
        now = self._now()
        level, since = self._buckets.pop(key, (float(burst), now))
        level = min(burst, level + (now - since) * rate)
        enough = level >= min(count, burst)
        self._buckets[key] = (level - count if enough else level, now)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        if not enough:
            wait = math.ceil((min(count, burst) - level) / rate)
            raise LimitedError(f"limit is {rate:g} a second and {burst} at once", retry_after=max(1, wait))
        left = max(0.0, level - count)
        return Level(burst, int(left), math.ceil((burst - left) / rate))


class Limits(NamedTuple):
    """How much may be asked: with a token, without one by an address, and in lines of bulk requests with a token."""

    token: Rate = Rate(2_000, 4_000)
    address: Rate = Rate(50, 500)
    lines: Rate = Rate(200_000, 2_000_000)
