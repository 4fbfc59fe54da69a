"""What all handlers share: the ledger, the threads in which it is called, and the queues that share transactions."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from consent_ledger.api.batching import Batched
from consent_ledger.api.questions import Question, answer_all
from consent_ledger.ledger import Ledger, Receipt

P = ParamSpec("P")
T = TypeVar("T")

READERS = 16
STREAMS = 4


class Service:
    """One ledger, served from one event loop."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="read")
        self._streams = ThreadPoolExecutor(STREAMS, thread_name_prefix="stream")
        self._batches = ThreadPoolExecutor(4, thread_name_prefix="batch")
        # Two at a time: signatures of the next batch are verified while the last one is being committed.
        self.registrations = Batched[bytes, Receipt](ledger.register_all, self._batches, parallel=2)
        self.clearances = Batched[Question, bytes](self._clear, self._batches, parallel=2)

    def _clear(self, questions: list[Question]) -> list[bytes | Exception]:
        return answer_all(self.ledger.store, self.ledger.clock, questions)

    async def read(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `call` does, called in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, lambda: call(*args, **kwargs))

    async def stream(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a long call does; those have threads of their own, so that short ones need not wait."""
        return await asyncio.get_running_loop().run_in_executor(self._streams, lambda: call(*args, **kwargs))

    def close(self) -> None:
        """Wait for what is under way, then let the threads go."""
        for pool in (self._batches, self._streams, self._readers):
            pool.shutdown()
