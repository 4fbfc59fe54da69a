"""Index keys: what an entry touches, and what a question needs (formats.md, section 8).

The index maps a key to the entries that touch it. A statement is admitted, and an asset decided, on the entries under
the keys that it needs and on nothing else, so that one day a compact proof can show that none was left out.
`for_admission_further` and `for_decision` are asked again after each load, until they name nothing new.
"""

from collections.abc import Iterable

from msgspec import UNSET

from consent_ledger.licenses import statements as st
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.signed import Signers


def statement_key(id_: str) -> bytes:
    """The index key under which a statement itself is found."""
    return b"s" + bytes.fromhex(id_[7:])


def asset_key(hash_: str) -> bytes:
    """The index key of what is recorded about an asset: registrations, disputes, takedowns, fulfilments."""
    return b"a" + bytes.fromhex(hash_[7:])


def party_key(party: str) -> bytes:
    """The index key of who a party is: enrolment, keys, death."""
    return b"p" + bytes.fromhex(party[4:])


def keyid_key(keyid: str) -> bytes:
    """The index key of the entry that enrolled a key."""
    return b"k" + bytes.fromhex(keyid[7:])


def consent_key(party: str) -> bytes:
    """The index key of what a party granted, withdrew or suspended, or had granted for it."""
    return b"c" + bytes.fromhex(party[4:])


def template_key(digest: str) -> bytes:
    """The index key of a template version: its publication and what became of it."""
    return b"t" + bytes.fromhex(digest[7:])


def template_name_key(publisher: str, id_: str, version: str) -> bytes:
    """The index key that makes a publisher's template versions unique."""
    return b"n" + bytes.fromhex(publisher[4:]) + f"{id_}/{version}".encode()


def project_key(project: str) -> bytes:
    """The index key of a project."""
    return b"j" + project.encode()


def erasure_key(entry: int) -> bytes:
    """The index key of the erasure of an entry's opening."""
    return b"e" + entry.to_bytes(8)


def erased_key(party: str) -> bytes:
    """The index key of the erasures of a party's statements, which bear on questions about any size."""
    return b"x" + bytes.fromhex(party[4:])


GENESIS_KEY = b"g"


def touched_keys(id_: str, statement: st.Statement, facts: Facts) -> list[bytes]:
    """Return the index keys of an entry, given the facts that it was admitted on."""
    keys = [statement_key(id_)]
    match statement:
        case st.Asset():
            keys += dict.fromkeys(asset_key(m.hash) for m in statement.media)
        case st.Grant():
            keys += {consent_key(p) for p in (statement.issuer, statement.ward) if p is not UNSET}
        case st.Revocation():
            keys.append(consent_key(statement.party))
        case st.Suspension():
            named = [facts.grant_by_id[g] for g in statement.grants if g in facts.grant_by_id]  # unless erased
            keys += sorted({consent_key(grant.party) for grant in named})
        case st.Genesis():
            keys += [GENESIS_KEY, party_key(statement.issuer), keyid_key(st.keyid_of(statement.operator_key))]
        case st.Key() if statement.log_key is not UNSET:
            keys.append(GENESIS_KEY)
        case st.Party() | st.Key():
            keys.append(party_key(statement.party))
            if statement.key is not UNSET:
                keys.append(keyid_key(st.keyid_of(statement.key)))
        case st.Template():
            ref = statement.template
            keys.append(template_key(ref.digest))
            if statement.document is not UNSET:
                keys.append(template_name_key(statement.issuer, ref.id, ref.version))
        case st.Project():
            keys.append(project_key(statement.project))
        case st.Fulfilment() | st.Dispute() | st.Takedown():
            keys += dict.fromkeys(asset_key(a) for a in statement.assets)
        case st.Erasure():
            keys += [erasure_key(entry) for entry in statement.entries]
            if statement.level == "statements":
                keys += [consent_key(statement.party), party_key(statement.party), erased_key(statement.party)]
        case _:
            pass
    return keys


def for_admission(statement: st.Statement, signers: Signers) -> set[bytes]:
    """Return the index keys that registration reads for the statement, whatever the facts are."""
    keys = {GENESIS_KEY}
    if signers.time_keyid is not None:
        keys.add(keyid_key(signers.time_keyid))
    if len(signers.keyids) > 1:  # a lone signature is by a party that is read anyway, or by none that may
        keys |= {keyid_key(keyid) for keyid in signers.keyids}
    if not isinstance(statement, st.Genesis):
        keys.add(party_key(statement.issuer))
    match statement:
        case st.Grant():
            keys.add(template_key(statement.template.digest))
            if statement.ward is not UNSET:
                keys.add(party_key(statement.ward))
            if statement.scope.project is not UNSET:
                keys.add(project_key(statement.scope.project))
            if statement.supersedes is not UNSET:
                keys |= {statement_key(s) for s in statement.supersedes}
        case st.Asset():
            keys.add(project_key(statement.project))
            keys |= {asset_key(m.hash) for m in statement.media}
            keys |= {party_key(p) for p in _parties_of(statement.media)}
        case st.Party() | st.Key():
            keys.add(party_key(statement.party))
            if statement.key is not UNSET:
                keys.add(keyid_key(st.keyid_of(statement.key)))
        case st.Template():
            ref = statement.template
            keys |= {template_key(ref.digest), template_name_key(statement.issuer, ref.id, ref.version)}
        case st.Project():
            keys.add(project_key(statement.project))
            keys |= {template_key(t.digest) for t in statement.templates}
        case st.Revocation():
            keys |= {party_key(statement.party), consent_key(statement.party)}
        case st.Suspension():
            keys |= {statement_key(s) for s in statement.grants}
        case st.Fulfilment():
            keys |= {statement_key(s) for s in (() if statement.grants is UNSET else statement.grants)}
        case st.Dispute():
            keys |= {asset_key(a) for a in statement.assets}
        case st.Erasure():
            keys |= {party_key(statement.party), consent_key(statement.party)}
        case _:
            pass
    return keys


def _parties_of(media: list[st.Medium]) -> set[str]:
    parties: set[str] = set()
    for medium in media:
        for field in (medium.owners, medium.subjects, medium.organisations):
            if field is not UNSET:
                parties.update(field)
    parties.discard(st.UNIDENTIFIED)
    return parties


def for_admission_further(statement: st.Statement, facts: Facts) -> set[bytes]:
    """Return the index keys that registration reads besides, as far as what is loaded lets them be known."""
    match statement:
        case st.Grant() if statement.assurance == "attested":
            template = facts.templates.get(statement.template.digest)
            return set() if template is None else {party_key(template.issuer)}
        case st.Asset():
            derived = [d.asset for m in statement.media if m.derived_from is not UNSET for d in m.derived_from]
            return _ancestor_keys(derived, facts) if derived else set()
        case st.Fulfilment() if statement.grants is not UNSET:
            known = [facts.grant_by_id[g] for g in statement.grants if g in facts.grant_by_id]
            return {template_key(grant.template) for grant in known}
        case _:
            return set()


def _ancestor_keys(assets: Iterable[str], facts: Facts) -> set[bytes]:
    """Return the keys of the assets and of everything that they were made from."""
    found: set[str] = set()
    pending = list(assets)
    while pending:
        asset = pending.pop()
        if asset not in found:
            found.add(asset)
            pending += [parent.asset for claim in facts.assets.get(asset, ()) for parent in claim.parents]
    return {asset_key(asset) for asset in found}


def for_decision(assets: Iterable[str], facts: Facts) -> set[bytes]:
    """Return the index keys of all that a decision about the assets reads, as far as `facts` lets them be known."""
    keys = {GENESIS_KEY, *_ancestor_keys(assets, facts)}
    parties: set[str] = set()
    for key in list(keys - {GENESIS_KEY}):
        for claim in facts.assets.get("sha256:" + key[1:].hex(), ()):
            parties.update(claim.owners, claim.subjects or (), claim.organisations)
            keys.add(project_key(claim.project))
    parties.discard(st.UNIDENTIFIED)
    for party in list(parties):
        for grant in facts.grants.get(party, ()):
            keys.add(template_key(grant.template))
            parties.add(grant.issuer)
            if grant.project is not None:
                keys.add(project_key(grant.project))
            if (template := facts.templates.get(grant.template)) is not None:
                keys.add(party_key(template.issuer))
    for party in parties:
        keys |= {party_key(party), consent_key(party)}
    return keys


def for_explanation(assets: Iterable[str], facts: Facts) -> set[bytes]:
    """Return the index keys of a decision, and of the template versions that the assets' projects offer."""
    keys = for_decision(assets, facts)
    for records in facts.projects.values():
        keys |= {template_key(digest) for digest in max(records, key=lambda r: r.entry).templates}
    return keys
