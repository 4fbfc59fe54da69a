"""Who sees what (docs/decisions/0006): a function of the facts, the viewer and nothing else.

A viewer is an organisation's party id; None is the ledger's operator, who sees all. A decision is made from all facts
or, for a viewer who does not see the asset, as for a hash that nobody registered: nothing is decided on some of them.
"""

from collections.abc import Iterable

from msgspec import UNSET

from consent_ledger.licenses import statements as st
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.keys import asset_key, consent_key, party_key, project_key, statement_key, template_key
from consent_ledger.licenses.records import Claim, GrantRecord

Viewer = str | None


class Sight:
    """What one viewer sees of assets in a ledger of `size`. The facts may not change meanwhile."""

    def __init__(self, viewer: Viewer, facts: Facts, size: int, recipient: str | None = None) -> None:
        """`recipient`: the one that the use is asked for. Another recipient than that sees nothing."""
        self._viewer = viewer
        self._facts = facts
        self._size = size
        self._may_be_recipient = recipient in (None, viewer)
        self._known: dict[int, bool] = {}  # by the identity of what was said, which the facts keep alive

    def sees(self, asset: str) -> bool:
        """Whether the viewer may ask about the asset. The operator may ask even about what is not there."""
        if self._viewer is None:
            return True
        said = self._facts.assets.get(asset)
        if said is None:
            return False
        if asset in self._facts.named:  # a grant that names it may name the viewer too
            return any(self._sees_claim(asset, claim) for claim in said)
        seen = self._known.get(id(said))
        if seen is None:
            seen = self._known[id(said)] = any(self._sees_claim(asset, claim) for claim in said)
        return seen

    def claims(self, asset: str) -> tuple[Claim, ...]:
        """Return the registrations of the asset that the viewer may read, in ledger order: a recipient reads none."""
        said = (c for c in self._facts.assets.get(asset, ()) if c.entry < self._size)
        return tuple(c for c in said if self._viewer is None or has_part_in(self._viewer, c, self._facts))

    def _sees_claim(self, asset: str, claim: Claim) -> bool:
        if claim.entry >= self._size or self._viewer is None:
            return False
        if has_part_in(self._viewer, claim, self._facts):
            return True
        return self._may_be_recipient and is_recipient(self._viewer, asset, claim, self._facts, self._size)


def controls(viewer: str, project: str, facts: Facts) -> bool:
    """Whether the viewer controls a project: it never changes hands."""
    records = facts.projects.get(project, ())
    return len(records) > 0 and records[-1].controller == viewer


def has_part_in(party: str, claim: Claim, facts: Facts) -> bool:
    """Whether the organisation issued the registration, controls its project or is named in it."""
    return (
        controls(party, claim.project, facts)
        or party == claim.issuer
        or party in claim.owners
        or party in claim.organisations
    )


def is_recipient(viewer: str, asset: str, claim: Claim, facts: Facts, size: int) -> bool:
    """Whether a grant of one of the registration's parties, to an organisation that has part in it, names the viewer
    as a recipient of the asset."""
    return any(
        grant.entry < size
        and _names_recipient(grant, viewer)
        and _covers(grant, asset, claim)
        and (template := facts.templates.get(grant.template)) is not None
        and has_part_in(template.issuer, claim, facts)
        for party in dict.fromkeys((*claim.owners, *(claim.subjects or ()), *claim.organisations))
        for grant in facts.grants.get(party, ())
    )


def _covers(grant: GrantRecord, asset: str, claim: Claim) -> bool:
    if grant.assets is not None:
        return asset in grant.assets
    return (
        claim.project == grant.project
        and (grant.scope_from is None or claim.recorded_at >= grant.scope_from)
        and (grant.scope_until is None or claim.recorded_at < grant.scope_until)
    )


def _names_recipient(grant: GrantRecord, viewer: str) -> bool:
    terms = grant.terms
    return terms.exclusive_to == viewer or any(
        p.recipients is not None and viewer in p.recipients for p in terms.permissions
    )


def sees_grant(viewer: Viewer, grant: GrantRecord, facts: Facts) -> bool:
    """Whether the viewer signed the grant, or it was made to the viewer."""
    return viewer is None or viewer == grant.issuer or _is_made_to(viewer, grant, facts)


def _is_made_to(viewer: str, grant: GrantRecord, facts: Facts) -> bool:
    template = facts.templates.get(grant.template)
    if template is not None and template.issuer == viewer:
        return True
    return grant.project is not None and controls(viewer, grant.project, facts)


def sees_party(viewer: Viewer, party: str, facts: Facts) -> bool:
    """Whether the viewer sees a party's enrolment and keys: it is that party, enrolled it, or was granted something."""
    if viewer is None or viewer == party:
        return True
    record = facts.parties.get(party)
    if record is not None and record.issuer == viewer:
        return True
    return any(_is_made_to(viewer, g, facts) for g in (*facts.grants.get(party, ()), *_as_guardian(party, facts)))


def _as_guardian(party: str, facts: Facts) -> Iterable[GrantRecord]:
    """The grants that a party signed for somebody else stand under the other's name."""
    return (g for g in facts.grant_by_id.values() if g.issuer == party and g.ward is not None)


def sees_project(viewer: Viewer, project: str, facts: Facts) -> bool:
    """Whether the viewer sees a project."""
    return viewer is None or controls(viewer, project, facts)


def lists_template(viewer: Viewer, digest: str, facts: Facts) -> bool:
    """Whether lists of templates show the viewer this one: its own, or one that a project of its own offers or offered.

    Whoever has the digest may read it."""
    template = facts.templates.get(digest)
    if viewer is None or template is None or template.issuer == viewer:
        return template is not None
    return any(
        record.controller == viewer and digest in record.templates
        for records in facts.projects.values()
        for record in records
    )


def sees_statement(viewer: Viewer, statement: st.Statement, facts: Facts) -> bool:
    """Whether the viewer sees a statement, given the facts under `keys_for_statement`."""
    if viewer is None or statement.issuer == viewer:
        return True
    match statement:
        case st.Genesis() | st.Template():
            return True
        case st.Key() if statement.log_key is not UNSET:
            return True
        case st.Party() | st.Key():
            return sees_party(viewer, statement.party, facts)
        case st.Asset():
            return controls(viewer, statement.project, facts) or all(_is_named(viewer, m) for m in statement.media)
        case st.Grant():
            template = facts.templates.get(statement.template.digest)
            if template is not None and template.issuer == viewer:
                return True
            return statement.scope.project is not UNSET and controls(viewer, statement.scope.project, facts)
        case st.Revocation():
            return _sees_revocation(viewer, statement, facts)
        case st.Suspension():
            return _sees_grants(viewer, statement.grants, facts)
        case st.Dispute() | st.Takedown():
            return _sees_assets(viewer, statement.assets, facts)
        case _:
            return False


def _is_named(viewer: str, medium: st.Medium) -> bool:
    organisations = () if medium.organisations is UNSET else medium.organisations
    return viewer in medium.owners or viewer in organisations


def _sees_revocation(viewer: str, statement: st.Revocation, facts: Facts) -> bool:
    if statement.assets is not UNSET and not _sees_assets(viewer, statement.assets, facts):
        return False
    if statement.grants is not UNSET:
        return _sees_grants(viewer, statement.grants, facts)
    return any(sees_grant(viewer, g, facts) for g in facts.grants.get(statement.party, ()))


def _sees_grants(viewer: str, ids: Iterable[str], facts: Facts) -> bool:
    return all((g := facts.grant_by_id.get(id_)) is not None and sees_grant(viewer, g, facts) for id_ in ids)


def _sees_assets(viewer: str, assets: Iterable[str], facts: Facts) -> bool:
    sight = Sight(viewer, facts, facts.size)
    return all(sight.claims(asset) for asset in assets)


def keys_for_statement(statement: st.Statement, facts: Facts) -> set[bytes]:
    """Return the index keys of all that `sees_statement` reads, as far as `facts` lets them be known."""
    keys: set[bytes] = set()
    match statement:
        case st.Party() | st.Key():
            keys |= {party_key(statement.party), *_keys_of_grants((statement.party,), facts)}
        case st.Asset():
            keys.add(project_key(statement.project))
        case st.Grant():
            keys.add(template_key(statement.template.digest))
            if statement.scope.project is not UNSET:
                keys.add(project_key(statement.scope.project))
        case st.Revocation():
            keys |= _keys_of_grants((statement.party,), facts)
            keys |= keys_for_assets(() if statement.assets is UNSET else statement.assets, facts)
        case st.Suspension():
            keys |= {statement_key(id_) for id_ in statement.grants}
            known = [facts.grant_by_id[id_] for id_ in statement.grants if id_ in facts.grant_by_id]
            keys |= _keys_of_grants({g.party for g in known}, facts)
        case st.Dispute() | st.Takedown():
            keys |= keys_for_assets(statement.assets, facts)
        case _:
            pass
    return keys


def keys_for_assets(assets: Iterable[str], facts: Facts) -> set[bytes]:
    """Return the index keys of all that a `Sight` of the assets reads, as far as `facts` lets them be known."""
    keys: set[bytes] = set()
    for asset in assets:
        keys.add(asset_key(asset))
        for claim in facts.assets.get(asset, ()):
            keys.add(project_key(claim.project))
            parties = {*claim.owners, *(claim.subjects or ()), *claim.organisations} - {st.UNIDENTIFIED}
            keys |= _keys_of_grants(parties, facts)
    return keys


def _keys_of_grants(parties: Iterable[str], facts: Facts) -> set[bytes]:
    keys: set[bytes] = set()
    for party in parties:
        keys.add(consent_key(party))
        for grant in facts.grants.get(party, ()):
            keys.add(template_key(grant.template))
            if grant.project is not None:
                keys.add(project_key(grant.project))
    return keys
