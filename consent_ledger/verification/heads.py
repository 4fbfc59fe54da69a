"""Whose log a bundle is of, what that log signed, and who else has seen it."""

from collections.abc import Iterator, Sequence

from consent_ledger.audit.checkpoint import Checkpoint, open_checkpoint, read_checkpoint_text
from consent_ledger.audit.policy import MAX_POLICY, NOBODY, Policy, cosigners, parse_policy, quorum_met
from consent_ledger.audit.replay import Finding
from consent_ledger.errors import LedgerError, MalformedError, VerificationError
from consent_ledger.licenses.log_keys import LogKey
from consent_ledger.signing.instants import SECOND
from consent_ledger.signing.note import MAX_NOTE, NoteVerifier, open_note, split_note, vkey_text
from consent_ledger.verification import layout
from consent_ledger.verification.log_keys import check_trust, open_signed
from consent_ledger.verification.source import Source

_MOST_HANDOVERS = 1_000


class Heads:
    """The signed head of a bundle, those that the auditor holds, and the witnesses of either's policy.

    `note` are the checkpoint's bytes; `head` is None where the log did not sign it, and `claimed` what it says even so.
    `cosigned` are the witnesses of the auditor's policy that did, and when (microseconds). What is wrong goes to
    `findings`.
    """

    def __init__(
        self, source: Source, vkey: str | None, policy: Policy | None, checkpoints: Sequence[bytes],
        findings: list[Finding], not_checked: list[str],
    ) -> None:  # fmt: skip
        self._source = source
        self._findings = findings
        self._not_checked = not_checked
        self._told: list[NoteVerifier] = []
        self.verifiers = self._log_keys(vkey, policy)
        self._opened: list[tuple[str, bytes]] = []
        self.note = self._read(layout.CHECKPOINT, MAX_NOTE) or b""
        self.head = self._open("checkpoint", self.note)
        self.claimed = self.head or self._unsigned()
        self.older = [c for raw in checkpoints if (c := self._open("an older checkpoint", raw)) is not None]
        self.handovers = list(self._open_handovers())
        self.cosigned: dict[str, int] = {}
        self.quorum = False
        if self.head is not None:
            self._check_witnesses(policy)

    def _read(self, name: str, limit: int) -> bytes | None:
        try:
            return self._source.read(name, limit)
        except MalformedError as e:
            self._bad("file_malformed", str(e))
            return None

    def _bad(self, code: str, detail: str) -> None:
        self._findings.append(Finding(None, code, detail))

    def _log_keys(self, vkey: str | None, policy: Policy | None) -> list[NoteVerifier]:
        """Return the keys of the log: as the auditor knows them, or else as the bundle says."""
        told = [] if vkey is None else [NoteVerifier.from_vkey(line) for line in vkey.split()]
        told = told or [log.verifier for log in (policy or NOBODY).logs]
        raw = self._read(layout.KEYS, MAX_NOTE)
        written: list[NoteVerifier] = []
        try:
            if raw is not None:
                written = [NoteVerifier.from_vkey(line) for line in _whole_lines(raw)]
        except (MalformedError, UnicodeDecodeError) as e:
            self._bad("keys_malformed", f"`{layout.KEYS}` does not hold verifier keys: {e}")
            self._told = told
            return told
        if raw is None:
            self._not_checked.append(f"`{layout.KEYS}`, which is not there")
        if not told:
            self._not_checked.append("whose log this is: the key was taken from the bundle itself, want --vkey")
            self._told = written
            return written
        self._told = told
        if set(written) & set(told):
            return list(dict.fromkeys([*told, *written]))  # whether they are the log's is seen in the log, later
        if raw is not None:
            self._bad("log_key_replaced", f"`{layout.KEYS}` names another key than the one that was given")
        return told

    def _open(self, what: str, raw: bytes) -> Checkpoint | None:
        try:
            checkpoint = open_checkpoint(raw, self.verifiers)
        except LedgerError as e:
            self._bad("checkpoint_invalid", f"{what}: {e}")
            return None
        self._opened.append((what, raw))
        return checkpoint

    def _open_handovers(self) -> Iterator[Checkpoint]:
        names = sorted(name for name in self._source.names() if name.startswith(f"{layout.HANDOVERS}/"))
        for name in names[:_MOST_HANDOVERS]:
            checkpoint = self._open(f"`{name}`", self._read(name, MAX_NOTE) or b"")
            if checkpoint is not None:
                yield checkpoint

    def _unsigned(self) -> Checkpoint | None:
        """What the checkpoint says though it is not signed: enough to look at the rest."""
        try:
            return read_checkpoint_text(self.note)
        except MalformedError:
            return None

    # Who else has seen it ----------------------------------------------------------------------------------------

    def _check_witnesses(self, policy: Policy | None) -> None:
        own = self._own_policy()
        text, _ = split_note(self.note)
        lines = open_note(self.note, self.verifiers).unverified
        cosignatures = [line + b"\n" for line in lines]
        self._cosigners(own, text, cosignatures)
        times = self._cosigners(policy or NOBODY, text, cosignatures)
        self.cosigned = {name: time * SECOND for name, time in times.items()}
        if policy is None:
            self._not_checked.append("witnesses: which ones you trust was not said, want --policy")
        elif policy.quorum == NOBODY.quorum:
            self._not_checked.append("witnesses: the policy that was given asks for none")
        elif quorum_met(policy, times):
            self.quorum = True
        else:
            seen = f"only {', '.join(times)} did" if times else "nobody did whom the policy names"
            self._bad("quorum_not_met", f"checkpoint is not cosigned by the quorum `{policy.quorum}`: {seen}")
        self._say_who_is_unknown([*self.verifiers, *own.verifiers, *(policy or NOBODY).verifiers])

    def _say_who_is_unknown(self, known: Sequence[NoteVerifier]) -> None:
        try:
            strangers = open_note(self.note, known).unverified
        except VerificationError:
            return  # a finding by now
        if strangers:
            self._not_checked.append(f"{len(strangers)} signatures on the checkpoint, by keys that no policy names")

    def _cosigners(self, policy: Policy, text: bytes, cosignatures: Sequence[bytes]) -> dict[str, int]:
        try:
            return cosigners(policy, text, cosignatures)
        except VerificationError as e:
            self._bad("cosignature_invalid", f"a witness's signature on the checkpoint: {e}")
            return {}

    def _own_policy(self) -> Policy:
        """Return the sender's policy, which says only whom the sender asks."""
        raw = self._read(layout.POLICY, MAX_POLICY)
        if raw is None:
            self._not_checked.append(f"`{layout.POLICY}`, which is not there")
            return NOBODY
        try:
            policy = parse_policy(raw)
        except MalformedError as e:
            self._bad("policy_malformed", f"`{layout.POLICY}`: {e}")
            return NOBODY
        if not {log.verifier for log in policy.logs} & set(self.verifiers):
            self._bad("policy_altered", f"`{layout.POLICY}` is not about this log")
        return policy

    def check_keys(self, keys: Sequence[LogKey]) -> None:
        """Hold the signatures against the keys that the log itself names, size by size, and those against the one that
        the auditor knows.

        Where the log's own word on its keys is not shown, none counts but those that the auditor knows: `keys.txt` is
        the sender's.
        """
        if not keys:
            self._check_told()
            return
        signed: list[tuple[int, set[str]]] = []
        signed_head: set[str] = set()
        for what, note in self._opened:
            try:
                checkpoint, by = open_signed(note, keys)
            except LedgerError as e:
                told = {vkey_text(v.name, v.public_key, v.kind) for v in self._told}
                if told & {key.vkey for key in keys}:
                    self._bad("checkpoint_invalid", f"{what}: not by a key that was the log's at its size: {e}")
                continue
            signed.append((checkpoint.size, by))
            signed_head = by if note == self.note else signed_head
        if self._told:
            told = {vkey_text(v.name, v.public_key, v.kind) for v in self._told}
            finding = check_trust(keys, told, signed_head or told, signed)
            self._findings += [] if finding is None else [finding]

    def _check_told(self) -> None:
        for what, note in self._opened:
            try:
                open_checkpoint(note, self._told)
            except LedgerError as e:
                self._bad("checkpoint_invalid", f"{what}: not by a key that was given, and entry 0 is not shown: {e}")


def _whole_lines(raw: bytes) -> list[str]:
    *lines, end = raw.decode("ascii").split("\n")
    if end:
        raise MalformedError("it does not end in a line feed")
    return lines
