"""Clearance questions as they arrive, and their answers, many at a time.

Questions about the same use at the same point are cleared together, set-wise, in one snapshot; equal decisions are
written once. A question that cannot be answered takes no other with it.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from consent_ledger.answers import ClearanceRequest, answer_of, use_of
from consent_ledger.api.decoding import decode_body, decode_instants
from consent_ledger.clearance import Clearance, Engine
from consent_ledger.errors import LedgerError, RefusedError
from consent_ledger.licenses.decision import Decision
from consent_ledger.licenses.masks import Use
from consent_ledger.licenses.statements import UseRequest
from consent_ledger.licenses.visibility import Viewer
from consent_ledger.store.engine import Store
from consent_ledger.store.log import read_head

_USE_FIELDS = UseRequest.__struct_fields__


class Point(NamedTuple):
    """Where in time an answer is given: as of an instant, with what was known at an instant or a size; None is now."""

    as_of: int | None = None
    known_at: int | None = None
    size: int | None = None


class Question(NamedTuple):
    """One asset, the use that is asked for (as written, and compiled), the point to answer at, and who asks."""

    asset: str
    written: bytes
    use: Use
    point: Point
    viewer: Viewer

    @property
    def group(self) -> tuple[bytes, Point, Viewer]:
        """What questions must share to be cleared together."""
        return self.written, self.point, self.viewer


def parse_question(raw: bytes, viewer: Viewer) -> Question:
    """Return the viewer's question in a JSON document; raise MalformedError, or RefusedError with all that is wrong."""
    request = decode_body(raw, ClearanceRequest)
    if request.known_at is not msgspec.UNSET and request.size is not msgspec.UNSET:
        raise RefusedError("what is known is given by `known_at` or by `size`, not by both", code="point_ambiguous")
    times = decode_instants({"as_of": request.as_of, "known_at": request.known_at})
    size = None if isinstance(request.size, msgspec.UnsetType) else request.size
    written = msgspec.json.encode(UseRequest(**{name: getattr(request, name) for name in _USE_FIELDS}))
    return Question(request.asset, written, _compiled(written), Point(size=size, **times), viewer)


@lru_cache(maxsize=4096)
def _compiled(written: bytes) -> Use:
    return use_of(msgspec.json.decode(written, type=UseRequest))


def point_now(engine: Engine) -> Point:
    """Return the present, fixed: the ledger's size and an instant that is not before its last entry."""
    head = point_of_head(engine.store)
    return head._replace(as_of=max(engine.clock(), head.as_of or 0))


def point_of_head(store: Store) -> Point:
    """Return the ledger's size and the instant of its last entry."""
    with store.read() as tx:
        head = read_head(tx)
    return Point(as_of=head.recorded_at, size=head.size)


def answer_all(engine: Engine, questions: Sequence[Question]) -> list[bytes | Exception]:
    """Return for each question its answer, as JSON, or the error that kept it from being answered."""
    groups: defaultdict[tuple[bytes, Point, Viewer], list[int]] = defaultdict(list)
    for place, question in enumerate(questions):
        groups[question.group].append(place)
    outcomes: list[bytes | Exception] = [b""] * len(questions)
    for (written, point, viewer), places in groups.items():
        assets = [questions[place].asset for place in places]
        answers: Sequence[bytes | Exception]
        try:
            cleared = engine.clear(assets, questions[places[0]].use, viewer=viewer, **point._asdict())
            answers = _write(assets, written, cleared)
        except LedgerError as e:
            answers = [e] * len(places)
        for place, answer in zip(places, answers, strict=True):
            outcomes[place] = answer
    return outcomes


def _write(assets: Sequence[str], written: bytes, cleared: Clearance) -> list[bytes]:
    """Write the answers; of those that share a decision, the first is written and the others differ in the asset."""
    asked = msgspec.json.decode(written, type=UseRequest)
    shared: dict[int, tuple[bytes, bytes]] = {}
    answers = []
    for asset, decision in zip(assets, cleared.decisions, strict=True):
        parts = shared.get(id(decision))
        if parts is None:
            parts = shared[id(decision)] = _around_asset(asset, asked, decision, cleared)
        answers.append(parts[0] + asset.encode() + parts[1])
    return answers


def _around_asset(asset: str, asked: UseRequest, decision: Decision, cleared: Clearance) -> tuple[bytes, bytes]:
    before, _, after = msgspec.json.encode(answer_of(asset, asked, decision, cleared)).partition(asset.encode())
    return before, after
