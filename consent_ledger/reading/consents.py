"""What a party granted and withdrew, as far as a viewer sees it."""

from functools import partial

from msgspec import UNSET

from consent_ledger.documents import ConsentAnswer, GrantItem, WithdrawalItem
from consent_ledger.errors import NotFoundError
from consent_ledger.licenses.facts import Facts, micros
from consent_ledger.licenses.keys import consent_key, party_key, project_key, template_key
from consent_ledger.licenses.records import GrantRecord
from consent_ledger.licenses.statements import Revocation
from consent_ledger.licenses.visibility import Viewer, keys_for_statement, sees_grant, sees_party, sees_statement
from consent_ledger.reading.records import Recorded, recorded_under
from consent_ledger.signing.instants import format_time
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import FactsReader
from consent_ledger.store.log import read_head


def find_consent(store: Store, viewer: Viewer, party: str) -> ConsentAnswer:
    """Return what is recorded of a party's permissions; raise NotFoundError where the viewer does not see the party."""
    with store.read() as tx:
        head = read_head(tx)
        reader = FactsReader(tx, head.size)
        reader.load([party_key(party), consent_key(party)])
        withdrawals = recorded_under(tx, consent_key(party), head.size, Revocation)
        reader.need(_keys_of_grants)
        for withdrawal in withdrawals:
            reader.need(partial(keys_for_statement, withdrawal.said))
        facts = reader.facts
    if party not in facts.parties or not sees_party(viewer, party, facts):
        raise NotFoundError(f"party `{party}` is not recorded", code="party_unknown")
    given = [g for g in facts.grant_by_id.values() if party in (g.party, g.issuer) and sees_grant(viewer, g, facts)]
    return ConsentAnswer(
        party=party,
        recorded_at=format_time(head.recorded_at),
        given=len(given),
        last_given=max((grant.entry for grant in given), default=None),
        grants=[_grant(grant, facts) for grant in given if grant.party == party],
        withdrawals=[
            _withdrawal(w) for w in withdrawals if w.said.party == party and sees_statement(viewer, w.said, facts)
        ],
    )


def _keys_of_grants(facts: Facts) -> set[bytes]:
    """Return the index keys of what says to whom the grants were made."""
    grants = facts.grant_by_id.values()
    keys = {template_key(grant.template) for grant in grants}
    return keys | {project_key(grant.project) for grant in grants if grant.project is not None}


def _grant(grant: GrantRecord, facts: Facts) -> GrantItem:
    template = facts.templates[grant.template].document
    pauses = facts.suspensions.get(grant.id, [])
    return GrantItem(
        id=grant.id,
        entry=grant.entry,
        template=f"{template.id}/{template.version}",
        permits=[p.rule for p in grant.terms.permissions if p.rule is not None],
        forbids=[p.rule for p in grant.terms.prohibitions if p.rule is not None],
        project=grant.project,
        assets=None if grant.assets is None else sorted(grant.assets),
        starts=format_time(grant.starts),
        ends=None if grant.ends is None else format_time(grant.ends),
        paused=bool(pauses) and pauses[-1].status == "suspended",
    )


def _withdrawal(recorded: Recorded[Revocation]) -> WithdrawalItem:
    said = recorded.said
    effective = recorded.recorded_at
    if said.effective_at is not UNSET:
        effective = max(effective, micros(said.effective_at))
    return WithdrawalItem(
        id=recorded.id,
        entry=recorded.entry,
        effective=format_time(effective),
        grants=None if said.grants is UNSET else sorted(set(said.grants)),
        assets=None if said.assets is UNSET else sorted(set(said.assets)),
        uses=None if said.uses is UNSET else said.uses,
    )
