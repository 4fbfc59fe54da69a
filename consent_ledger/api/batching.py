"""Requests that come together are served together: one thread, one transaction, one answer for each.

Whatever has queued while the last batch was served is the next one, without a timer: alone a request waits for
nobody, under load the cost of a commit or a snapshot is shared by many.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

from consent_ledger.errors import UnavailableError

In = TypeVar("In")
Out = TypeVar("Out")

MOST = 1_000
LONGEST_QUEUE = 20_000


class Batched(Generic[In, Out]):
    """`serve` answers a list of items, each with its result or the error that refuses it, in a thread of `threads`.

    It belongs to one event loop. At most `parallel` batches are served at a time.
    """

    def __init__(
        self, serve: Callable[[list[In]], Sequence[Out | Exception]], threads: Executor, *, parallel: int = 1
    ) -> None:
        self._serve = serve
        self._threads = threads
        self._idle = parallel
        self._waiting: list[tuple[In, asyncio.Future[Out]]] = []
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many items wait for their turn."""
        return len(self._waiting)

    async def ask(self, item: In) -> Out:
        """Return the result for `item`, or raise the error that refuses it."""
        if len(self._waiting) >= LONGEST_QUEUE:
            raise UnavailableError("too many requests are waiting", code="busy")
        future: asyncio.Future[Out] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._idle:
            self._idle -= 1
            task = asyncio.create_task(self._drain())
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        return await future

    async def _drain(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._serve_one(batch)
        finally:
            self._idle += 1

    async def _serve_one(self, batch: list[tuple[In, asyncio.Future[Out]]]) -> None:
        loop = asyncio.get_running_loop()
        outcomes: Sequence[Out | Exception]
        try:
            outcomes = await loop.run_in_executor(self._threads, self._serve, [item for item, _ in batch])
        except Exception as e:
            outcomes = [e] * len(batch)
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if future.done():  # the client has gone
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
