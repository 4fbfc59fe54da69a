"""Asking witnesses to cosign the newest checkpoint (c2sp.org/tlog-witness), and again while nothing changes.

What a witness answers is believed only as far as its signature goes, with one exception: one that has seen more of this
log than there is, or something else, stops the log. Then a backup was restored or the log forked, and every further
signature would make it worse. So name only witnesses whose operators you would believe when they say so.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import httpx

from consent_ledger.audit.checkpoint import read_checkpoint_text
from consent_ledger.audit.cosigning import Submission, encode_submission, read_conflict, read_cosignature
from consent_ledger.audit.policy import Witness
from consent_ledger.audit.proofs import consistency_ids, prove_consistency, verify_consistency
from consent_ledger.audit.tree import Frontier, frontier_ids
from consent_ledger.errors import LedgerError, StaleError, UnavailableError, VerificationError
from consent_ledger.publishing.cosigned import Quorum, has_quorum, read_cosigned
from consent_ledger.signing.note import NoteVerifier, split_note
from consent_ledger.store.engine import Store
from consent_ledger.store.log import read_checkpoint, read_head, read_nodes
from consent_ledger.store.witnesses import Cosignature, add_cosignatures, last_cosigned, set_witnessed

HEARTBEAT_SECONDS = 3600
RETRY_SECONDS = 30
TIMEOUT_SECONDS = 10.0
MAX_ANSWER = 64 * 1024
_ATTEMPTS = 3
_SECOND = 1_000_000

Stop = Callable[[str, int], None]


class Reply(NamedTuple):
    """What came of asking one witness, by its printable name: it cosigned, or why not."""

    witness: str
    error: str | None = None


class Round(NamedTuple):
    """What came of asking: for which size, who was asked, and whether the quorum has cosigned that size."""

    size: int
    replies: tuple[Reply, ...]
    has_quorum: bool


def shown(witness: Witness) -> str:
    """Return the name of a witness as it can be printed: in a policy it is any octets."""
    return ascii(witness.name)[1:-1]


def witness_id(verifier: NoteVerifier) -> str:
    """Return what a witness goes by in the store: name and id of its key."""
    return f"{verifier.name}+{verifier.key_id.hex()}"


class Witnessing:
    """Asks the witnesses of a quorum. `stop` is told why, and the size seen outside, when the log must not go on."""

    def __init__(
        self,
        store: Store,
        quorum: Quorum,
        *,
        clock: Callable[[], int],
        stop: Stop,
        heartbeat_seconds: int = HEARTBEAT_SECONDS,
        before_leaving: Callable[[bytes], None] = lambda note: None,
    ) -> None:
        """`before_leaving` is given each checkpoint before anybody outside sees it."""
        self._store = store
        self._quorum = quorum
        self._clock = clock
        self._stop = stop
        self._heartbeat = heartbeat_seconds
        self._before_leaving = before_leaving
        self._failed_at: dict[str, float] = {}
        self._client = httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False)

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def ask(self) -> Round | None:
        """Ask every witness whose turn it is; None where the log is empty.

        StaleError `witness_ahead` or `witness_disagrees`, after `stop` was told.
        """
        with self._store.read() as tx:
            note = read_checkpoint(tx)
        if note is None:
            return None
        size = read_checkpoint_text(note).size
        due = self._due(size)
        if due:
            self._before_leaving(note)
        with ThreadPoolExecutor(max(1, len(due)), thread_name_prefix="witness") as pool:
            answers = list(pool.map(lambda witness: self._ask_one(witness, note, size), due))
        has = self._keep(size, [answer for answer in answers if isinstance(answer, Cosignature)])
        for answer in answers:
            if isinstance(answer, StaleError):
                raise answer
        replies = tuple(_reply(witness, answer) for witness, answer in zip(due, answers, strict=True))
        return Round(size, replies, has)

    def _due(self, size: int) -> list[Witness]:
        now = self._clock() // _SECOND
        due = []
        with self._store.read() as tx:
            for witness in self._quorum.policy.witnesses:
                failed_at = self._failed_at.get(witness.name, -RETRY_SECONDS)
                last_size, last_time = last_cosigned(tx, witness_id(witness.verifier))
                fresh = last_size >= size and now - last_time < self._heartbeat
                if witness.url is not None and not fresh and time.monotonic() - failed_at >= RETRY_SECONDS:
                    due.append(witness)
        return due

    def _keep(self, size: int, cosignatures: Sequence[Cosignature]) -> bool:
        """Store what came in; return whether the quorum has cosigned the checkpoint of `size`."""
        if not cosignatures:
            with self._store.read() as tx:
                return has_quorum(self._quorum.policy, read_cosigned(tx, size) or b"")
        with self._store.write() as tx:
            add_cosignatures(tx, cosignatures)
            has = has_quorum(self._quorum.policy, read_cosigned(tx, size) or b"")
            if has:
                set_witnessed(tx, size)
        return has

    # One witness -------------------------------------------------------------------------------------------------

    def _ask_one(self, witness: Witness, note: bytes, size: int) -> Cosignature | LedgerError:
        try:
            cosignature = self._cosignature(witness, note, size)
        except LedgerError as e:
            self._failed_at[witness.name] = time.monotonic()
            return e
        self._failed_at.pop(witness.name, None)
        return cosignature

    def _cosignature(self, witness: Witness, note: bytes, size: int) -> Cosignature:
        id_ = witness_id(witness.verifier)
        with self._store.read() as tx:
            old = min(last_cosigned(tx, id_)[0], size)
        knows_us = old > 0
        for _ in range(_ATTEMPTS):
            body = encode_submission(Submission(old, self._prove(old, size), note))
            status, answer = self._post(witness, body)
            if status == 200:
                text = split_note(note)[0]
                line, at = read_cosignature(answer, text, witness.verifier, self._clock() // _SECOND)
                return Cosignature(size, id_, at, line)
            known = read_conflict(answer) if status == 409 else None
            if known is None or known == old:
                # Whoever never said that it knows this log cannot contradict it: it may not be a witness at all.
                if knows_us and (status == 422 or (status == 409 and old == size)):
                    raise self._stopped(witness, old, "disagrees", f"has seen other entries among the first {old}")
                raise UnavailableError(f"witness `{shown(witness)}` answers {status}", code="witness_refuses")
            if known > size:
                raise self._newer(witness, known)
            old, knows_us = known, True
        raise UnavailableError(f"witness `{shown(witness)}` names another size each time", code="witness_refuses")

    def _prove(self, old: int, size: int) -> tuple[bytes, ...]:
        """Return the consistency proof, and make sure of it: who refuses it then has seen something else."""
        with self._store.read() as tx:
            nodes = read_nodes(tx, [*consistency_ids(old, size), *frontier_ids(old), *frontier_ids(size)])
        proof = prove_consistency(old, size, nodes)
        if old:
            roots = Frontier.load(old, nodes).root(), Frontier.load(size, nodes).root()
            verify_consistency(old, size, *roots, proof)
        return proof

    def _newer(self, witness: Witness, known: int) -> LedgerError:
        with self._store.read() as tx:
            head = read_head(tx).size
        if known > head:
            return self._stopped(witness, known, "ahead", f"has seen {known} entries and there are {head}")
        # Another process of this log was faster.
        return UnavailableError(f"witness `{shown(witness)}` has a newer checkpoint already", code="witness_busy")

    def _stopped(self, witness: Witness, size: int, code: str, what: str) -> StaleError:
        reason = f"witness `{shown(witness)}` {what}"
        self._stop(reason, size)
        return StaleError(f"{reason}: nothing is recorded any more", code=f"witness_{code}")

    def _post(self, witness: Witness, body: bytes) -> tuple[int, bytes]:
        url = f"{(witness.url or '').rstrip('/')}/add-checkpoint"
        until = time.monotonic() + 2 * TIMEOUT_SECONDS
        try:
            with self._client.stream("POST", url, content=body, headers={"Content-Type": "text/plain"}) as response:
                answer = b""
                for chunk in response.iter_bytes():
                    answer += chunk
                    if len(answer) > MAX_ANSWER or time.monotonic() > until:
                        raise VerificationError(f"witness `{shown(witness)}` answers without end", code="bad_answer")
                return response.status_code, answer
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as e:
            detail = f"witness `{shown(witness)}` cannot be reached: {type(e).__name__}"
            raise UnavailableError(detail, code="witness_unreachable") from e


def _reply(witness: Witness, answer: Cosignature | LedgerError) -> Reply:
    return Reply(shown(witness), str(answer) if isinstance(answer, LedgerError) else None)
