"""Registration of assets and of what becomes of them: fulfilments, disputes, takedowns."""

from collections.abc import Iterable

from msgspec import UNSET

from consent_ledger.errors import Problem, RefusedError
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.records import PartyRecord, Registered
from consent_ledger.licenses.registration.signers import (
    organisation_of,
    party_of,
    refuse,
    signed_by,
    signed_by_operator,
)
from consent_ledger.licenses.signed import Signers


def admit_asset(facts: Facts, statement: st.Asset, signers: Signers, where: Registered) -> None:
    issuer = party_of(facts, statement.issuer)
    signed_by(facts, statement.issuer, signers, where)
    if statement.project not in facts.projects:
        raise refuse("project_unknown", f"project `{statement.project}` is not recorded", "/project")
    made_here = {m.hash: m for m in statement.media}
    if len(made_here) != len(statement.media):
        raise refuse("asset_repeated", "one statement names an asset once", "/media")
    problems = [
        p for n, medium in enumerate(statement.media) for p in _check_medium(facts, issuer, statement, n, medium)
    ]
    if problems:
        raise RefusedError(problems[0].detail, code=problems[0].code, problems=tuple(problems))
    for n, medium in enumerate(statement.media):
        if medium.derived_from is not UNSET and medium.hash in _ancestors(facts, made_here, medium):
            raise refuse(
                "derivation_cycle", f"`{medium.hash}` would be derived from itself", f"/media/{n}/derived_from"
            )


_KINDS = {
    "owners": frozenset({"person", "organisation"}),
    "subjects": frozenset({"person"}),
    "organisations": frozenset({"organisation"}),
}
_WANTED = {
    "owners": ("not_an_owner", "a person or an organisation"),
    "subjects": ("not_a_person", "a person"),
    "organisations": ("not_an_organisation", "an organisation"),
}


def _check_medium(
    facts: Facts, issuer: PartyRecord, statement: st.Asset, n: int, medium: st.Medium
) -> Iterable[Problem]:
    at = f"/media/{n}"
    if (medium.subjects is UNSET) == (medium.subjects_unverified is UNSET):
        yield Problem(at, "subjects_missing", "a medium has either `subjects` or `subjects_unverified`")
    if not medium.owners and medium.derived_from is UNSET:
        yield Problem(f"{at}/owners", "owner_missing", "what is not derived from anything has an owner")
    if issuer.kind == "person" and statement.issuer not in medium.owners:
        yield Problem(f"{at}/owners", "not_the_owner", "a person registers only what she owns")
    named = ("owners", medium.owners), ("subjects", medium.subjects), ("organisations", medium.organisations)
    for field, parties in named:
        if parties is UNSET:
            continue
        if len(parties) > 1 and len(set(parties)) != len(parties):
            yield Problem(f"{at}/{field}", "party_repeated", f"`{field}` names a party once")
        for party in parties:
            known = facts.parties.get(party)
            if known is None and party != st.UNIDENTIFIED:
                yield Problem(f"{at}/{field}", "party_unknown", f"party `{party}` is not enrolled in this ledger")
            elif known is not None and known.kind not in _KINDS[field]:
                code, wanted = _WANTED[field]
                yield Problem(f"{at}/{field}", code, f"`{party}` is not {wanted}")


def _ancestors(facts: Facts, made_here: dict[str, st.Medium], medium: st.Medium) -> set[str]:
    """Return everything that a medium is made from, as far as is recorded or said in the same statement."""
    derived = medium.derived_from
    pending = [] if derived is UNSET else [d.asset for d in derived]
    found: set[str] = set()
    while pending:
        asset = pending.pop()
        if asset in found:
            continue
        found.add(asset)
        pending += [p.asset for claim in facts.assets.get(asset, ()) for p in claim.parents]
        here = made_here.get(asset)
        if here is not None and here.derived_from is not UNSET:
            pending += [d.asset for d in here.derived_from]
    return found


def admit_fulfilment(facts: Facts, statement: st.Fulfilment, signers: Signers, where: Registered) -> None:
    organisation_of(facts, statement.issuer)
    signed_by(facts, statement.issuer, signers, where)
    for n, id_ in enumerate(() if statement.grants is UNSET else statement.grants):
        grant = facts.grant_by_id.get(id_)
        if grant is None or facts.templates[grant.template].issuer != statement.issuer:
            raise refuse("grant_unknown", f"`{id_}` is not a grant to `{statement.issuer}`", f"/grants/{n}")
    if statement.condition == "accepted" and statement.status == "unmet" and statement.reason is UNSET:
        raise refuse("reason_missing", "a rejection says why, want a `reason` code", "/reason")
    if statement.payment_reference is not UNSET and statement.condition != "paid":
        raise refuse("payment_misplaced", "a payment reference goes with condition `paid`", "/payment_reference")


def admit_dispute(facts: Facts, statement: st.Dispute, signers: Signers, where: Registered) -> None:
    signed_by_operator(facts, statement.issuer, signers, where)
    if statement.upheld is not UNSET:
        if statement.status != "resolved":
            raise refuse("upheld_misplaced", "`upheld` goes with a resolved dispute", "/upheld")
        for asset in statement.assets:
            if statement.upheld not in {c.statement for c in facts.assets.get(asset, ())}:
                raise refuse("registration_unknown", f"`{statement.upheld}` does not register `{asset}`", "/upheld")


def admit_takedown(facts: Facts, statement: st.Takedown, signers: Signers, where: Registered) -> None:
    if statement.issuer != facts.operator:
        organisation_of(facts, statement.issuer)
    signed_by(facts, statement.issuer, signers, where)
