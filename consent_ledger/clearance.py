"""Clearance: what the ledger answers, for one asset or a million, at one ledger size.

Single is a batch of one. The entries that touch a question are read set-wise in one snapshot, folded into facts, and
decided. When the question is about much of the ledger, all of it is folded; an engine that is kept stays warm and folds
only what came since. Assets of which the same was said share one decision. Every way gives what `decide` gives.

A viewer is the organisation that asks, None the ledger's operator. An asset that the viewer does not see is decided as
a hash that nobody registered (docs/decisions/0006).
"""

from collections.abc import Callable, Sequence
from functools import partial
from threading import Lock
from typing import NamedTuple, TypeVar

from consent_ledger.audit.checkpoint import read_checkpoint_text
from consent_ledger.custody.anchor import NOTHING, Published
from consent_ledger.errors import RefusedError, StaleError, UnavailableError
from consent_ledger.licenses.decision import Decision, Query, decide
from consent_ledger.licenses.evaluation import Moment
from consent_ledger.licenses.explanation import Want, wants
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.keys import for_decision, for_explanation
from consent_ledger.licenses.masks import Use
from consent_ledger.licenses.reasons import Verdict
from consent_ledger.licenses.situations import Situations, Verdicts
from consent_ledger.licenses.visibility import Sight, Viewer
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import FactsReader
from consent_ledger.store.log import Head, read_checkpoint, read_head, size_at
from consent_ledger.store.transaction import Transaction

T = TypeVar("T")

_MANY = 20_000  # assets in one load by key, and from when on a whole ledger is rather read through
_WARM_ENTRIES = 2_000_000  # a ledger above this is never held in memory as a whole
_NOTHING = Facts()


class Clearance(NamedTuple):
    """The decisions on assets, in the order asked, and the bitemporal point that they hold at.

    `as_of` is in microseconds; `size` is the ledger size known; `root` is of the checkpoint signed at `size`, where
    there is one.
    """

    decisions: list[Decision]
    as_of: int
    size: int
    root: bytes | None


class Whole(NamedTuple):
    """All that is known of a ledger, now; for as long as it is lent."""

    facts: Facts
    situations: Situations
    at: Moment

    def verdicts(self, assets: Sequence[str], use: Use) -> list[Verdict]:
        """Return whether each asset may be put to `use`, for somebody who sees them all."""
        return Verdicts(self.situations, use, *self.at).of_all(assets)


class Engine:
    """Facts that stay in memory between questions about a store, as far as they are worth it. Threads may share it."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], int],
        *,
        warm: bool = False,
        published: Callable[[], Published] = lambda: NOTHING,
        told: Callable[[list[Decision]], None] = lambda decisions: None,
    ) -> None:
        """`warm`: fold the whole ledger at the first question, however small, and stay up to date from then on.

        `published`: what the ledger is known to have been. Nothing is cleared on one that is behind it. `told` hears of
        the decisions of each `clear`.
        """
        self.store = store
        self._published = published
        self._told = told
        self.clock = clock
        self._always = warm
        self._reader: FactsReader | None = None
        self._situations: Situations | None = None
        self._lock = Lock()

    def clear(
        self,
        assets: Sequence[str],
        use: Use,
        *,
        as_of: int | None = None,
        known_at: int | None = None,
        size: int | None = None,
        viewer: Viewer = None,
    ) -> Clearance:
        """Return whether each asset may be put to `use`, as far as the viewer may know.

        `as_of` (microseconds) is now when absent, but never before the last entry, so that a clock set back does not
        undo a withdrawal. What is known is what was recorded by the instant `known_at`, or at `size`, or all.
        """
        published = self._published()
        with self.store.read() as tx:
            head = read_head(tx)
            if size is not None and not 0 <= size <= head.size:
                raise RefusedError(f"the ledger has {head.size} entries, not {size}", code="size_unknown")
            if size is None:
                size = head.size if known_at is None else size_at(tx, known_at)
            if as_of is None:
                as_of = max(self.clock(), head.recorded_at)
            note = head.checkpoint if size == head.size else read_checkpoint(tx, size)
            stale = _stale(published, tx, head)
            if stale is not None:
                decisions = [decide(Query(asset, use, as_of, size), stale) for asset in assets]
            else:
                decisions = self._decide(tx, head, assets, use, as_of, size, viewer)
        self._told(decisions)
        return Clearance(decisions, as_of, size, None if note is None else read_checkpoint_text(note).root)

    def _decide(
        self, tx: Transaction, head: Head, assets: Sequence[str], use: Use, as_of: int, size: int, viewer: Viewer
    ) -> list[Decision]:
        """Return the decisions, from memory where the ledger is there or should be, else by the keys of the assets."""
        whole = head.size <= _WARM_ENTRIES and (self._always or len(assets) >= min(_MANY, head.size))
        if whole or (self._reader is not None and len(assets) > 1):
            with self._lock:
                return decide_all(assets, use, self._warm(tx, head.size), as_of, size, viewer)
        decisions: list[Decision] = []
        for start in range(0, len(assets), _MANY):
            part = assets[start : start + _MANY]
            reader = FactsReader(tx, size)
            reader.need(partial(for_decision, part))
            decisions += decide_all(part, use, reader.facts, as_of, size, viewer)
        return decisions

    def verdicts(
        self, assets: Sequence[str], use: Use, *, as_of: int | None = None, viewer: Viewer = None
    ) -> list[Verdict]:
        """Return only whether each asset may be put to `use`, known at the latest size: for very many assets.

        Equal to the verdicts of `clear`, whose reasons, party by party, are what takes the time.
        """
        published = self._published()
        with self.store.read() as tx:
            head = read_head(tx)
            if _stale(published, tx, head) is not None:
                return [Verdict.undetermined] * len(assets)
            if as_of is None:
                as_of = max(self.clock(), head.recorded_at)
            if head.size > _WARM_ENTRIES:
                return [d.verdict for d in self._decide(tx, head, assets, use, as_of, head.size, viewer)]
            with self._lock:
                facts = self._warm(tx, head.size)
                if facts.failure is not None:
                    return [Verdict.undetermined] * len(assets)
                verdicts = Verdicts(self._situations_of(facts), use, as_of, head.size)
                return _verdicts_seen(verdicts, assets, Sight(viewer, facts, head.size, use.recipient))

    def whole(self, see: Callable[["Whole"], T]) -> T:
        """Return what `see` finds in the facts of the whole ledger; others wait meanwhile.

        UnavailableError where the ledger is too large to be held in memory, or does not verify.
        """
        published = self._published()
        with self._lock, self.store.read() as tx:
            head = read_head(tx)
            published.hold(tx, head)
            if head.size > _WARM_ENTRIES:
                raise UnavailableError(f"the ledger has more than {_WARM_ENTRIES} entries to look through")
            facts = self._warm(tx, head.size)
            if facts.failure is not None:
                raise UnavailableError(f"the ledger is damaged: {facts.failure}", code="ledger_integrity_failure")
            return see(Whole(facts, self._situations_of(facts), Moment(max(self.clock(), head.recorded_at), head.size)))

    def _situations_of(self, facts: Facts) -> Situations:
        if self._situations is None or self._situations.generation != facts.generation:
            self._situations = Situations(facts)
        return self._situations

    def explain(
        self,
        assets: Sequence[str],
        use: Use,
        *,
        as_of: int | None = None,
        size: int | None = None,
        viewer: Viewer = None,
    ) -> list[tuple[Want, ...]]:
        """Return, for each asset, the smallest set of things that would clear it: nothing for one that is cleared."""
        published = self._published()
        with self.store.read() as tx:
            head = read_head(tx)
            published.hold(tx, head)
            at = max(self.clock(), head.recorded_at) if as_of is None else as_of
            known = head.size if size is None else min(size, head.size)
            found = []
            for start in range(0, len(assets), _MANY):
                part = assets[start : start + _MANY]
                reader = FactsReader(tx, known)
                reader.need(partial(for_explanation, part))
                decisions = decide_all(part, use, reader.facts, at, known, viewer)
                moment = Moment(at, known)
                found += [wants(a, use, d, reader.facts, moment) for a, d in zip(part, decisions, strict=True)]
        return found

    def _warm(self, tx: Transaction, size: int) -> Facts:
        if self._reader is None or self._reader.facts.failure is not None:
            self._reader, self._situations = FactsReader(tx, 0), None
        self._reader.follow(tx, size)
        return self._reader.facts


def _stale(published: Published, tx: Transaction, head: Head) -> Facts | None:
    """Return facts that nothing is decided on, where the ledger has forgotten what it published."""
    try:
        published.hold(tx, head)
    except StaleError as e:
        facts = Facts()
        facts.failure = str(e)
        return facts
    return None


def clear(
    store: Store,
    assets: Sequence[str],
    use: Use,
    *,
    clock: Callable[[], int],
    as_of: int | None = None,
    known_at: int | None = None,
    size: int | None = None,
    published: Callable[[], Published] = lambda: NOTHING,
) -> Clearance:
    """Return whether each asset may be put to `use`, by an engine for this once: see `Engine.clear`."""
    return Engine(store, clock, published=published).clear(assets, use, as_of=as_of, known_at=known_at, size=size)


def decide_all(
    assets: Sequence[str], use: Use, facts: Facts, as_of: int, size: int, viewer: Viewer = None
) -> list[Decision]:
    """Return `decide` of every asset that the viewer sees, deciding once for all those of which the same was said."""
    sight = Sight(viewer, facts, size, use.recipient)
    if viewer is not None:
        unseen = decide(Query("", use, as_of, size), _NOTHING if facts.failure is None else facts)
    named = facts.named
    shared: dict[int, Decision] = {}  # by the identity of what was said, which the facts keep alive
    decisions = []
    for asset in assets:
        said = facts.assets.get(asset, ())
        decision = None if asset in named else shared.get(id(said))
        if decision is None:
            decision = decide(Query(asset, use, as_of, size), facts) if sight.sees(asset) else unseen
            if asset not in named:
                shared[id(said)] = decision
        decisions.append(decision)
    return decisions


def _verdicts_seen(verdicts: Verdicts, assets: Sequence[str], sight: Sight) -> list[Verdict]:
    seen = [asset for asset in assets if sight.sees(asset)]
    if len(seen) == len(assets):
        return verdicts.of_all(assets)
    known = dict(zip(seen, verdicts.of_all(seen), strict=True))
    return [known.get(asset, Verdict.undetermined) for asset in assets]
