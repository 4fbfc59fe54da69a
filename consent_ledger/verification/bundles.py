"""Verifying a bundle: the files of an auditor against the log's key, and nothing else."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from consent_ledger.audit.checkpoint import Checkpoint, open_checkpoint, read_checkpoint_text
from consent_ledger.audit.replay import Finding, Withheld
from consent_ledger.audit.tiles import tile_path, tiles_of
from consent_ledger.errors import LedgerError, MalformedError, NotFoundError
from consent_ledger.licenses.facts import Facts
from consent_ledger.signing.note import MAX_NOTE, NoteVerifier, vkey_text
from consent_ledger.verification import layout
from consent_ledger.verification.documents import check_templates
from consent_ledger.verification.envelopes import envelopes
from consent_ledger.verification.files import LogFiles, most_lines, openings, read_file
from consent_ledger.verification.report import Report, in_ledger_order
from consent_ledger.verification.samples import check_decisions
from consent_ledger.verification.walk import Pair, Verification
from consent_ledger.workers import collector_paused

Progress = Callable[[int], None]


def verify_bundle(
    directory: Path,
    *,
    vkey: str | None = None,
    checkpoints: Sequence[bytes] = (),
    jobs: int | None = None,
    progress: Progress = lambda entries: None,
) -> Report:
    """Return what holds of the bundle in `directory` and what does not.

    `vkey` is the log's verifier key; without it the bundle's own is believed, and the report says so. `checkpoints` are
    older ones that the auditor holds. `progress` is told how many entries were walked. NotFoundError where there is no
    bundle; MalformedError where `vkey` is no verifier key: everything else is a finding.
    """
    if not (directory / layout.CHECKPOINT).is_file():
        detail = f"no bundle in `{directory}`, want a folder with a file `{layout.CHECKPOINT}`"
        raise NotFoundError(detail, code="bundle_missing")
    with collector_paused():
        return _Audit(directory, vkey, checkpoints).run(jobs, progress)


def replay_bundle(directory: Path, vkey: str) -> Facts:
    """Return the facts that a bundle holds, to decide on again; with any finding, facts that fail."""
    audit = _Audit(directory, vkey, ())
    report = audit.run(1, lambda entries: None)
    if report.findings:
        first = report.findings[0]
        audit.facts.failure = f"entry {first.entry}: {first.detail}"
    return audit.facts


class _Audit:
    """One verification: what was found and what was not looked at, and the facts, so far."""

    def __init__(self, directory: Path, vkey: str | None, checkpoints: Sequence[bytes]) -> None:
        self.facts = Facts()
        self._directory = directory
        self._findings: list[Finding] = []
        self._not_checked: list[str] = []
        self._verifier = self._log_key(vkey)
        self._note = read_file(directory / layout.CHECKPOINT, MAX_NOTE) or b""
        self._head = self._open("checkpoint", self._note)
        self._older = [c for raw in checkpoints if (c := self._open("an older checkpoint", raw)) is not None]

    def run(self, jobs: int | None, progress: Progress) -> Report:
        head = self._head or self._unsigned()
        scope = self._scope()
        if head is None:
            self._not_checked.append("anything but the checkpoint, which cannot be read")
            return Report(None, self._note, Verification().counts, in_ledger_order(self._findings), self._skipped())
        # A checkpoint may claim any size: walk no further than there can be lines.
        size = min(head.size, most_lines(self._directory))
        files = LogFiles(self._directory, size, self._findings)
        walk = Verification(head, self._older, envelopes(jobs, size))
        self.facts = walk.facts
        for finding in walk.run(self._pairs(files, size, scope, progress)):
            # Bytes that are not there were found missing already.
            if finding.code != "entry_malformed" or finding.entry not in files.missing:
                self._findings.append(finding)
        self._check_origin(walk, head)
        templates = check_templates(self._directory, walk.facts, self._findings, self._not_checked)
        decisions = check_decisions(self._directory, scope, walk, self._findings, self._not_checked)
        counts = walk.counts._replace(templates=templates, decisions=decisions)
        self._say_what_was_not_seen(walk)
        self._check_policy()
        self._say_what_is_no_part(size)
        return Report(self._head, self._note, counts, in_ledger_order(self._findings), self._skipped(), walk.sound)

    # Whose log it is ---------------------------------------------------------------------------------------------

    def _log_key(self, vkey: str | None) -> NoteVerifier | None:
        told = None if vkey is None else NoteVerifier.from_vkey(vkey.strip())
        try:
            raw = read_file(self._directory / layout.KEYS, MAX_NOTE)
            written = None if raw is None else NoteVerifier.from_vkey(raw.decode("ascii").removesuffix("\n"))
        except (MalformedError, UnicodeDecodeError) as e:
            detail = f"`{layout.KEYS}` does not hold one verifier key: {e}"
            self._findings.append(Finding(None, "keys_malformed", detail))
            return told
        if written is None:
            self._not_checked.append(f"`{layout.KEYS}`, which is not there")
        if told is None:
            self._not_checked.append("whose log this is: the key was taken from the bundle itself, want --vkey")
            return written
        if written is not None and written != told:
            detail = f"`{layout.KEYS}` names another key than the one that was given"
            self._findings.append(Finding(None, "log_key_replaced", detail))
        return told

    def _open(self, what: str, raw: bytes) -> Checkpoint | None:
        try:
            return open_checkpoint(raw, [] if self._verifier is None else [self._verifier])
        except LedgerError as e:
            self._findings.append(Finding(None, "checkpoint_invalid", f"{what}: {e}"))
            return None

    def _unsigned(self) -> Checkpoint | None:
        """What the checkpoint says though it is not signed: enough to look at the rest."""
        try:
            return read_checkpoint_text(self._note)
        except MalformedError:
            return None

    def _check_origin(self, walk: Verification, head: Checkpoint) -> None:
        if walk.genesis is None:
            if head.size and not walk.counts.withheld:
                self._findings.append(Finding(0, "genesis_missing", "entry 0 is not the genesis of a ledger"))
            else:
                self._not_checked.append("which log key entry 0 names: it is not shown")
            return
        if walk.genesis.ledger != head.origin:
            detail = f"entry 0 is of ledger `{walk.genesis.ledger}`, the checkpoint of `{head.origin}`"
            self._findings.append(Finding(0, "origin_mismatch", detail))
        key = self._verifier
        if key is not None and walk.genesis.log_key != vkey_text(key.name, key.public_key, key.kind):
            self._findings.append(Finding(0, "log_key_replaced", "entry 0 names another log key"))


    def _check_policy(self) -> None:
        key = self._verifier
        raw = read_file(self._directory / layout.POLICY, MAX_NOTE)
        if raw is None:
            self._not_checked.append(f"`{layout.POLICY}`, which is not there")
        elif key is None or raw != layout.policy(vkey_text(key.name, key.public_key, key.kind)):
            detail = f"`{layout.POLICY}` is not that of this log without witnesses, the only one known here"
            self._findings.append(Finding(None, "policy_altered", detail))

    # What is in it -----------------------------------------------------------------------------------------------

    def _scope(self) -> layout.Scope:
        try:
            return layout.read_scope(read_file(self._directory / layout.SCOPE, layout.MAX_DOCUMENT))
        except MalformedError as e:
            self._findings.append(Finding(None, "scope_malformed", f"`{layout.SCOPE}`: {e}"))
            return layout.EVERYTHING

    def _pairs(self, files: LogFiles, size: int, scope: layout.Scope, progress: Progress) -> Iterator[Pair]:
        shown = openings(self._directory, size, self._findings)
        complete = scope.openings == "all"
        for index, (entry, opening) in enumerate(zip(files.entries(), shown, strict=True)):
            if complete and isinstance(opening, Withheld):
                detail = "opening is withheld, in a bundle that says it holds all"
                self._findings.append(Finding(index, "opening_withheld", detail))
            yield entry, opening
            if not index & 0xFF:
                progress(index)
        progress(size)

    def _say_what_was_not_seen(self, walk: Verification) -> None:
        counts = walk.counts
        if counts.withheld:
            self._not_checked.append(f"{counts.withheld} statements, whose openings are withheld")
        if counts.erased:
            self._not_checked.append(f"{counts.erased} statements, whose openings were erased, as the log says")
        if walk.unjudged:
            named = ", ".join(map(str, walk.unjudged[:10])) + (", ..." if len(walk.unjudged) > 10 else "")
            self._not_checked.append(f"{len(walk.unjudged)} statements that rest on an opening not shown: {named}")
        if walk.unerased:
            self._not_checked.append(f"why {len(walk.unerased)} openings are here that the log says were erased")

    def _say_what_is_no_part(self, size: int) -> None:
        known = {tile_path(tile) for tile in tiles_of(size)} | layout.FILES
        strange = sorted(
            path.relative_to(self._directory).as_posix()
            for path in self._directory.rglob("*")
            if not path.is_dir() and path.relative_to(self._directory).as_posix() not in known
        )
        strange = [path for path in strange if not path.startswith(f"{layout.TEMPLATES}/")]
        if strange:
            more = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
            self._not_checked.append(f"files that are no part of this bundle: `{strange[0]}`{more}")

    def _skipped(self) -> tuple[str, ...]:
        if not self._older:
            self._not_checked.append("that nothing was taken back: no older checkpoint was given")
        return (*self._not_checked, *ALWAYS)


ALWAYS = (
    "witnesses: the policy names none, so nobody else has seen this checkpoint",
    "that people are who their keys say, and that media files are what their hashes were made from",
    f"`{layout.README}`, which is for people",
)
