"""The keys of a ledger's clients, claimed and answered many at a time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from consent_ledger.api.batching import Batched
from consent_ledger.signing.instants import SECOND
from consent_ledger.store.engine import Store
from consent_ledger.store.idempotency import Outcome, Release, Task, serve

LEASE = 60 * SECOND
"""How long a process that says nothing is taken to be working on a request."""


class Keys:
    """Idempotency-Keys. It belongs to one event loop."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="keys")
        self._clock = clock
        self._tasks = Batched[Task, Outcome](partial(self._serve, store), self._threads)

    def _serve(self, store: Store, tasks: Sequence[Task]) -> list[Outcome | Exception]:
        return list(serve(store, tasks, self._clock(), LEASE))

    async def do(self, task: Task) -> Outcome:
        """Claim a key, keep its answer, or let go of it, together with others."""
        return await self._tasks.ask(task)

    async def hold_on(self, id_: bytes) -> None:
        """Say that the request of a key is still being worked on."""
        await self.do(Release(id_, self._clock() + LEASE))

    async def release(self, id_: bytes) -> None:
        """Say that nobody works on the request of a key any more."""
        await self.do(Release(id_, 0))

    def close(self) -> None:
        """Wait for what is under way."""
        self._threads.shutdown()
