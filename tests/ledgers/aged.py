"""A ledger that has lived: people withdrew, paused and were forgotten, terms changed, the log key was rotated twice.

The same story at any size: a small one for the tests, and by hand one of 30,000 entries or more:

    python -m tests.bench aged --entries 30000
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgspec

from consent_ledger.custody.erasure import Journal, complete
from consent_ledger.issuing import grant_fields, template_ref, whole_second
from consent_ledger.ledger import Ledger, Receipt
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.erasing import statements_of
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.terms import LanguageDigests, TemplateDocument
from consent_ledger.signing.instants import SECOND
from consent_ledger.signing.note import vkey_text
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import FactsReader
from consent_ledger.store.log import read_checkpoint, read_head
from tests.ledgers.twine import ORIGIN, PROJECT, START, Twine, key_for

TEXTS = [b"What you allowed until now, and evaluation.", b"In few words: training and evaluation."]
LOG_KEYS = ("log", "log/2", "log/3")


class Aged(NamedTuple):
    """The ledger, and what happened to whom in it."""

    ledger: Ledger
    twine: Twine
    erased: list[int]
    older: bytes


def build(store: Store, place: Path, contributors: int) -> Aged:
    """Play the story in an empty store; `place` is for the journal of erasures and the texts."""
    now = [START]
    twine = Twine(contributors, 4)
    Ledger.create(store, twine.genesis(), key_for("operator"), key_for("log"), clock=lambda: now[0])
    log_keys = partial(map, key_for, LOG_KEYS)
    ledger = Ledger.open(store, key_for("log"), clock=lambda: now[0], further_keys=log_keys)
    erased = [i for i in range(contributors) if i % 25 == 3]
    older = b""
    for chapter in _chapters(twine, place):
        now[0] += 3600 * SECOND
        _say(ledger, chapter)
        older = older or (_checkpoint(store) if len(ledger.log_keys) > 1 else b"")
    _forget(ledger, twine, erased, Journal(place / "erasures.ndjson"))
    _say(ledger, [_rotated(twine, "retired", "log/2")])
    return Aged(ledger, twine, erased, older)


def _checkpoint(store: Store) -> bytes:
    with store.read() as tx:
        return read_checkpoint(tx) or b""


def _say(ledger: Ledger, envelopes: Iterable[bytes]) -> None:
    refused = [outcome for outcome in ledger.register_all(envelopes) if not isinstance(outcome, Receipt)]
    if refused:
        raise AssertionError(f"the story was refused: {refused[0]}")


def _chapters(twine: Twine, place: Path) -> Iterator[Iterable[bytes]]:
    """Yield what is said, chapter by chapter, each later than the one before."""
    yield twine.setting()
    yield twine.enrolments()
    yield [_rotated(twine, "added", "log/2")]
    yield [*twine.registrations(), *twine.grants()]
    yield [_rotated(twine, "retired", "log")]
    document = new_terms(twine, place)
    yield [_published(twine, document), _offered(twine, document)]
    yield (_agreed(twine, document, i) for i in range(twine.contributors) if i % 2)
    yield [_rotated(twine, "added", "log/3")]
    yield (_withdrawn(twine, i) for i in range(twine.contributors) if i % 10 == 4)


def new_terms(twine: Twine, place: Path) -> TemplateDocument:
    """Return version 2.0 of the template, whose texts are put into `place`."""
    for n, text in enumerate(TEXTS):
        (place / f"text{n}.md").write_bytes(text)
    text, summary = ("sha256:" + sha256(text).hexdigest() for text in TEXTS)
    old = twine.document()
    rules = [
        msgspec.structs.replace(
            rule, permission=msgspec.structs.replace(rule.permission, activities=["evaluate", "train"])
        )
        for rule in old.rules
        if isinstance(rule.permission, msgspec.Struct)
    ]
    return msgspec.structs.replace(
        old, version="2.0", rules=rules, languages={"en": LanguageDigests(text=text, summary=summary)}
    )


def _published(twine: Twine, document: TemplateDocument) -> bytes:
    return twine.organisation.say(
        st.Template, START, template=template_ref(document), action="published", document=document
    )


def _offered(twine: Twine, document: TemplateDocument) -> bytes:
    return twine.organisation.say(
        st.Project, START, project=PROJECT, controller=twine.organisation.party, title="Twine", brief="",
        templates=[template_ref(twine.document()), template_ref(document)], flags=[],
    )  # fmt: skip


def _agreed(twine: Twine, document: TemplateDocument, i: int) -> bytes:
    return twine.issuer(i).say(
        st.Grant, START, capacities=["owner", "subject"], scope=st.Scope(project=PROJECT), starts=whole_second(START),
        assurance="own_key", **grant_fields(document, "en", {"open": i % 3 == 0}),
    )  # fmt: skip


def _withdrawn(twine: Twine, i: int) -> bytes:
    return twine.issuer(i).say(st.Revocation, START, party=twine.issuer(i).party, channel="key")


def _rotated(twine: Twine, action: str, name: str) -> bytes:
    vkey = vkey_text(ORIGIN, key_for(name).public_key)
    return twine.operator.say(st.Key, START, party=twine.operator.party, action=action, log_key=vkey)


def _forget(ledger: Ledger, twine: Twine, people: Sequence[int], journal: Journal) -> None:
    """Erase what those people said, all at once."""
    with ledger.store.read() as tx:
        reader = FactsReader(tx, 0)
        reader.follow(tx, read_head(tx).size)
    _say(ledger, [_erasure(twine, reader.facts, i, ledger.clock()) for i in people])
    complete(ledger.store, journal)


def _erasure(twine: Twine, facts: Facts, i: int, now: int) -> bytes:
    party = twine.issuer(i).party
    entries = sorted(statements_of(facts, party))
    return twine.operator.say(st.Erasure, now, level="statements", party=party, entries=entries, basis="request")
