"""Verifying a bundle: the files of an auditor against the log's key, and nothing else."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from cryptography.x509 import Certificate

from consent_ledger.audit.checkpoint import Checkpoint
from consent_ledger.audit.policy import Policy
from consent_ledger.audit.replay import Finding, Withheld
from consent_ledger.audit.tiles import tile_path, tiles_of
from consent_ledger.errors import MalformedError, NotFoundError
from consent_ledger.licenses.facts import Facts
from consent_ledger.verification import layout
from consent_ledger.verification.documents import check_templates
from consent_ledger.verification.envelopes import envelopes
from consent_ledger.verification.files import LogFiles, most_lines, openings
from consent_ledger.verification.heads import Heads
from consent_ledger.verification.report import Report, in_ledger_order
from consent_ledger.verification.samples import check_decisions
from consent_ledger.verification.source import Source, open_source
from consent_ledger.verification.walk import Pair, Verification
from consent_ledger.workers import collector_paused

Progress = Callable[[int], None]
_MOST_STAMPS = 100


def verify_bundle(
    place: Path,
    *,
    vkey: str | None = None,
    checkpoints: Sequence[bytes] = (),
    policy: Policy | None = None,
    roots: Sequence[Certificate] | None = None,
    jobs: int | None = None,
    progress: Progress = lambda entries: None,
) -> Report:
    """Return what holds of the bundle at `place`, a folder or a tar, and what does not.

    `vkey` has the log's verifier keys, one a line; without it those of `policy`, or else the bundle's own are believed,
    and the report says so. `checkpoints` are older ones that the auditor holds, `policy` says whose cosignatures are
    wanted, `roots` whose time-stamps count. `progress` is told how many entries were walked. NotFoundError where there
    is no bundle; MalformedError where `vkey` is no verifier key: everything else is a finding.
    """
    source = open_source(place)
    try:
        if not _has_checkpoint(source) and not source.defects:
            detail = f"no bundle in `{place}`, want a folder or a tar with a file `{layout.CHECKPOINT}`"
            raise NotFoundError(detail, code="bundle_missing")
        return verify_source(
            source, vkey=vkey, checkpoints=checkpoints, policy=policy, roots=roots, jobs=jobs, progress=progress
        )
    finally:
        source.close()


def _has_checkpoint(source: Source) -> bool:
    try:
        return source.size(layout.CHECKPOINT) > 0
    except MalformedError:
        return True  # something is there, and what is wrong with it will be found


def verify_source(
    source: Source,
    *,
    vkey: str | None = None,
    checkpoints: Sequence[bytes] = (),
    policy: Policy | None = None,
    roots: Sequence[Certificate] | None = None,
    jobs: int | None = None,
    progress: Progress = lambda entries: None,
) -> Report:
    """Return what holds of a bundle, wherever its files are: see `verify_bundle`."""
    with collector_paused():
        return _Audit(source, vkey, policy, checkpoints, roots).run(jobs, progress)


def replay_bundle(place: Path, vkey: str) -> Facts:
    """Return the facts that a bundle holds, to decide on again; with any finding, facts that fail."""
    source = open_source(place)
    audit = _Audit(source, vkey, None, ())
    report = audit.run(1, lambda entries: None)
    source.close()
    if report.findings:
        first = report.findings[0]
        audit.facts.failure = f"entry {first.entry}: {first.detail}"
    return audit.facts


class _Audit:
    """One verification: what was found and what was not looked at, and the facts, so far."""

    def __init__(
        self, source: Source, vkey: str | None, policy: Policy | None, checkpoints: Sequence[bytes],
        roots: Sequence[Certificate] | None = None,
    ) -> None:  # fmt: skip
        self._roots = roots
        self.facts = Facts()
        self._source = source
        self._findings = [Finding(None, "archive_malformed", detail) for detail in source.defects]
        self._not_checked: list[str] = []
        self._heads = Heads(source, vkey, policy, checkpoints, self._findings, self._not_checked)

    def run(self, jobs: int | None, progress: Progress) -> Report:
        heads = self._heads
        if heads.claimed is None:
            self._not_checked.append("anything but the checkpoint, which cannot be read")
            return Report(None, heads.note, Verification().counts, in_ledger_order(self._findings), self._skipped())
        scope = self._scope()
        # A checkpoint may claim any size: walk no further than there can be lines.
        size = min(heads.claimed.size, most_lines(self._source))
        files = LogFiles(self._source, size, self._findings)
        walk = Verification(heads.claimed, heads.older, envelopes(jobs, size), heads.handovers)
        self.facts = walk.facts
        for finding in walk.run(self._pairs(files, size, scope, progress)):
            # Bytes that are not there were found missing already.
            if finding.code != "entry_malformed" or finding.entry not in files.missing:
                self._findings.append(finding)
        self._check_origin(walk, heads.claimed)
        templates = check_templates(self._source, walk.facts, self._findings, self._not_checked)
        decisions = check_decisions(self._source, scope, walk, self._findings, self._not_checked)
        counts = walk.counts._replace(templates=templates, decisions=sum(decisions.values()))
        self._say_what_was_not_seen(walk)
        self._say_what_is_no_part(size)
        seen_at = max(walk.facts.recorded_at, *heads.cosigned.values(), 0)
        stamped_at = min(self._stamps(heads.note), default=None)
        return Report(
            heads.head, heads.note, counts, in_ledger_order(self._findings), self._skipped(), walk.sound,
            anchored=bool(heads.older) or heads.quorum, cosigned=tuple(heads.cosigned), seen_at=seen_at,
            stamped_at=stamped_at, sample=scope.sample if decisions else None, verdicts=decisions,
        )  # fmt: skip

    def _stamps(self, note: bytes) -> list[int]:
        """Return the instants of the time-stamps that authorities under the auditor's roots gave the checkpoint."""
        names = sorted(islice((n for n in self._source.names() if n.startswith(f"{layout.TIMESTAMPS}/")), _MOST_STAMPS))
        if self._roots is None:
            if names:
                self._not_checked.append(
                    f"{len(names)} time-stamps: whom you trust was not said, want --timestamp-root"
                )
            return []
        from consent_ledger.verification.stamps import check_stamps  # an extra

        return list(check_stamps(self._source, names, note, self._roots, self._findings))

    def _check_origin(self, walk: Verification, head: Checkpoint) -> None:
        self._heads.check_keys(walk.facts.log_keys)
        if walk.genesis is None:
            if head.size and not walk.counts.withheld:
                self._findings.append(Finding(0, "genesis_missing", "entry 0 is not the genesis of a ledger"))
            else:
                self._not_checked.append("which log key entry 0 names: it is not shown")
            return
        if walk.genesis.ledger != head.origin:
            detail = f"entry 0 is of ledger `{walk.genesis.ledger}`, the checkpoint of `{head.origin}`"
            self._findings.append(Finding(0, "origin_mismatch", detail))

    # What is in it -----------------------------------------------------------------------------------------------

    def _scope(self) -> layout.Scope:
        try:
            raw = self._source.read(layout.SCOPE, layout.MAX_DOCUMENT)
            if raw is None:
                self._not_checked.append(f"`{layout.SCOPE}`, which is not there: all openings were expected")
            scope = layout.read_scope(raw)
            if scope.openings not in ("all", "withheld"):
                about = f" `{scope.about}`" if scope.about else ""
                self._not_checked.append(
                    f"that all is shown which belongs to the {scope.openings}{about}: that is the sender's choice"
                )
            return scope
        except MalformedError as e:
            self._findings.append(Finding(None, "scope_malformed", f"`{layout.SCOPE}`: {e}"))
            return layout.EVERYTHING

    def _pairs(self, files: LogFiles, size: int, scope: layout.Scope, progress: Progress) -> Iterator[Pair]:
        shown = openings(self._source, size, self._findings)
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
            self._not_checked.append(f"statements whose openings are withheld: {counts.withheld}")
        if named := counts.erased - len(walk.said_erased):
            detail = f"statements whose openings were erased, as the log says: {named}; whose they were, nobody can see"
            self._not_checked.append(detail)
        if walk.said_erased:
            listed = _listed(walk.said_erased)
            self._not_checked.append(f"statements said to be erased by entries that are not shown: {listed}")
        if walk.unjudged:
            detail = "whether these were rightly recorded, which rest on one that is not shown"
            self._not_checked.append(f"{detail}: {_listed(walk.unjudged)}")
        if walk.unerased:
            self._not_checked.append(f"why {len(walk.unerased)} openings are here that the log says were erased")

    def _say_what_is_no_part(self, size: int) -> None:
        known = {tile_path(tile) for tile in tiles_of(size)} | layout.FILES
        strange = [n for n in self._source.names() if n not in known and not layout.OTHERS.fullmatch(n)]
        if strange:
            more = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
            self._not_checked.append(f"files that are no part of this bundle: `{strange[0]}`{more}")

    def _skipped(self) -> tuple[str, ...]:
        if not self._heads.older:
            self._not_checked.append("that nothing was taken back: no older checkpoint was given")
        return (*self._not_checked, *ALWAYS)


def _listed(entries: Sequence[int]) -> str:
    more = ", ..." if len(entries) > 10 else ""
    return f"{len(entries)} (entries {', '.join(map(str, sorted(entries)[:10]))}{more})"


ALWAYS = (
    "that people are who their keys say, and that media files are what their hashes were made from",
    f"`{layout.README}`, which is for people",
)
