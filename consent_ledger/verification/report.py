"""What a verification came to: every finding, what was counted, and what nobody looked at."""

from collections.abc import Mapping
from typing import NamedTuple

from consent_ledger.audit.checkpoint import Checkpoint
from consent_ledger.audit.replay import Finding
from consent_ledger.verification.layout import Sample


class Counts(NamedTuple):
    """What was looked at."""

    entries: int = 0
    opened: int = 0
    withheld: int = 0
    erased: int = 0
    signatures: int = 0
    templates: int = 0
    decisions: int = 0


class Report(NamedTuple):
    """The outcome. `findings` are in ledger order, those about no entry in particular last; none means verified.

    `checkpoint` is the signed head that everything was held against (None where it could not be read), and
    `checkpoint_note` its bytes. `not_checked` are sentences for people. `sound` is how many of the first entries an
    older checkpoint of the auditor vouches for. `anchored`: the auditor held an older checkpoint, or the quorum of the
    auditor's policy cosigned; `cosigned` are its witnesses that did. `seen_at` is the latest instant (microseconds)
    that an entry, or one of those witnesses, puts on the log. `stamped_at` is the earliest instant by which, says a
    time-stamp under the auditor's roots, the checkpoint was signed. `sample` is what the decisions that were made anew
    are about, which is the sender's choice, and `verdicts` how many there are of each.
    """

    checkpoint: Checkpoint | None
    checkpoint_note: bytes
    counts: Counts
    findings: tuple[Finding, ...]
    not_checked: tuple[str, ...]
    sound: int = 0
    anchored: bool = False
    cosigned: tuple[str, ...] = ()
    seen_at: int = 0
    stamped_at: int | None = None
    sample: Sample | None = None
    verdicts: Mapping[str, int] = {}

    @property
    def verified(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def first_bad(self) -> int | None:
        """The first entry that something is wrong with; where only the whole is wrong, the first that nothing vouches
        for; None where nothing was found."""
        named = (finding.entry for finding in self.findings if finding.entry is not None)
        return next(named, self.sound if self.findings else None)

    @property
    def is_named(self) -> bool:
        """Whether any finding is about one entry."""
        return any(finding.entry is not None for finding in self.findings)


def in_ledger_order(findings: list[Finding]) -> tuple[Finding, ...]:
    """Return the findings by entry, each once."""
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=lambda f: (f.entry is None, f.entry or 0)))
