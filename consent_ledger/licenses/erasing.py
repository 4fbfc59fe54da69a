"""Which statements are a party's own, so that they may be erased, and all of them together (decision 9).

What is erased is forgotten by every verdict, so only that may be erased whose loss makes none of them looser. A person
whose statements were erased is taken to have withdrawn everything; for everybody else nothing may be lost that binds
them. So what she said as a guardian stays, as it is her ward's; so does a withdrawal or a pause that reaches a grant
which stays, and so do her keys while one of them signed such a grant. What is about assets is not hers alone.
"""

from collections import defaultdict
from collections.abc import Collection

from consent_ledger.errors import ConflictError, NotFoundError, RefusedError
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.records import GrantRecord, RevocationRecord
from consent_ledger.licenses.statements import Erasure


def statements_of(facts: Facts, party: str) -> set[int]:
    """Return the entries of the party's own statements: grants by or for it, withdrawals, pauses, enrolment and keys.

    Exact where `facts` are all there are; else it may name the enrolment of one whose key signed for another.
    """
    own = {grant.id: grant for grant in facts.grants.get(party, ())}
    stays = [g for grants in facts.grants.values() for g in grants if g.id not in own]
    given = [g for g in stays if g.issuer == party]
    entries = {grant.entry for grant in own.values()}
    entries |= {r.entry for r in facts.revocations.get(party, ()) if not any(_reaches(r, grant) for grant in given)}
    entries |= _pauses(facts, own)
    record = facts.parties.get(party)
    keyids = set() if record is None else {key.keyid for key in record.keys}
    if record is not None and not any(grant.keyids & keyids for grant in stays):
        entries |= {record.entry, *(key.entry for key in record.keys), *(event.entry for event in record.key_events)}
        entries |= {entry for entry, _ in record.deaths}
    return entries


def _reaches(revocation: RevocationRecord, grant: GrantRecord) -> bool:
    return grant.entry < revocation.entry and (revocation.grants is None or grant.id in revocation.grants)


def _pauses(facts: Facts, own: Collection[str]) -> set[int]:
    """Return the pauses, and ends of pauses, of none but the party's own grants."""
    named: defaultdict[int, set[str]] = defaultdict(set)
    for grant, events in facts.suspensions.items():
        for event in events:
            named[event.entry].add(grant)
    return {entry for entry, grants in named.items() if grants <= set(own)}


def check_erasable(facts: Facts, party: str) -> None:
    """Raise unless the party is a person whose statements are here: NotFoundError, RefusedError, ConflictError."""
    record = facts.parties.get(party)
    if party in facts.erased_parties and not statements_of(facts, party):
        raise ConflictError(f"the statements of `{party}` are erased already", code="party_erased")
    if record is None and party not in facts.erased_parties:
        raise NotFoundError(f"party `{party}` is not enrolled in this ledger", code="party_unknown")
    if record is not None and record.kind != "person":
        raise RefusedError("only a person's statements are erased: on others people rest", code="not_a_person")


def check_erasure(facts: Facts, statement: Erasure) -> None:
    """Raise unless what is to be erased is the party's own.

    For who records it: an auditor, to whom nobody shows what was erased, cannot ask this again.
    """
    if statement.level == "statements":
        check_erasable(facts, statement.party)
        foreign = set(statement.entries) - statements_of(facts, statement.party) - facts.erased.keys()
        if foreign:
            detail = f"entry {min(foreign)} is not a statement of `{statement.party}` that may be erased"
            raise RefusedError(detail, code="entries_not_theirs")
