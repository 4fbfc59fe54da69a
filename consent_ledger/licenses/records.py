"""Records: what the log says about parties, assets and grants, as `facts` folds it.

A record carries the entry that made it, so any earlier size is the records with `entry < size`. Instants are integer
microseconds since the epoch, UTC.
"""

import msgspec

from consent_ledger.licenses.masks import CompiledProhibition, CompiledTerms
from consent_ledger.licenses.terms import TemplateDocument


class Record(msgspec.Struct, frozen=True, gc=False):
    """A fact. It never changes and refers to nothing that refers back, so the garbage collector need not look."""


class Registered(Record, frozen=True, gc=False):
    """Where and when a statement was recorded. `trusted_at` is the earliest instant that a trusted time source
    vouches for, or None."""

    entry: int
    recorded_at: int
    id: str
    keyids: frozenset[str] = frozenset()
    trusted_at: int | None = None

    @property
    def signed_at(self) -> int:
        """The instant by which it was certainly signed."""
        return self.recorded_at if self.trusted_at is None else min(self.trusted_at, self.recorded_at)


class KeyRecord(Record, frozen=True, gc=False):
    """A key of a party."""

    entry: int
    keyid: str
    scheme: str
    raw: bytes


class KeyEvent(Record, frozen=True, gc=False):
    """A key was retired (as of the entry) or compromised since an instant."""

    entry: int
    keyid: str
    action: str
    since: int


class PartyRecord:
    """A person, organisation or time source. `majority` is the instant of coming of age, of a minor."""

    __slots__ = ("age", "deaths", "entry", "issuer", "key_events", "keys", "kind", "majority")

    def __init__(self, entry: int, issuer: str, kind: str, age: str | None, majority: int | None) -> None:
        self.entry, self.issuer, self.kind, self.age, self.majority = entry, issuer, kind, age, majority
        self.keys: list[KeyRecord] = []
        self.key_events: list[KeyEvent] = []
        self.deaths: list[tuple[int, int]] = []


class Parent(Record, frozen=True, gc=False):
    """A parent of a derived asset, and who it shows that the child does not."""

    asset: str
    transform: str
    absent: frozenset[str]


class Claim(Record, frozen=True, gc=False):
    """One registration of an asset: who owns it, whom it shows (None: nobody has looked), what it was made from.

    It does not hold the asset's hash, so assets of which the same was said in one statement share one."""

    entry: int
    recorded_at: int
    statement: str
    issuer: str
    project: str
    owners: tuple[str, ...]
    subjects: tuple[str, ...] | None
    organisations: tuple[str, ...]
    captured_at: int | None
    retention_until: int | None
    parents: tuple[Parent, ...]


class GrantRecord(Record, frozen=True, gc=False):
    """A grant. `signed_at` is trusted time, or else the entry's; `effective` is `starts`, but never before that."""

    entry: int
    id: str
    issuer: str
    capacities: tuple[str, ...]
    ward: str | None
    template: str
    terms: CompiledTerms
    assets: frozenset[str] | None
    project: str | None
    scope_from: int | None
    scope_until: int | None
    signed_at: int
    starts: int
    effective: int
    ends: int | None
    supersedes: tuple[str, ...]
    assurance: str
    keyids: frozenset[str]

    @property
    def party(self) -> str:
        """The party whose permission this is: the ward's, when a guardian signed."""
        return self.ward or self.issuer


class RevocationRecord(Record, frozen=True, gc=False):
    """A withdrawal, acting from `effective` on grants recorded before it."""

    entry: int
    id: str
    effective: int
    grants: frozenset[str] | None
    assets: frozenset[str] | None
    uses: CompiledProhibition | None


class Event(Record, frozen=True, gc=False):
    """A status that something took: in ledger order the latest effective one holds."""

    entry: int
    effective: int
    status: str
    detail: str | None = None


class FulfilmentRecord(Record, frozen=True, gc=False):
    """A condition's status for an asset, as its beneficiary stated it."""

    entry: int
    recorded_at: int
    issuer: str
    condition: str
    status: str
    grants: frozenset[str] | None


class TemplateRecord:
    """A published template version and what became of it."""

    __slots__ = ("document", "entry", "events", "issuer")

    def __init__(self, entry: int, issuer: str, document: TemplateDocument) -> None:
        self.entry, self.issuer, self.document = entry, issuer, document
        self.events: list[Event] = []


class ProjectRecord(Record, frozen=True, gc=False):
    """A project as of one entry, with the digests of the template versions it offers."""

    entry: int
    controller: str
    templates: frozenset[str]
    flags: frozenset[str]
