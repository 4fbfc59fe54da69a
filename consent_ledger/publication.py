"""Publishing a ledger: hold it against what was published, have its checkpoint cosigned and stamped, let it out."""

from collections.abc import Callable
from typing import NamedTuple

from consent_ledger.anchor import Anchor
from consent_ledger.cosigned import Quorum, read_shown
from consent_ledger.errors import LedgerError, NotFoundError, StaleError
from consent_ledger.heartbeat import Heartbeat
from consent_ledger.publishing import Place, Published, publish
from consent_ledger.signing.note import NoteVerifier
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import read_log_keys
from consent_ledger.store.log import read_head
from consent_ledger.store.transaction import Transaction
from consent_ledger.witnessing import Reply, Witnessing


class Progress(NamedTuple):
    """What came of one round: what is published, how large the ledger is, whom was asked what, and what failed."""

    published: Published
    size: int
    replies: tuple[Reply, ...]
    errors: tuple[str, ...] = ()


class Publication:
    """A ledger and the place that it is published to. Needs no key: what was signed is passed on."""

    def __init__(
        self,
        store: Store,
        place: Place,
        quorum: Quorum,
        anchor: Anchor,
        *,
        clock: Callable[[], int],
        heartbeat_seconds: int,
        stamp: Callable[[], None] = lambda: None,
        progress: Callable[[int], None] = lambda entries: None,
    ) -> None:
        """`stamp` has the newest checkpoint time-stamped, if it wants to."""
        self._store = store
        self._place = place
        self._quorum = quorum
        self._anchor = anchor
        self._stamp = stamp
        self._progress = progress
        witnessing = asking(store, quorum, anchor, clock=clock, heartbeat_seconds=heartbeat_seconds)
        self._witnessing = witnessing
        self._heartbeat = Heartbeat(store, witnessing, clock)

    def go(self) -> Progress:
        """Do one round. StaleError where the ledger is behind what was published or witnessed."""
        size, verifiers = self._require_not_behind()
        done = self._heartbeat.beat()
        errors = []
        try:
            self._stamp()
        except StaleError:
            raise
        except LedgerError as e:  # evidence beside the log: its lack keeps nothing back
            errors.append(str(e))
        published = publish(self._store, self._place, self._choose, verifiers, progress=self._progress)
        return Progress(published, size, done.replies if done is not None else (), tuple(errors))

    def close(self) -> None:
        """Let connections go."""
        self._witnessing.close()

    def _require_not_behind(self) -> tuple[int, list[NoteVerifier]]:
        known = self._anchor.read()
        with self._store.read() as tx:
            head = read_head(tx)
            verifiers = [NoteVerifier.from_vkey(key.vkey) for key in read_log_keys(tx, head.size)]
            if not verifiers:
                raise NotFoundError(
                    f"`{self._store.place}` holds no ledger yet, want `init` first", code="ledger_missing"
                )
            known.hold(tx, head, verifiers)
        return head.size, verifiers

    def _choose(self, tx: Transaction) -> bytes | None:
        note = read_shown(tx, self._quorum)
        if note is not None:
            self._anchor.advance(note)
        return note


def asking(
    store: Store, quorum: Quorum, anchor: Anchor, *, clock: Callable[[], int], heartbeat_seconds: int
) -> Witnessing:
    """Return what asks the witnesses of a ledger, and stops it through its anchor."""
    return Witnessing(
        store,
        quorum,
        clock=clock,
        stop=lambda reason, size: anchor.stop(reason, clock(), size),
        heartbeat_seconds=heartbeat_seconds,
        before_leaving=anchor.advance,
    )
