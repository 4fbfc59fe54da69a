"""The walk: every entry once, in order, through the log's arithmetic, its signatures and the rules of registration.

What remains is the facts, on which decisions can be replayed. A finding never stops the walk. Where an opening is not
shown (withheld, erased), what rests on it cannot be judged: that is no finding, and it is counted.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

import msgspec

from consent_ledger.audit.checkpoint import Checkpoint
from consent_ledger.audit.replay import Erased, Finding, Opening, Replay, Replayed, Withheld
from consent_ledger.errors import ForbiddenError, LedgerError, MalformedError, VerificationError
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.records import Registered
from consent_ledger.licenses.registration import admit
from consent_ledger.licenses.signed import SignedStatement, brought_key, read_signed, signers_of
from consent_ledger.licenses.statements import Erasure, Genesis, Grant, keyid_of
from consent_ledger.signing.envelope import verify_envelope
from consent_ledger.verification.envelopes import Envelopes, InProcess
from consent_ledger.verification.report import Counts

Pair = tuple[bytes, Opening | Withheld | Erased | None]

RESTS_ON_ANOTHER = frozenset(
    {
        "cosigner_unknown", "genesis_missing", "grant_unknown", "key_unknown", "party_unknown", "project_unknown",
        "registration_unknown", "signer_must_be_grantor", "template_not_offered", "template_unknown",
        "time_source_unknown",
    }
)  # fmt: skip
"""Refusals that an earlier statement would have prevented: where one is not shown, they may prove nothing."""

_PARTY = re.compile(rb"pty_[0-9a-f]{32}")
_BY_ID = frozenset({"grant_unknown", "registration_unknown"})
_BY_PARTY = frozenset({"cosigner_unknown", "party_unknown", "signer_must_be_grantor"})


class _Doubt(NamedTuple):
    """A refusal for want of something, of a statement by `issuer` that names `parties`, after an entry that is not
    shown."""

    finding: Finding
    code: str
    issuer: str
    parties: frozenset[str]


class Verification:
    """One walk over a log; `facts` and `counts` are those of the entries walked so far.

    `genesis` is what entry 0 says, `unjudged` the entries that rest on an opening that is not shown, `said_erased`
    those that an entry which is not shown is said to have erased, `unerased` those whose opening is shown though an
    erasure names it.
    """

    def __init__(
        self,
        head: Checkpoint | None = None,
        older: Collection[Checkpoint] = (),
        envelopes: Envelopes | None = None,
        also: Collection[Checkpoint] = (),
    ) -> None:
        """`older` are the auditor's own checkpoints, `also` others that the log has to agree with."""
        self.facts = Facts()
        self.genesis: Genesis | None = None
        self.unjudged: list[int] = []
        self.said_erased: list[int] = []
        self.unerased: list[int] = []
        self._envelopes: Envelopes = InProcess() if envelopes is None else envelopes
        self._replay = Replay(head, [*older, *also])
        self._older = older
        self._keys: dict[str, bytes] = {}
        self._ids: dict[str, int] = {}
        self._statuses = {"opened": 0, "withheld": 0, "erased": 0, "missing": 0}
        self._signatures = 0
        self._unseen: set[int] = set()
        self._erased: dict[int, int] = {}
        self._erased_parties: set[str] = set()
        self._doubts: list[_Doubt] = []

    @property
    def counts(self) -> Counts:
        """What was looked at so far."""
        seen = self._statuses
        return Counts(self._replay.size, seen["opened"], seen["withheld"], seen["erased"], self._signatures)

    def run(self, pairs: Iterable[Pair]) -> Iterator[Finding]:
        """Yield every finding; those of signatures may come later than others about later entries."""
        try:
            for place, item in enumerate(self._replay.run(pairs)):
                finding = self._note(item) if isinstance(item, Finding) else self._read(item)
                if finding is not None:
                    yield finding
                if not place & 0xFF:
                    yield from self._envelopes.found()
            yield from self._envelopes.found(final=True)
        finally:
            self._envelopes.close()
        yield from self._check_erasures()
        yield from self._settle_doubts()

    @property
    def sound(self) -> int:
        """How many of the first entries an older checkpoint vouches for, once all were walked."""
        return max((c.size for c in self._older if c.size <= self._replay.size and self._agrees(c)), default=0)

    def _agrees(self, checkpoint: Checkpoint) -> bool:
        return self._replay.root_at(checkpoint.size) == checkpoint.root

    def _note(self, finding: Finding) -> Finding:
        if finding.code == "entry_malformed" and finding.entry is not None:
            self._unseen.add(finding.entry)
        size = self._replay.size
        taken_back = (
            finding.code == "inconsistent_checkpoint"
            and any(c.size > size for c in self._older)
            and all(c.size > size or self._agrees(c) for c in self._older)
        )
        return msgspec.structs.replace(finding, entry=size) if taken_back else finding

    def _read(self, item: Replayed) -> Finding | None:
        self._statuses[item.status] += 1
        if item.envelope is None:
            self._unseen.add(item.index)
            if item.erased_by is not None:
                self._erased[item.index] = item.erased_by
            return None
        try:
            signed = read_signed(item.envelope)
        except MalformedError as e:
            self._unseen.add(item.index)
            return Finding(item.index, "statement_malformed", str(e))
        try:
            self._admit(item, signed)
        except LedgerError as e:
            finding = Finding(item.index, "registration_refused", f"{e.code}: {e}")
            own = e.code == "signer_must_be_grantor" and isinstance(signed.statement, Grant)
            if own or not self._unseen or e.code not in RESTS_ON_ANOTHER:
                return finding
            parties = frozenset(party.decode() for party in _PARTY.findall(signed.envelope.payload))
            self._doubts.append(_Doubt(finding, e.code, signed.statement.issuer, parties))
            self._believe(item, signed)
        return None

    def _believe(self, item: Replayed, signed: SignedStatement) -> None:
        """Fold in what cannot be judged, as the ledger did when it still could be."""
        signers = signers_of(signed.envelope)
        with suppress(KeyError):  # it goes on from something that is not shown
            self.facts.apply(
                Registered(item.index, item.recorded_at, signed.id, signers.keyids, signers.time), signed.statement
            )

    def _admit(self, item: Replayed, signed: SignedStatement) -> None:
        statement = signed.statement
        if item.index == 0 and isinstance(statement, Genesis):
            self.genesis = statement
        if isinstance(statement, Erasure) and statement.level == "statements":
            self._erased_parties.add(statement.party)
        key = brought_key(statement)
        if key is not None:
            self._keys[keyid_of(key)] = key.raw
        first = self._ids.setdefault(signed.id, item.index)
        if first != item.index:
            raise ForbiddenError(f"entry {first} has recorded this statement already", code="recorded_twice")
        self._check_enrolled(signed)
        self._signatures += len(signed.envelope.signatures)
        signers = self._envelopes.check(item.index, signed, self._keys)
        where = Registered(item.index, item.recorded_at, signed.id, signers.keyids)
        self.facts.apply(admit(self.facts, statement, signers, where), statement)

    def _check_enrolled(self, signed: SignedStatement) -> None:
        """Raise ForbiddenError unless all keys that signed are enrolled: `cosigner_unknown` where the issuer's own is
        and its signature is good, else `key_unknown`."""
        signatures = signed.envelope.signatures
        unknown = [s.keyid for s in signatures if s.keyid not in self._keys]
        if not unknown:
            return
        code, owners = "key_unknown", self.facts.key_owners
        rest = tuple(s for s in signatures if s.keyid in self._keys)
        if any(s.time is None and owners.get(s.keyid) == signed.statement.issuer for s in rest):
            with suppress(VerificationError):
                verify_envelope(msgspec.structs.replace(signed.envelope, signatures=rest), self._keys)
                code = "cosigner_unknown"
        raise ForbiddenError(f"`{unknown[0]}` signed, which is no key enrolled by then", code=code)

    def _check_erasures(self) -> Iterator[Finding]:
        for index, by in self._erased.items():
            if self._was_erased(by):
                yield Finding(index, "erasure_invalid", f"entry {by} was itself erased, which no erasure can be")
            elif by in self._unseen:
                self.said_erased.append(index)
            elif self.facts.erased.get(index) != by:
                yield Finding(index, "erasure_invalid", f"entry {by} is not the erasure that names entry {index}")
        # Not those that are merely not shown: only what is open although its erasure is recorded.
        self.unerased += sorted(self.facts.erased.keys() - self._erased.keys() - self._unseen)

        yield from self._check_erased_are_people()

    def _check_erased_are_people(self) -> Iterator[Finding]:
        """Who was enrolled as what may be erased with the rest; what only an organisation says is not."""
        offers = self.facts.projects.values()
        speakers = {t.issuer for t in self.facts.templates.values()} | {p.controller for o in offers for p in o}
        for party in sorted(speakers & self.facts.erased_parties.keys()):
            detail = f"`{party}` published templates or projects: only a person is erased, on others people rest"
            yield Finding(self.facts.erased_parties[party], "erasure_invalid", detail)

    def _was_erased(self, entry: int) -> bool:
        return entry in self._erased and self.facts.erased.get(entry) == self._erased[entry]

    def _settle_doubts(self) -> Iterator[Finding]:
        """Yield the refusals that nothing which is not shown can explain."""
        withheld = bool(self._unseen - self._erased.keys())
        for doubt in self._doubts:
            if withheld or self._may_rest_on_erased(doubt):
                self.unjudged.append(doubt.finding.entry or 0)
            else:
                yield doubt.finding

    def _may_rest_on_erased(self, doubt: _Doubt) -> bool:
        """Whether what is wanted may have been erased: of people only, what they said and their keys.

        On that rest a statement that names one of theirs, one that names them, and one that they themselves issued or
        cosigned. To name one of them excuses nobody else's signature.
        """
        if doubt.code == "key_unknown":
            return doubt.issuer in self._erased_parties
        return doubt.code in _BY_ID or (doubt.code in _BY_PARTY and bool(doubt.parties & self._erased_parties))
