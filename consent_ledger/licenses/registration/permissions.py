"""Registration of grants, withdrawals and pauses: what is permitted."""

from msgspec import UNSET

from consent_ledger.errors import ForbiddenError
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.records import Registered
from consent_ledger.licenses.registration.signers import (
    party_of,
    refuse,
    signed_by,
    stopped_by,
)
from consent_ledger.licenses.signed import Signers
from consent_ledger.licenses.terms import resolve_terms


def admit_grant(facts: Facts, statement: st.Grant, signers: Signers, where: Registered) -> None:
    _grantor_signed(facts, statement, signers, where)
    _check_capacities(facts, statement, where)
    template = facts.templates.get(statement.template.digest)
    ref = statement.template
    if template is None or (template.document.id, template.document.version) != (ref.id, ref.version):
        raise refuse("template_unknown", f"template `{ref.id}` {ref.version} is not published", "/template")
    if any(e.status == "invalidated" and e.effective <= where.recorded_at for e in template.events):
        raise refuse("template_invalidated", f"template `{ref.id}` {ref.version} was invalidated", "/template")
    digests = template.document.languages.get(statement.language)
    if digests is None:
        raise refuse("language_unknown", f"the template has no text in `{statement.language}`", "/language")
    if statement.text_digest != digests.text:
        raise refuse("text_mismatch", "the text shown is not the text of this template and language", "/text_digest")
    for n, capacity in enumerate(statement.capacities):
        if capacity not in template.document.capacities:
            detail = f"this template is not for `{capacity}`, want {', '.join(template.document.capacities)}"
            raise refuse("capacity_not_offered", detail, f"/capacities/{n}")
    if statement.terms != resolve_terms(template.document, statement.choices):
        raise refuse("terms_mismatch", "`terms` are not what this template and these choices produce", "/terms")
    _check_scope(facts, statement)
    if statement.ends is not UNSET and statement.ends <= statement.starts:
        raise refuse("invalid_interval", "a grant ends after it starts", "/ends")
    party = statement.issuer if statement.ward is UNSET else statement.ward
    for n, id_ in enumerate(() if statement.supersedes is UNSET else statement.supersedes):
        earlier = facts.grant_by_id.get(id_)
        if earlier is None or earlier.party != party:
            raise refuse("grant_unknown", f"`{id_}` is not an earlier grant of `{party}`", f"/supersedes/{n}")


def _grantor_signed(facts: Facts, statement: st.Grant, signers: Signers, where: Registered) -> None:
    """Raise unless the right party signed: the grantor herself, the ledger as witness, or the organisation that
    enters a record from paper. A witness and a record need a commitment to their evidence."""
    if statement.assurance in ("own_key", "passkey"):
        if statement.assurance == "passkey":
            raise refuse("assurance_unsupported", "passkeys cannot sign yet, want `own_key`", "/assurance")
        signed_by(facts, statement.issuer, signers, where, code="signer_must_be_grantor")
        return
    party_of(facts, statement.issuer)
    if statement.evidence is UNSET:
        raise refuse(
            "evidence_missing", f"assurance `{statement.assurance}` needs a commitment to its evidence", "/evidence"
        )
    if statement.assurance == "witnessed":
        signed_by(facts, facts.operator or "", signers, where)
        return
    template = facts.templates.get(statement.template.digest)
    signed_by(facts, statement.issuer if template is None else template.issuer, signers, where)


def _check_capacities(facts: Facts, statement: st.Grant, where: Registered) -> None:
    capacities = set(statement.capacities)
    grantor = party_of(facts, statement.issuer)
    if len(capacities) != len(statement.capacities):
        raise refuse("capacity_repeated", "`capacities` names each capacity once", "/capacities")
    if ("guardian" in capacities) != (statement.ward is not UNSET) or (
        "guardian" in capacities and len(capacities) > 1
    ):
        raise refuse("ward_missing", "`guardian` stands alone and goes with a `ward`", "/ward")
    if "organisation" in capacities and grantor.kind != "organisation":
        raise refuse("not_an_organisation", f"`{statement.issuer}` is not an organisation", "/capacities")
    if capacities & {"subject", "guardian"} and grantor.kind != "person":
        raise refuse("not_a_person", "a person is seen or heard, and a person is a guardian", "/capacities")
    signed_at = where.signed_at
    if statement.ward is not UNSET:
        ward = party_of(facts, statement.ward, "/ward")
        if statement.ward == statement.issuer or ward.majority is None or signed_at >= ward.majority:
            raise refuse("guardian_authority_invalid", f"`{statement.ward}` is not a minor now", "/ward")
    elif grantor.majority is not None and signed_at < grantor.majority:
        raise refuse(
            "guardian_consent_required", f"`{statement.issuer}` is a minor, want a guardian's grant", "/issuer"
        )


def _check_scope(facts: Facts, statement: st.Grant) -> None:
    scope = statement.scope
    if (scope.assets is UNSET) == (scope.project is UNSET):
        raise refuse("scope_ambiguous", "a scope is either `assets` or a `project`", "/scope")
    if scope.project is UNSET:
        if scope.from_ is not UNSET or scope.until is not UNSET:
            raise refuse("scope_ambiguous", "`from` and `until` go with a `project`", "/scope")
        return
    project = facts.projects.get(scope.project)
    if not project:
        raise refuse("project_unknown", f"project `{scope.project}` is not recorded", "/scope/project")
    if statement.template.digest not in project[-1].templates:
        detail = f"project `{scope.project}` does not offer `{statement.template.id}` {statement.template.version}"
        raise refuse("template_not_offered", detail, "/template")


def admit_revocation(facts: Facts, statement: st.Revocation, signers: Signers, where: Registered) -> None:
    """A withdrawal needs only authentication: any key that its issuer ever had."""
    party_of(facts, statement.party, "/party")
    stopped_by(facts, statement.issuer, signers)
    if statement.issuer not in (statement.party, facts.operator):
        wards = facts.grants.get(statement.party, ())
        if not any(g.issuer == statement.issuer for g in wards):
            raise ForbiddenError(
                f"`{statement.issuer}` may not withdraw for `{statement.party}`", code="signer_must_be_grantor"
            )
    for n, id_ in enumerate(() if statement.grants is UNSET else statement.grants):
        grant = facts.grant_by_id.get(id_)
        if grant is None or statement.party not in (grant.issuer, grant.party):
            raise refuse("grant_unknown", f"`{id_}` is not a grant of `{statement.party}`", f"/grants/{n}")


def admit_suspension(facts: Facts, statement: st.Suspension, signers: Signers, where: Registered) -> None:
    if statement.action == "suspended":
        stopped_by(facts, statement.issuer, signers)
    else:
        signed_by(facts, statement.issuer, signers, where)
    for n, id_ in enumerate(statement.grants):
        grant = facts.grant_by_id.get(id_)
        if grant is None or statement.issuer not in (grant.issuer, grant.party):
            raise refuse("grant_unknown", f"`{id_}` is not a grant of `{statement.issuer}`", f"/grants/{n}")
