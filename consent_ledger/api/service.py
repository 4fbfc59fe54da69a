"""What all handlers share: the ledger, the threads in which it is called, and the queues that share transactions."""

import asyncio
import gc
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from consent_ledger.api.batching import Batched
from consent_ledger.api.keys import Keys
from consent_ledger.api.metrics import Metrics, standing_of
from consent_ledger.api.questions import Question, answer_all
from consent_ledger.clearance import Engine
from consent_ledger.evidence.certificates import Signer
from consent_ledger.ledger import Ledger, Outcome, Receipt
from consent_ledger.licenses.masks import compile_use
from consent_ledger.publishing.cosigned import NO_QUORUM, Quorum
from consent_ledger.workers import Workers

P = ParamSpec("P")
T = TypeVar("T")

READERS = 16
_ANY_USE = compile_use(["train"], ["general"], "commercial", "internal")
STREAMS = 4


class Service:
    """One ledger, served from one event loop."""

    def __init__(self, ledger: Ledger, signer: Signer | None = None, quorum: Quorum = NO_QUORUM) -> None:
        """`signer`: what answers are signed with where a certificate is asked for. `quorum`: who cosigns."""
        self.ledger = ledger
        self.quorum = quorum
        self.signer = signer
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="read")
        self._streams = ThreadPoolExecutor(STREAMS, thread_name_prefix="stream")
        self._batches = ThreadPoolExecutor(4, thread_name_prefix="batch")
        self._workers = Workers(max(1, (os.cpu_count() or 1) - 1))
        # Two at a time: signatures of the next batch are verified while the last one is being committed.
        self.registrations = Batched[bytes, Receipt](self.register_all, self._batches, parallel=2)
        self.metrics = Metrics(partial(standing_of, ledger), lambda: {"registrations": self.registrations.waiting})
        self.engine = Engine(
            ledger.store, ledger.clock, warm=True, published=ledger.published, told=self.metrics.answered
        )
        self.keys = Keys(ledger.store, ledger.clock)
        self.clearances = Batched[Question, bytes](partial(answer_all, self.engine), self._batches)

    def register_all(self, envelopes: Sequence[bytes]) -> list[Outcome]:
        """Record statements, in order; see `Ledger.register_all`."""
        return self.begin(envelopes)()

    def begin(self, envelopes: Sequence[bytes]) -> Callable[[], list[Outcome]]:
        """Begin to verify statements, and return what records them; see `Ledger.begin`."""
        record = self.ledger.begin(envelopes, self._workers)

        def finish() -> list[Outcome]:
            outcomes = record()
            self.metrics.registered(outcomes)
            return outcomes

        return finish

    def start_workers(self) -> None:
        """Start the verifier processes, so that the first statements need not wait for them."""
        self._workers.start()

    def warm_up(self) -> None:
        """Begin to read what questions rest on, so that the first one need not wait for it."""
        self._streams.submit(self._warm_up)

    def _warm_up(self) -> None:
        self.engine.clear([], _ANY_USE)
        # What was folded stays: looking through it for garbage would stop all requests for a tenth of a second.
        gc.freeze()

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
        self._workers.close()
        self.keys.close()
