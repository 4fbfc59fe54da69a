"""Policies (c2sp.org/tlog-policy): which logs are known, which witnesses, and how many of those must have cosigned.

Nothing is guessed: a file with a line that is not understood is refused whole, because a quorum that was misread could
only be weaker than what was meant.
"""

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

import msgspec

from consent_ledger.errors import MalformedError, VerificationError
from consent_ledger.signing.note import COSIGNATURE, ED25519, NoteVerifier, open_note
from consent_ledger.signing.text import decode_decimal

MAX_POLICY = 256 * 1024
NONE = "none"

_OTHER_OCTET = re.compile(rb"[^\t\n\x20-\x7e\x80-\xff]")
_WORD = re.compile(rb"[^ \t]+")


class PolicyLog(NamedTuple):
    """A log whose checkpoints are accepted."""

    verifier: NoteVerifier
    url: str | None


class Witness(NamedTuple):
    """A witness: its name within the policy, its key, and the address that checkpoints are submitted to."""

    name: str
    verifier: NoteVerifier
    url: str | None


class Group(NamedTuple):
    """A group, which has witnessed what at least `threshold` of its members have."""

    name: str
    threshold: int
    members: tuple[str, ...]


class Policy(msgspec.Struct, frozen=True):
    """What a policy file says. Every group comes after its members; the quorum is a name, or `none`."""

    logs: tuple[PolicyLog, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    groups: tuple[Group, ...] = ()
    quorum: str = NONE

    @property
    def verifiers(self) -> tuple[NoteVerifier, ...]:
        """The keys of the witnesses."""
        return tuple(witness.verifier for witness in self.witnesses)


NOBODY = Policy()


def parse_policy(raw: bytes) -> Policy:
    """Return the policy that a file holds; MalformedError with the line where anything in it is not understood."""
    if len(raw) > MAX_POLICY:
        raise MalformedError(f"policy has {len(raw)} bytes, want at most {MAX_POLICY}", code="too_large")
    if raw and not raw.endswith(b"\n"):
        raise MalformedError("policy does not end in a line feed")
    reader = _Reader()
    for number, line in enumerate(raw.split(b"\n"), 1):
        try:
            reader.read(line)
        except MalformedError as e:
            raise MalformedError(f"policy, line {number}: {e}", code="policy_malformed") from e
    return reader.finish()


class _Reader:
    """The lines that were read so far."""

    def __init__(self) -> None:
        self._logs: list[PolicyLog] = []
        self._witnesses: list[Witness] = []
        self._groups: list[Group] = []
        self._quorum: str | None = None
        self._defined: set[str] = set()
        self._grouped: set[str] = set()

    def read(self, line: bytes) -> None:
        if _OTHER_OCTET.search(line):
            raise MalformedError("has a control character, want only tab and line feed")
        # Names are octets, not letters: surrogates keep apart what is not UTF-8.
        match [word.decode(errors="surrogateescape") for word in _WORD.findall(line)]:
            case []:
                pass
            case [first, *_] if first.startswith("#"):
                pass
            case ["log", vkey, *url] if len(url) <= 1:
                self._add_log(vkey, url)
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._add_witness(name, vkey, url)
            case ["group", name, number, *members] if members:
                self._add_group(name, number, members)
            case ["quorum", name]:
                self._set_quorum(name)
            case _:
                raise MalformedError("is not a log, witness, group or quorum line")

    def finish(self) -> Policy:
        if self._quorum is None:
            raise MalformedError("policy has no quorum line", code="policy_malformed")
        return Policy(tuple(self._logs), tuple(self._witnesses), tuple(self._groups), self._quorum)

    def _add_log(self, vkey: str, url: list[str]) -> None:
        verifier = _verifier(vkey, ED25519)
        if any(log.verifier.public_key == verifier.public_key for log in self._logs):
            raise MalformedError(f"key of `{verifier.name}` is that of a log before it")
        self._logs.append(PolicyLog(verifier, url[0] if url else None))

    def _add_witness(self, name: str, vkey: str, url: list[str]) -> None:
        verifier = _verifier(vkey, COSIGNATURE)
        if any(witness.verifier.public_key == verifier.public_key for witness in self._witnesses):
            raise MalformedError(f"key of `{verifier.name}` is that of a witness before it")
        self._define(name)
        self._witnesses.append(Witness(name, verifier, url[0] if url else None))

    def _add_group(self, name: str, number: str, members: list[str]) -> None:
        for member in members:
            self._require_defined(member)
            if member in self._grouped:
                raise MalformedError(f"`{member!a}` is a member of a group already")
            self._grouped.add(member)
        threshold = {"all": len(members), "any": 1}.get(number) or decode_decimal(number.encode(errors="replace"))
        if not 1 <= threshold <= len(members):
            raise MalformedError(f"group wants {threshold} of {len(members)}, which cannot be")
        self._define(name)
        self._groups.append(Group(name, threshold, tuple(members)))

    def _set_quorum(self, name: str) -> None:
        if self._quorum is not None:
            raise MalformedError("is a second quorum line")
        if name != NONE:
            self._require_defined(name)
        self._quorum = name

    def _define(self, name: str) -> None:
        if name == NONE or name in self._defined:
            raise MalformedError(f"name `{name!a}` is taken")
        self._defined.add(name)

    def _require_defined(self, name: str) -> None:
        if name not in self._defined:
            raise MalformedError(f"name `{name!a}` is not defined before it")


def _verifier(vkey: str, kind: int) -> NoteVerifier:
    verifier = NoteVerifier.from_vkey(vkey)
    if verifier.kind != kind:
        raise MalformedError(f"verifier key `{verifier.name}` has type {verifier.kind}, want {kind}")
    return verifier


def cosigners(policy: Policy, text: bytes, cosignatures: Sequence[bytes]) -> dict[str, int]:
    """Return who of the policy's witnesses cosigned a checkpoint `text`, and the POSIX second that each states.

    `cosignatures` are signature lines with their line feeds. Lines by others are passed over; VerificationError where
    one by a witness of the policy does not verify, or there are two.
    """
    if not cosignatures:
        return {}
    note = text + b"\n" + b"".join(cosignatures)
    times = {}
    for witness in policy.witnesses:  # one at a time: two may sign under one name
        try:
            (signature,) = open_note(note, [witness.verifier]).verified
        except VerificationError as e:
            if e.code != "key_unknown":
                raise
        else:
            times[witness.name] = signature.time or 0
    return times


def quorum_met(policy: Policy, witnesses: Collection[str]) -> bool:
    """Return whether the cosignatures of these witnesses, by their names within the policy, are enough."""
    met = set(witnesses)
    for group in policy.groups:
        if sum(member in met for member in group.members) >= group.threshold:
            met.add(group.name)
    return policy.quorum == NONE or policy.quorum in met


def satisfied(policy: Policy, text: bytes, cosignatures: Sequence[bytes]) -> bool:
    """Return whether a checkpoint `text` has the cosignatures that the policy wants; see `cosigners`."""
    return quorum_met(policy, cosigners(policy, text, cosignatures))
