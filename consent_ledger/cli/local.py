"""The ledger of this home, opened here."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from consent_ledger.answers import ClearanceAnswer, answer_of, use_of
from consent_ledger.batch import Outcome, Receipt
from consent_ledger.clearance import Engine
from consent_ledger.cli import lookup
from consent_ledger.cli.ledgers import When
from consent_ledger.custody.anchor import Published
from consent_ledger.documents import ConsentAnswer
from consent_ledger.evidence.receipts import ReceiptFile, take_receipt
from consent_ledger.ledger import Ledger, system_clock
from consent_ledger.licenses.explanation import Want
from consent_ledger.licenses.records import Claim, ProjectRecord
from consent_ledger.licenses.statements import TemplateRef, UseRequest
from consent_ledger.licenses.terms import TemplateDocument
from consent_ledger.reading.consents import find_consent
from consent_ledger.store.engine import Store
from consent_ledger.withdrawal import Standing, find_withdrawal


class LocalAsking:
    """A store that is asked."""

    def __init__(self, store: Store, published: Callable[[], Published]) -> None:
        self._store = store
        self._engine = Engine(store, system_clock, published=published)

    def clear(self, assets: Sequence[str], request: UseRequest, when: When) -> list[ClearanceAnswer]:
        point = self._engine.clear(assets, use_of(request), **when._asdict())
        written: dict[int, ClearanceAnswer] = {}
        answers = []
        for asset, decision in zip(assets, point.decisions, strict=True):
            alike = written.get(id(decision))
            if alike is None:
                alike = written[id(decision)] = answer_of(asset, request, decision, point)
            answers.append(alike if alike.asset == asset else msgspec.structs.replace(alike, asset=asset))
        return answers

    def explain(self, assets: Sequence[str], request: UseRequest, when: When) -> list[tuple[Want, ...]]:
        return self._engine.explain(assets, use_of(request), as_of=when.as_of, size=when.size)

    def find_project(self, name: str) -> tuple[ProjectRecord, list[TemplateDocument]]:
        return lookup.find_project(self._store, name)

    def find_templates(self, publisher: str, names: Iterable[str]) -> list[TemplateRef]:
        return lookup.find_templates(self._store, publisher, names)

    def find_claims(self, assets: Sequence[str]) -> dict[str, tuple[Claim, ...]]:
        return lookup.find_claims(self._store, assets)

    def find_consent(self, party: str) -> ConsentAnswer:
        return find_consent(self._store, None, party)

    def find_envelope(self, id_: str) -> bytes:
        return lookup.find_envelope(self._store, id_)

    def take_receipt(self, id_: str) -> ReceiptFile:
        return take_receipt(self._store, id_)


class LocalRecording(LocalAsking):
    """A ledger that is written to."""

    def __init__(self, ledger: Ledger, published: Callable[[], Published]) -> None:
        super().__init__(ledger.store, published)
        self._ledger = ledger
        self.origin = ledger.origin
        self.clock = ledger.clock

    def register(self, envelope: bytes) -> Receipt:
        return self._ledger.register(envelope)

    def register_all(self, envelopes: Iterable[bytes]) -> list[Outcome]:
        return self._ledger.register_all(envelopes)

    def find_withdrawal(self, party: str, **part: Any) -> Standing:
        return find_withdrawal(self._store, party, **part)

    def find(self, id_: str) -> Receipt:
        return self._ledger.find(id_)
