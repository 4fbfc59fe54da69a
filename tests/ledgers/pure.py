"""The pure core as a ledger: statements are verified, admitted and folded into facts, and nothing is stored.

An auditor's view of a case, a hundred times faster than a database; for properties that want thousands of ledgers.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from consent_ledger.conformance import PROJECT, Stage
from consent_ledger.licenses.decision import Decision, Query, decide
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.records import Registered
from consent_ledger.licenses.registration import admit
from consent_ledger.licenses.signed import read_signed, verify_signed
from consent_ledger.licenses.statements import (
    Asset,
    Genesis,
    Key,
    KeyMaterial,
    Medium,
    Party,
    encode_statement,
    keyid_of,
)
from consent_ledger.signing.envelope import sign_envelope
from consent_ledger.signing.instants import SECOND, parse_instant
from consent_ledger.signing.keys import SigningKey


class Recorded(NamedTuple):
    id: str


class PureLedger:
    """Only `register`, and the facts."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self.facts = Facts()
        self._clock = clock
        self._keys: dict[str, bytes] = {}

    @classmethod
    def create(
        cls, store: object, genesis: Genesis, operator_key: SigningKey, log_key: SigningKey, *, clock: Callable[[], int]
    ) -> "PureLedger":
        ledger = cls(clock)
        ledger.register(sign_envelope(encode_statement(genesis), operator_key))
        return ledger

    def register(self, envelope: bytes) -> Recorded:
        signed = read_signed(envelope)
        match signed.statement:
            case Genesis(operator_key=key) | Party(key=KeyMaterial() as key) | Key(key=KeyMaterial() as key):
                self._keys[keyid_of(key)] = key.raw
            case _:
                pass
        signers = verify_signed(signed, self._keys)
        now = max(self._clock() // SECOND * SECOND, self.facts.recorded_at)
        where = Registered(self.facts.size, now, signed.id, signers.keyids)
        self.facts.apply(admit(self.facts, signed.statement, signers, where), signed.statement)
        return Recorded(signed.id)


class PureStage(Stage):
    """A stage whose ledger is the pure core; `decide` asks it at any size that it has had."""

    def __init__(self, events: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(None, events, create=PureLedger.create)  # type: ignore[arg-type]
        self.play_all(events)

    @property
    def facts(self) -> Facts:
        ledger = self._ledger
        assert isinstance(ledger, PureLedger)
        return ledger.facts

    def register_media(self, media: list[Medium]) -> None:
        """Register media in one statement."""
        self._say(self._publisher, Asset, project=PROJECT, media=media)

    def play_all(self, events: Iterable[Mapping[str, Any]]) -> None:
        for event in events:
            self.play(event)

    def query(self, query: Mapping[str, Any], size: int | None = None, as_of: int | None = None) -> Query:
        instant = parse_instant(query["as_of"]) if as_of is None else as_of
        known = self.facts.size if size is None else size
        return Query(self._hash(query["asset"]), self.use_of(query), instant, known)

    def decide(self, query: Mapping[str, Any], size: int | None = None, as_of: int | None = None) -> Decision:
        """Return the decision at the `as_of` of the query, or another (microseconds), at a ledger size."""
        return decide(self.query(query, size, as_of), self.facts)
