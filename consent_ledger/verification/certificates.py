"""The certificate of one answer: a file that verifies alone (docs/decisions/0007).

It holds the answer, signed by the ledger; the entries that the answer rests on, each with its opening and its proof of
inclusion; a checkpoint; and the operator's signed word that these entries are all of them. A file has one spelling and
every part of it is checked, so that no byte can be changed. What it cannot prove is that no other entry touches the
question: for that, the whole log.
"""

from hashlib import sha256
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from consent_ledger.answers import ClearanceAnswer, answer_of, use_of
from consent_ledger.audit.checkpoint import Checkpoint, open_checkpoint
from consent_ledger.audit.entry import Entry, commit, decode_entry
from consent_ledger.audit.policy import NOBODY, Policy, cosigners, quorum_met
from consent_ledger.audit.proofs import verify_inclusion
from consent_ledger.audit.tree import leaf_hash
from consent_ledger.errors import LedgerError, MalformedError, VerificationError
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.decision import POLICY, Query, decide
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.log_keys import signing_at
from consent_ledger.licenses.records import Registered
from consent_ledger.licenses.registration import admit
from consent_ledger.licenses.signed import SignedStatement, brought_key, read_signed, signers_of, verify_signed
from consent_ledger.signing.canonical import decode_canonical
from consent_ledger.signing.envelope import Envelope, verify_envelope
from consent_ledger.signing.instants import parse_instant
from consent_ledger.signing.note import NoteVerifier, open_note, split_note, vkey_text
from consent_ledger.verification.certificate_file import (
    ANSWER_TYPE,
    CANNOT,
    EVIDENCE_TYPE,
    MAX_CERTIFICATE,
    Certificate,
    Certified,
    Evidence,
    Sealed,
    decode_certificate,
)
from consent_ledger.verification.walk import RESTS_ON_ANOTHER


def verify_certificate(raw: bytes, vkey: str | None = None, policy: Policy | None = None) -> Certified:
    """Return what a certificate proves under the log's verifier keys (`vkey`, one a line), or else its own.

    VerificationError where it proves nothing: with whatever is wrong in it.
    """
    certificate = decode_certificate(raw)
    try:
        return _Check(certificate, vkey, policy or NOBODY).run()
    except MalformedError as e:
        raise VerificationError(f"the certificate is damaged: {e}", code="certificate_malformed") from e


class _Check:
    """One verification: the facts that the entries give, and what was not looked at."""

    def __init__(self, certificate: Certificate, vkey: str | None, policy: Policy) -> None:
        self._certificate = certificate
        self._policy = policy
        self._facts = Facts()
        self._keys: dict[str, bytes] = {}
        self._closed: list[int] = []
        self._erased: dict[int, int] = {}
        self._unjudged: list[int] = []
        self._signatures = 0
        self._not_checked: list[str] = []
        self._told = vkey.split() if vkey is not None else [
            vkey_text(log.verifier.name, log.verifier.public_key) for log in policy.logs
        ]  # fmt: skip

    def run(self) -> Certified:
        certificate = self._certificate
        checkpoint = self._checkpoint()
        cosigned = self._cosigned()
        for sealed in certificate.entries:
            self._add(sealed, checkpoint)
        self._hold_together(checkpoint)
        for envelope, type_ in ((certificate.answer, ANSWER_TYPE), (certificate.evidence, EVIDENCE_TYPE)):
            self._check_operator_signed(envelope, type_)
        answer = self._answer(checkpoint)
        evidence = self._evidence(answer)
        replayed = self._replay(answer)
        if evidence.viewer is not UNSET:
            self._not_checked.append(f"what `{evidence.viewer}`, for whom it was made, may not see")
        return Certified(
            answer, checkpoint, len(certificate.entries), self._signatures, replayed, cosigned,
            (*self._not_checked, *CANNOT),
        )  # fmt: skip

    # Whose it is -------------------------------------------------------------------------------------------------

    def _checkpoint(self) -> Checkpoint:
        """Return what the log signed; every signature on it must be by a key that the certificate names."""
        own = self._certificate.log_keys
        if not own or len({*own, *self._certificate.witnesses}) != len(own) + len(self._certificate.witnesses):
            raise VerificationError("certificate names no log key, or a key twice", code="certificate_malformed")
        if not self._told:
            self._not_checked.append("whose log this is: the key was taken from the certificate itself, want --vkey")
        elif set(own).isdisjoint(self._told):
            detail = (
                "certificate is not signed by the key that was given: it is of another log, or its key was replaced"
            )
            raise VerificationError(detail, code="wrong_log_key")
        named = [NoteVerifier.from_vkey(key) for key in (*own, *self._certificate.witnesses)]
        note = open_note(self._certificate.checkpoint.encode(), named)
        if note.unverified or len(note.verified) != len(named):
            raise VerificationError("checkpoint is signed by others than the certificate says", code="key_unknown")
        known = [NoteVerifier.from_vkey(key) for key in self._told or own]
        return open_checkpoint(self._certificate.checkpoint.encode(), known)

    def _cosigned(self) -> tuple[str, ...]:
        if self._policy.quorum == NOBODY.quorum:
            self._not_checked.append("witnesses: which ones you trust was not said, want --policy")
            return ()
        text, lines = split_note(self._certificate.checkpoint.encode())
        witnesses = cosigners(self._policy, text, [line + b"\n" for line in lines])
        if not quorum_met(self._policy, witnesses):
            raise VerificationError("checkpoint is not cosigned by the quorum of the policy", code="quorum_not_met")
        return tuple(witnesses)

    def _check_operator_signed(self, envelope: Envelope, type_: str) -> None:
        if envelope.payload_type != type_ or len(envelope.signatures) != 1 or envelope.signatures[0].time is not None:
            raise VerificationError(
                f"want one signature over a payload of type `{type_}`", code="certificate_malformed"
            )
        operator = self._facts.parties[self._facts.operator or ""]
        stopped = {event.keyid for event in operator.key_events}
        verify_envelope(envelope, {key.keyid: key.raw for key in operator.keys if key.keyid not in stopped})
        self._signatures += 1

    # What it rests on --------------------------------------------------------------------------------------------

    def _add(self, sealed: Sealed, checkpoint: Checkpoint) -> None:
        entry = decode_entry(sealed.entry.encode())
        if entry.index < self._facts.size:
            raise VerificationError(f"entry {entry.index} is not in its place", code="certificate_malformed")
        leaf = leaf_hash(sealed.entry.encode())
        verify_inclusion(leaf, entry.index, checkpoint.size, sealed.proof, checkpoint.root)
        if isinstance(sealed.salt, bytes) and isinstance(sealed.envelope, bytes) and sealed.erased_by is UNSET:
            if commit(sealed.salt, sealed.envelope) != entry.commitment:
                detail = f"entry {entry.index} does not commit to its opening"
                raise VerificationError(detail, code="commitment_mismatch")
            self._fold(entry, read_signed(sealed.envelope))
        elif sealed.salt is UNSET and sealed.envelope is UNSET:
            self._closed.append(entry.index)
            if isinstance(sealed.erased_by, int):
                self._erased[entry.index] = sealed.erased_by
        else:
            raise VerificationError(f"entry {entry.index} has half an opening", code="certificate_malformed")
        self._facts.size = entry.index + 1

    def _fold(self, entry: Entry, signed: SignedStatement) -> None:
        brought = brought_key(signed.statement)
        if brought is not None:
            self._keys[st.keyid_of(brought)] = brought.raw
        where = Registered(entry.index, entry.recorded_at, signed.id)
        if signed.keyids <= self._keys.keys() or not self._closed:
            where = self._judge(where, signed)
        else:
            self._unjudged.append(entry.index)
            signers = signers_of(signed.envelope)
            where = msgspec.structs.replace(where, keyids=signers.keyids, trusted_at=signers.time)
        try:
            self._facts.apply(where, signed.statement)
        except KeyError as e:
            detail = f"entry {entry.index} rests on something that is not here"
            raise VerificationError(detail, code="evidence_missing") from e

    def _judge(self, where: Registered, signed: SignedStatement) -> Registered:
        """Return where a statement was recorded; raise VerificationError unless its signers may have said it then."""
        signers = verify_signed(signed, self._keys)
        self._signatures += len(signed.envelope.signatures)
        where = msgspec.structs.replace(where, keyids=signers.keyids)
        try:
            return admit(self._facts, signed.statement, signers, where)
        except LedgerError as e:
            # The keys of all that signed are here: whose they are is known.
            own = e.code == "signer_must_be_grantor" and isinstance(signed.statement, st.Grant)
            if own or e.code not in RESTS_ON_ANOTHER:
                detail = f"entry {where.entry} should not have been recorded: {e}"
                raise VerificationError(detail, code="registration_refused") from e
            self._unjudged.append(where.entry)
            return msgspec.structs.replace(where, trusted_at=signers.time)

    def _hold_together(self, checkpoint: Checkpoint) -> None:
        facts = self._facts
        if facts.operator is None or facts.origin != checkpoint.origin:
            raise VerificationError("certificate does not hold the genesis of its log", code="evidence_missing")
        if not set(self._certificate.log_keys) <= {key.vkey for key in signing_at(facts.log_keys, checkpoint.size)}:
            raise VerificationError("checkpoint is signed by a key that was not the log's", code="wrong_log_key")
        wrong = [entry for entry, by in self._erased.items() if facts.erased.get(entry) != by]
        if wrong:
            raise VerificationError(f"entry {wrong[0]} is not named by its erasure", code="erasure_invalid")
        if self._unjudged:
            named = ", ".join(map(str, self._unjudged))
            self._not_checked.append(f"whether the entries {named} were rightly recorded: they rest on others as well")

    def _evidence(self, answer: ClearanceAnswer) -> Evidence:
        evidence = decode_canonical(self._certificate.evidence.payload, Evidence, limit=MAX_CERTIFICATE)
        digest = "sha256:" + sha256(self._certificate.answer.payload).hexdigest()
        here = tuple(decode_entry(sealed.entry.encode()).index for sealed in self._certificate.entries)
        said = (evidence.answer, evidence.entries, evidence.ledger, evidence.size)
        if said != (digest, here, self._facts.origin, answer.size):
            raise VerificationError("the operator signed other evidence than is here", code="evidence_mismatch")
        return evidence

    # The answer --------------------------------------------------------------------------------------------------

    def _answer(self, checkpoint: Checkpoint) -> ClearanceAnswer:
        try:
            answer = msgspec.json.decode(self._certificate.answer.payload, type=ClearanceAnswer, strict=True)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
            raise VerificationError(f"what was signed is no answer: {e}", code="certificate_malformed") from e
        signed_there = answer.root is None and answer.size <= checkpoint.size
        if not signed_there and (answer.size, answer.root) != (checkpoint.size, checkpoint.root.hex()):
            raise VerificationError("the answer is of another ledger size or root", code="root_mismatch")
        if self._facts.size > answer.size:
            raise VerificationError("the answer rests on an entry that came after it", code="evidence_mismatch")
        return answer

    def _replay(self, answer: ClearanceAnswer) -> bool:
        """Decide anew, from the entries that are here."""
        if answer.policy != POLICY:
            self._not_checked.append(f"the decision: it was made by rules `{answer.policy}`, known here are `{POLICY}`")
            return False
        if withheld := sorted(set(self._closed) - self._erased.keys()):
            self._not_checked.append(f"the decision: the openings of the entries {withheld} are withheld")
            return False
        point = _Point(
            parse_instant(answer.as_of), answer.size, None if answer.root is None else bytes.fromhex(answer.root)
        )
        query = Query(answer.asset, use_of(answer.query), point.as_of, point.size)
        again = answer_of(answer.asset, answer.query, decide(query, self._facts), point)
        if msgspec.json.encode(again) != self._certificate.answer.payload:
            detail = f"from these entries the answer is `{again.verdict}`, not what was signed"
            raise VerificationError(detail, code="decision_differs")
        return True


class _Point(NamedTuple):
    as_of: int
    size: int
    root: bytes | None
