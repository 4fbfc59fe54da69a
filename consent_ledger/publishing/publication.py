"""Publishing a ledger: hold it against what was published, have its checkpoint cosigned and stamped, let it out."""

from collections.abc import Callable
from typing import NamedTuple

from consent_ledger.audit.checkpoint import read_checkpoint_text
from consent_ledger.audit.policy import NONE
from consent_ledger.custody.anchor import Anchor
from consent_ledger.errors import MalformedError, NotFoundError, StaleError, UnavailableError, VerificationError
from consent_ledger.publishing import Place, Published, check_published, publish
from consent_ledger.publishing.cosigned import Quorum, has_quorum, read_cosigned, read_shown
from consent_ledger.publishing.witnessing import Reply
from consent_ledger.publishing.witnessing import Round as Asked
from consent_ledger.signing.note import NoteVerifier
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import read_log_keys
from consent_ledger.store.log import read_head
from consent_ledger.store.transaction import Transaction


class Round(NamedTuple):
    """What came of one round: what is published, how large the ledger is, who was asked, and what went wrong."""

    published: Published
    size: int
    quorum: Quorum
    has_quorum: bool
    replies: tuple[Reply, ...]
    errors: tuple[str, ...] = ()

    @property
    def standing(self) -> str:
        """In words, whether the newest checkpoint has its quorum, and what is done where it has not."""
        if self.quorum.policy.quorum == NONE:
            return "no quorum is asked for"
        fails = "closed: it is kept back" if self.quorum.closed else "open: it is shown all the same"
        return "its quorum has cosigned it" if self.has_quorum else f"it lacks its quorum, and fails {fails}"

    def report(self) -> dict[str, object]:
        """The same, for programs."""
        return {
            "published": self.published.size,
            "size": self.size,
            "new_files": self.published.files,
            "quorum": self.has_quorum,
            "fail": "closed" if self.quorum.closed else "open",
            "witnesses": {reply.witness: reply.error for reply in self.replies},
            "errors": list(self.errors),
        }


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
        ask: Callable[[], Asked | None],
        stamp: Callable[[], None] | None = None,
    ) -> None:
        """`ask` asks the witnesses, if there are any; `stamp` has the newest checkpoint time-stamped, if it was not."""
        self._store = store
        self._place = place
        self._quorum = quorum
        self._anchor = anchor
        self._clock = clock
        self._ask = ask
        self._stamp = stamp

    def go(self) -> Round:
        """Do one round. StaleError where the ledger is behind what was published or witnessed: then it is stopped."""
        size, verifiers = self._require_not_behind()
        self._check_place(verifiers)
        asked = self._ask()
        errors = self._try_to_stamp()
        published = publish(self._store, self._place, self._choose, verifiers)
        with self._store.read() as tx:
            newest = read_cosigned(tx, size) or b""
        replies = () if asked is None else asked.replies
        return Round(published, size, self._quorum, has_quorum(self._quorum.policy, newest), replies, errors)

    def _check_place(self, verifiers: list[NoteVerifier]) -> None:
        """Before anybody is asked: what is published with the log's own signature is proof against this ledger."""
        try:
            check_published(self._store, self._place, verifiers)
        except StaleError as e:
            published = read_checkpoint_text(self._place.read_checkpoint() or b"").size
            self._anchor.stop(str(e), self._clock(), published)
            raise

    def _try_to_stamp(self) -> tuple[str, ...]:
        """Stamps are evidence beside the log: what goes wrong with them is told, and keeps nothing back."""
        try:
            if self._stamp is not None:
                self._stamp()
        except (MalformedError, UnavailableError, VerificationError) as e:
            return (str(e),)
        return ()

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
