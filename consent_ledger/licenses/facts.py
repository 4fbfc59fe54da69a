"""Facts: what the log says about parties, assets and grants, folded in ledger order.

`Facts.apply` is the one fold. The service applies the entries that touch the keys of a question, an auditor applies
every entry, and both then decide on the same records. A record carries the entry that made it, so any earlier size is
the records with `entry < size`. Which entries touch a question is for `keys`. Instants are integer microseconds since
the epoch, UTC.
"""

from collections import defaultdict
from datetime import UTC, datetime

from msgspec import UNSET, UnsetType

from consent_ledger.licenses import statements as st
from consent_ledger.licenses.log_keys import LogKey
from consent_ledger.licenses.masks import compile_prohibition, compile_terms
from consent_ledger.licenses.records import (
    Claim,
    Event,
    FulfilmentRecord,
    GrantRecord,
    KeyEvent,
    KeyRecord,
    Parent,
    PartyRecord,
    ProjectRecord,
    Registered,
    RevocationRecord,
    TemplateRecord,
)


def micros(time: datetime) -> int:
    """Return the instant in microseconds since the epoch."""
    return int(time.timestamp()) * 1_000_000


def optional_micros(time: datetime | UnsetType) -> int | None:
    """Return the instant, or None where the field is absent."""
    return None if time is UNSET else micros(time)


def _optional_set(items: list[str] | UnsetType) -> frozenset[str] | None:
    return None if items is UNSET else frozenset(items)


class Facts:
    """What is known, to any size up to `size`. Only `apply` writes.

    `origin` and `operator` are None until the genesis entry was applied. `failure` is set when the log that the facts
    came from did not verify: then nothing can be decided.
    """

    def __init__(self) -> None:
        self.size = 0
        self.recorded_at = 0
        self.failure: str | None = None
        self.origin: str | None = None
        self.operator: str | None = None
        self.log_keys: list[LogKey] = []
        self.parties: dict[str, PartyRecord] = {}
        self.key_owners: dict[str, str] = {}
        self.assets: dict[str, tuple[Claim, ...]] = {}
        self.named: set[str] = set()
        """The assets that something besides their registrations names: they are like no other asset."""
        self.generation = 0
        """Counts the statements that say something of an asset itself, and not only of a party."""
        self.grants: defaultdict[str, list[GrantRecord]] = defaultdict(list)
        self.grant_by_id: dict[str, GrantRecord] = {}
        self.revocations: defaultdict[str, list[RevocationRecord]] = defaultdict(list)
        self.suspensions: defaultdict[str, list[Event]] = defaultdict(list)
        self.disputes: defaultdict[str, list[Event]] = defaultdict(list)
        self.takedowns: defaultdict[str, list[Event]] = defaultdict(list)
        self.fulfilments: defaultdict[str, list[FulfilmentRecord]] = defaultdict(list)
        self.templates: dict[str, TemplateRecord] = {}
        self.template_versions: dict[tuple[str, str], str] = {}
        self.projects: dict[str, list[ProjectRecord]] = {}
        self.erased: dict[int, int] = {}
        """The entries whose openings were destroyed, and the erasure of each."""
        self.erased_parties: dict[str, int] = {}
        """The parties whose statements were, and the first erasure of each: they are taken to permit nothing."""

    def apply(self, where: Registered, statement: st.Statement) -> None:
        """Fold one recorded statement in. Entries come in ledger order; a gap means that they touch nothing asked."""
        self.size = max(self.size, where.entry + 1)
        self.recorded_at = max(self.recorded_at, where.recorded_at)
        if where.entry in self.erased:
            return  # its opening is about to go
        match statement:
            case st.Asset():
                self._apply_asset(where, statement)
            case st.Grant():
                self._apply_grant(where, statement)
            case st.Party():
                self._apply_party(where, statement)
            case st.Revocation():
                self._apply_revocation(where, statement)
            case st.Genesis():
                self.origin, self.operator = statement.ledger, statement.issuer
                self.log_keys = [LogKey(statement.log_key, where.entry)]
                self.parties[statement.issuer] = PartyRecord(where.entry, statement.issuer, "ledger", None, None)
                self._add_key(where.entry, statement.issuer, statement.operator_key)
            case st.Key():
                self._apply_key(where, statement)
            case st.Template():
                self._apply_template(where, statement)
            case st.Project():
                record = ProjectRecord(
                    where.entry,
                    statement.controller,
                    frozenset(t.digest for t in statement.templates),
                    frozenset(statement.flags),
                )
                self.projects.setdefault(statement.project, []).append(record)
            case st.Suspension():
                for grant in statement.grants:
                    self.suspensions[grant].append(_event(where, statement.effective_at, statement.action))
            case st.Fulfilment():
                self._name(statement.assets)
                for asset in statement.assets:
                    self.fulfilments[asset].append(
                        FulfilmentRecord(
                            where.entry, where.recorded_at, statement.issuer, statement.condition, statement.status,
                            _optional_set(statement.grants),
                        )
                    )  # fmt: skip
            case st.Dispute():
                self._name(statement.assets)
                upheld = None if statement.upheld is UNSET else statement.upheld
                for asset in statement.assets:
                    self.disputes[asset].append(_event(where, statement.effective_at, statement.status, upheld))
            case st.Takedown():
                self._name(statement.assets)
                for asset in statement.assets:
                    event = _event(where, statement.effective_at, statement.action, statement.issuer)
                    self.takedowns[asset].append(event)
            case st.Erasure():
                self.erase(where.entry, statement)
            case st.Release() | st.Acknowledgement() | st.State():
                pass  # no decision reads them

    def erase(self, by: int, statement: st.Erasure) -> None:
        """Forget what the erasure in entry `by` names, at whatever size the facts are: nobody can show it any more."""
        for entry in statement.entries:
            self.erased.setdefault(entry, by)
        if statement.level == "statements":
            party = statement.party
            self.erased_parties[party] = min(by, self.erased_parties.get(party, by))
            self.generation += 1
            self._forget_consent(party)
            self._forget_enrolment(party)

    def _forget_consent(self, party: str) -> None:
        gone = [grant for grant in self.grants.get(party, ()) if grant.entry in self.erased]
        for grant in gone:
            self.grants[party].remove(grant)
            self.grant_by_id.pop(grant.id, None)
            if grant.id in self.suspensions:
                left = [e for e in self.suspensions[grant.id] if e.entry not in self.erased]
                self.suspensions[grant.id] = left
        if party in self.revocations:
            self.revocations[party] = [r for r in self.revocations[party] if r.entry not in self.erased]

    def _forget_enrolment(self, party: str) -> None:
        record = self.parties.get(party)
        if record is not None and record.entry in self.erased:
            del self.parties[party]
            for key in record.keys:
                self.key_owners.pop(key.keyid, None)

    def _apply_party(self, where: Registered, statement: st.Party) -> None:
        record = self.parties.get(statement.party)
        if record is None:
            majority = None if statement.majority is UNSET else _midnight(statement.majority)
            age = None if statement.age is UNSET else statement.age
            record = PartyRecord(where.entry, statement.issuer, statement.kind, age, majority)
            self.parties[statement.party] = record
            if statement.key is not UNSET:
                self._add_key(where.entry, statement.party, statement.key)
        if statement.deceased_at is not UNSET:
            record.deaths.append((where.entry, micros(statement.deceased_at)))

    def _apply_key(self, where: Registered, statement: st.Key) -> None:
        if statement.log_key is not UNSET:
            self._apply_log_key(where.entry, statement.action, statement.log_key)
        elif statement.party not in self.parties:
            pass  # whose enrolment is erased
        elif statement.key is not UNSET:
            self._add_key(where.entry, statement.party, statement.key)
        elif statement.keyid is not UNSET:
            since = where.recorded_at if statement.since is UNSET else micros(statement.since)
            event = KeyEvent(where.entry, statement.keyid, statement.action, since)
            self.parties[statement.party].key_events.append(event)

    def _apply_log_key(self, entry: int, action: str, vkey: str) -> None:
        if action == "added":
            self.log_keys = [*self.log_keys, LogKey(vkey, entry)]
        else:
            self.log_keys = [LogKey(k.vkey, k.entry, entry) if k.vkey == vkey else k for k in self.log_keys]

    def _add_key(self, entry: int, party: str, key: st.KeyMaterial) -> None:
        keyid = st.keyid_of(key)
        self.parties[party].keys.append(KeyRecord(entry, keyid, key.scheme, key.raw))
        self.key_owners[keyid] = party

    def _apply_template(self, where: Registered, statement: st.Template) -> None:
        ref = statement.template
        if statement.document is not UNSET:
            self.templates[ref.digest] = TemplateRecord(where.entry, statement.issuer, statement.document)
            self.template_versions[statement.issuer + "/" + ref.id, ref.version] = ref.digest
        elif (record := self.templates.get(ref.digest)) is not None:
            record.events.append(_event(where, statement.effective_at, statement.action))

    def _name(self, assets: list[str] | UnsetType) -> None:
        if assets is not UNSET:
            self.named.update(assets)
            self.generation += 1

    def _apply_asset(self, where: Registered, statement: st.Asset) -> None:
        self.generation += 1
        shared: dict[Claim, tuple[Claim]] = {}
        for medium in statement.media:
            claim = _claim(where, statement, medium)
            said = shared.setdefault(claim, (claim,))
            earlier = self.assets.get(medium.hash)
            self.assets[medium.hash] = said if earlier is None else earlier + said

    def _apply_grant(self, where: Registered, statement: st.Grant) -> None:
        scope = statement.scope
        self._name(scope.assets)
        grant = GrantRecord(
            entry=where.entry,
            id=where.id,
            issuer=statement.issuer,
            capacities=tuple(statement.capacities),
            ward=None if statement.ward is UNSET else statement.ward,
            template=statement.template.digest,
            terms=compile_terms(statement.terms),
            assets=_optional_set(scope.assets),
            project=None if scope.project is UNSET else scope.project,
            scope_from=optional_micros(scope.from_),
            scope_until=optional_micros(scope.until),
            signed_at=where.signed_at,
            starts=micros(statement.starts),
            effective=max(micros(statement.starts), where.signed_at),
            ends=optional_micros(statement.ends),
            supersedes=() if statement.supersedes is UNSET else tuple(statement.supersedes),
            assurance=statement.assurance,
            keyids=where.keyids,
        )
        self.grants[grant.party].append(grant)
        self.grant_by_id[grant.id] = grant

    def _apply_revocation(self, where: Registered, statement: st.Revocation) -> None:
        effective = where.recorded_at
        if statement.effective_at is not UNSET:
            effective = max(effective, micros(statement.effective_at))
        self._name(statement.assets)
        self.revocations[statement.party].append(
            RevocationRecord(
                where.entry,
                where.id,
                effective,
                _optional_set(statement.grants),
                _optional_set(statement.assets),
                None if statement.uses is UNSET else compile_prohibition(statement.uses),
            )
        )


def _event(where: Registered, effective_at: datetime | UnsetType, status: str, detail: str | None = None) -> Event:
    """An event acts at its effective time but never before it was recorded."""
    effective = where.recorded_at if effective_at is UNSET else max(where.recorded_at, micros(effective_at))
    return Event(where.entry, effective, status, detail)


def _midnight(day: str) -> int:
    return micros(datetime.fromisoformat(day).replace(tzinfo=UTC))


def _claim(where: Registered, statement: st.Asset, medium: st.Medium) -> Claim:
    derived = () if medium.derived_from is UNSET else medium.derived_from
    return Claim(
        entry=where.entry,
        recorded_at=where.recorded_at,
        statement=where.id,
        issuer=statement.issuer,
        project=statement.project,
        owners=tuple(medium.owners),
        subjects=None if medium.subjects is UNSET else tuple(medium.subjects),
        organisations=() if medium.organisations is UNSET else tuple(medium.organisations),
        captured_at=optional_micros(medium.captured_at),
        retention_until=optional_micros(medium.retention_until),
        parents=tuple(
            Parent(d.asset, d.transform, frozenset() if d.absent_subjects is UNSET else frozenset(d.absent_subjects))
            for d in derived
        ),
    )
