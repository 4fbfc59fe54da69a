"""Registration: which key may say what, when. A new reason to refuse a statement is one more `if` here.

`admit` sees the statement, the keys that signed it and the facts before it, and raises or returns. The writer asks it
before recording, and an auditor asks it again for every entry.
"""

from collections.abc import Iterable

from msgspec import UNSET

from consent_ledger.errors import ConflictError, ForbiddenError, Problem, RefusedError
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.facts import Facts, KeyRecord, PartyRecord, Registered
from consent_ledger.licenses.signed import Signers
from consent_ledger.licenses.terms import TemplateDocument, resolve_terms, template_digest
from consent_ledger.signing.keys import enrol_public_key


def refuse(code: str, detail: str, pointer: str = "") -> RefusedError:
    """Return the refusal of one field."""
    return RefusedError(detail, code=code, problems=(Problem(pointer, code, detail),))


def admit(facts: Facts, statement: st.Statement, signers: Signers, where: Registered) -> Registered:
    """Return where the statement is recorded, with its trusted time; raise RefusedError, ForbiddenError or
    ConflictError when it may not be said, by these keys, now."""
    if isinstance(statement, st.Genesis):
        _admit_genesis(facts, statement, signers)
        return where
    if facts.origin is None:
        raise refuse("genesis_missing", "the ledger has no genesis entry yet")
    if statement.ledger != facts.origin:
        detail = f"statement is meant for ledger `{statement.ledger}`, this is `{facts.origin}`"
        raise refuse("wrong_ledger", detail, "/ledger")
    where = where._replace(trusted_at=_trusted_time(facts, signers))
    match statement:
        case st.Grant():
            _admit_grant(facts, statement, signers, where)
        case st.Asset():
            _admit_asset(facts, statement, signers, where)
        case st.Party():
            _admit_party(facts, statement, signers, where)
        case st.Revocation():
            _admit_revocation(facts, statement, signers, where)
        case st.Key():
            _admit_key(facts, statement, signers, where)
        case st.Template():
            _admit_template(facts, statement, signers, where)
        case st.Project():
            _admit_project(facts, statement, signers, where)
        case st.Suspension():
            _admit_suspension(facts, statement, signers, where)
        case st.Fulfilment():
            _admit_fulfilment(facts, statement, signers, where)
        case st.Dispute():
            _admit_dispute(facts, statement, signers, where)
        case st.Takedown():
            _admit_takedown(facts, statement, signers, where)
        case st.Release():
            _admit_release(facts, statement, signers, where)
        case st.Acknowledgement():
            _signed_by(facts, statement.issuer, signers, where)
        case st.Erasure():
            _admit_erasure(facts, statement, signers, where)
        case st.State():
            raise refuse("reserved", "statements of type `state` are reserved and cannot be recorded yet", "/type")
    return where


# Who signed ----------------------------------------------------------------------------------------------------------


def _party(facts: Facts, party: str, pointer: str = "/issuer") -> PartyRecord:
    record = facts.parties.get(party)
    if record is None:
        raise refuse("party_unknown", f"party `{party}` is not enrolled in this ledger", pointer)
    return record


def key_is_valid(record: PartyRecord, key: KeyRecord, at: int) -> bool:
    """Whether the key may speak for the party at an instant: not retired, and not compromised by then."""
    return not any(e.keyid == key.keyid and (e.action == "retired" or at >= e.since) for e in record.key_events)


def _valid_keys(record: PartyRecord, signers: Signers, at: int) -> list[KeyRecord]:
    return [k for k in record.keys if k.keyid in signers.keyids and key_is_valid(record, k, at)]


def _signed_by(facts: Facts, party: str, signers: Signers, where: Registered, *, code: str = "signer_unknown") -> None:
    """Raise unless a key of `party` that is valid now, or was at the trusted time, signed."""
    record = _party(facts, party)
    if _valid_keys(record, signers, where.signed_at):
        return
    if any(k.keyid in signers.keyids for k in record.keys):
        raise ForbiddenError(f"the key that signed for `{party}` was retired or compromised", code="key_not_valid")
    raise ForbiddenError(f"no key of `{party}` signed this, want a signature by one of its own keys", code=code)


def _organisation(facts: Facts, party: str, pointer: str = "/issuer") -> None:
    if _party(facts, party, pointer).kind != "organisation":
        raise refuse("not_an_organisation", f"`{party}` is not an organisation", pointer)


def _trusted_time(facts: Facts, signers: Signers) -> int | None:
    if signers.time_keyid is None:
        return None
    source = facts.parties.get(facts.key_owners.get(signers.time_keyid, ""))
    if source is None or source.kind != "time_source":
        raise ForbiddenError(
            f"`{signers.time_keyid}` is not the key of a trusted time source", code="time_source_unknown"
        )
    return signers.time


# Who exists ----------------------------------------------------------------------------------------------------------


def _admit_genesis(facts: Facts, statement: st.Genesis, signers: Signers) -> None:
    if facts.origin is not None or facts.size:
        raise ConflictError("the ledger has its genesis entry already", code="genesis_exists")
    if statement.operator_key.scheme != "ed25519":
        raise refuse("key_scheme", "the operator's key is Ed25519", "/operator_key/scheme")
    if st.keyid_of(statement.operator_key) not in signers.keyids:
        raise ForbiddenError("genesis is signed by the operator key that it names", code="signer_unknown")


def _admit_party(facts: Facts, statement: st.Party, signers: Signers, where: Registered) -> None:
    issuer = _party(facts, statement.issuer)
    _signed_by(facts, statement.issuer, signers, where)
    if issuer.kind not in ("organisation", "ledger"):
        raise ForbiddenError("a party is enrolled by an organisation or by the ledger", code="issuer_not_allowed")
    if statement.kind != "person" and issuer.kind != "ledger":
        raise ForbiddenError(f"a party of kind `{statement.kind}` is enrolled by the ledger", code="issuer_not_allowed")
    if statement.kind != "person" and (statement.age is not UNSET or statement.deceased_at is not UNSET):
        raise refuse("age_misplaced", "only a person has an age or a death", "/kind")
    known = facts.parties.get(statement.party)
    if known is not None:
        if issuer.kind != "ledger" and known.issuer != statement.issuer:
            raise ForbiddenError(f"`{statement.party}` was enrolled by another organisation", code="issuer_not_allowed")
        if statement.deceased_at is UNSET or statement.kind != known.kind or statement.key is not UNSET:
            raise ConflictError(f"party `{statement.party}` is enrolled already", code="party_exists")
        return
    if statement.kind == "person" and statement.age is UNSET:
        raise refuse("age_missing", "a person is `adult`, `minor` with a day of majority, or `unknown`", "/age")
    if (statement.age == "minor") != (statement.majority is not UNSET):
        raise refuse("majority_missing", "a day of majority goes with age `minor`, and only with it", "/majority")
    if statement.key is not UNSET:
        _new_key(facts, statement.key)


def _new_key(facts: Facts, key: st.KeyMaterial) -> None:
    if key.scheme != "ed25519":
        raise refuse(
            "key_scheme", f"keys of scheme `{key.scheme}` cannot be enrolled yet, want `ed25519`", "/key/scheme"
        )
    enrol_public_key(key.raw)
    if st.keyid_of(key) in facts.key_owners:
        raise ConflictError("this key is enrolled already", code="key_exists")


def _admit_key(facts: Facts, statement: st.Key, signers: Signers, where: Registered) -> None:
    record = _party(facts, statement.party, "/party")
    by_ledger = statement.issuer == facts.operator
    if statement.issuer != statement.party and not by_ledger:
        raise ForbiddenError(
            "a key is added, retired or reported by its own party or by the ledger", code="issuer_not_allowed"
        )
    if (statement.action == "added") != (statement.key is not UNSET) or (statement.action == "added") == (
        statement.keyid is not UNSET
    ):
        raise refuse("key_missing", "`added` has `key`, `retired` and `compromised` have `keyid`", "/action")
    if (statement.action == "compromised") != (statement.since is not UNSET):
        raise refuse("since_missing", "`since` goes with `compromised`, and only with it", "/since")
    if statement.key is not UNSET:
        if by_ledger and record.kind != "ledger":
            raise ForbiddenError("only the party itself adds a key", code="issuer_not_allowed")
        _signed_by(facts, statement.issuer, signers, where)
        _new_key(facts, statement.key)
        if st.keyid_of(statement.key) not in signers.keyids:
            raise ForbiddenError("a new key signs its own addition too", code="possession_not_proved")
        return
    if statement.keyid not in {k.keyid for k in record.keys}:
        raise refuse("key_unknown", f"`{statement.party}` has no key `{statement.keyid}`", "/keyid")
    _stopped_by(facts, statement.issuer, signers)


def _stopped_by(facts: Facts, party: str, signers: Signers) -> None:
    """Raise unless any key that the party ever had signed: stopping is the safe direction."""
    if not any(k.keyid in signers.keyids for k in _party(facts, party).keys):
        raise ForbiddenError(
            f"no key of `{party}` signed this, want a signature by one of its own keys", code="signer_unknown"
        )


# What is offered -----------------------------------------------------------------------------------------------------


def _admit_template(facts: Facts, statement: st.Template, signers: Signers, where: Registered) -> None:
    _organisation(facts, statement.issuer)
    _signed_by(facts, statement.issuer, signers, where)
    ref, document = statement.template, statement.document
    if (statement.action == "published") != (document is not UNSET):
        raise refuse("document_missing", "`published` has the document, and only it", "/document")
    if document is UNSET:
        known = facts.templates.get(ref.digest)
        if known is None or known.issuer != statement.issuer:
            raise refuse("template_unknown", f"`{statement.issuer}` has not published `{ref.digest}`", "/template")
        return
    if (document.id, document.version, document.publisher) != (ref.id, ref.version, statement.issuer):
        raise refuse("template_mismatch", "document and reference name one id, version and publisher", "/document")
    if template_digest(document) != ref.digest:
        raise refuse("digest_mismatch", f"the document's digest is `{template_digest(document)}`", "/template/digest")
    if (statement.issuer + "/" + ref.id, ref.version) in facts.template_versions:
        raise ConflictError(
            f"`{ref.id}` {ref.version} is published already, and a version never changes", code="template_exists"
        )
    _check_document(document)


def _check_document(document: TemplateDocument) -> None:
    seen: set[str] = set()
    for n, rule in enumerate(document.rules):
        pointer = f"/document/rules/{n}"
        if (rule.permission is UNSET) == (rule.prohibition is UNSET):
            raise refuse("rule_ambiguous", f"rule `{rule.id}` is one permission or one prohibition", pointer)
        inner = rule.prohibition if rule.permission is UNSET else rule.permission
        if inner is not UNSET and inner.rule not in (UNSET, rule.id):
            raise refuse("rule_mismatch", f"what rule `{rule.id}` creates names another rule", pointer)
        if rule.id in seen:
            raise refuse("rule_repeated", f"rule `{rule.id}` stands twice", pointer)
        seen.add(rule.id)
    if not document.languages:
        raise refuse("language_missing", "a template has at least one language", "/document/languages")


def _admit_project(facts: Facts, statement: st.Project, signers: Signers, where: Registered) -> None:
    _organisation(facts, statement.issuer)
    _signed_by(facts, statement.issuer, signers, where)
    if statement.controller != statement.issuer:
        raise refuse("controller_mismatch", "a project is recorded by its controller", "/controller")
    known = facts.projects.get(statement.project)
    if known and known[-1].controller != statement.controller:
        raise ConflictError(f"project `{statement.project}` belongs to another organisation", code="project_exists")
    for n, ref in enumerate(statement.templates):
        template = facts.templates.get(ref.digest)
        if template is None or (template.document.id, template.document.version) != (ref.id, ref.version):
            raise refuse("template_unknown", f"template `{ref.id}` {ref.version} is not published", f"/templates/{n}")


# What there is -------------------------------------------------------------------------------------------------------


def _admit_asset(facts: Facts, statement: st.Asset, signers: Signers, where: Registered) -> None:
    issuer = _party(facts, statement.issuer)
    _signed_by(facts, statement.issuer, signers, where)
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
    for field in ("owners", "subjects", "organisations"):
        named = getattr(medium, field)
        if named is UNSET:
            continue
        if len(set(named)) != len(named):
            yield Problem(f"{at}/{field}", "party_repeated", f"`{field}` names a party once")
        for party in named:
            known = facts.parties.get(party)
            if known is None and party != st.UNIDENTIFIED:
                yield Problem(f"{at}/{field}", "party_unknown", f"party `{party}` is not enrolled in this ledger")
            elif known is not None and field == "organisations" and known.kind != "organisation":
                yield Problem(f"{at}/{field}", "not_an_organisation", f"`{party}` is not an organisation")
            elif known is not None and field == "subjects" and known.kind != "person":
                yield Problem(f"{at}/{field}", "not_a_person", f"`{party}` is not a person")


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


def _admit_fulfilment(facts: Facts, statement: st.Fulfilment, signers: Signers, where: Registered) -> None:
    _organisation(facts, statement.issuer)
    _signed_by(facts, statement.issuer, signers, where)
    for n, id_ in enumerate(() if statement.grants is UNSET else statement.grants):
        grant = facts.grant_by_id.get(id_)
        if grant is None or facts.templates[grant.template].issuer != statement.issuer:
            raise refuse("grant_unknown", f"`{id_}` is not a grant to `{statement.issuer}`", f"/grants/{n}")
    if statement.condition == "accepted" and statement.status == "unmet" and statement.reason is UNSET:
        raise refuse("reason_missing", "a rejection says why, want a `reason` code", "/reason")
    if statement.payment_reference is not UNSET and statement.condition != "paid":
        raise refuse("payment_misplaced", "a payment reference goes with condition `paid`", "/payment_reference")


def _admit_dispute(facts: Facts, statement: st.Dispute, signers: Signers, where: Registered) -> None:
    _by_operator(facts, statement.issuer, signers, where)
    if statement.upheld is not UNSET:
        if statement.status != "resolved":
            raise refuse("upheld_misplaced", "`upheld` goes with a resolved dispute", "/upheld")
        for asset in statement.assets:
            if statement.upheld not in {c.statement for c in facts.assets.get(asset, ())}:
                raise refuse("registration_unknown", f"`{statement.upheld}` does not register `{asset}`", "/upheld")


def _admit_takedown(facts: Facts, statement: st.Takedown, signers: Signers, where: Registered) -> None:
    if statement.issuer != facts.operator:
        _organisation(facts, statement.issuer)
    _signed_by(facts, statement.issuer, signers, where)


def _by_operator(facts: Facts, issuer: str, signers: Signers, where: Registered) -> None:
    if issuer != facts.operator:
        raise ForbiddenError("only the ledger's operator may say this", code="issuer_not_allowed")
    _signed_by(facts, issuer, signers, where)


def _admit_release(facts: Facts, statement: st.Release, signers: Signers, where: Registered) -> None:
    _organisation(facts, statement.issuer)
    _signed_by(facts, statement.issuer, signers, where)
    if statement.size > where.entry:
        raise refuse("size_unknown", f"the ledger has {where.entry} entries, not {statement.size}", "/size")


def _admit_erasure(facts: Facts, statement: st.Erasure, signers: Signers, where: Registered) -> None:
    _by_operator(facts, statement.issuer, signers, where)
    _party(facts, statement.party, "/party")
    if statement.entries != sorted(set(statement.entries)) or any(n >= where.entry for n in statement.entries):
        raise refuse("entries_invalid", "`entries` are earlier entries, ascending, each once", "/entries")
    if (statement.level == "identity") != (not statement.entries):
        raise refuse("entries_invalid", "`entries` goes with level `statements`, and only with it", "/entries")


# What is permitted ---------------------------------------------------------------------------------------------------


def _admit_grant(facts: Facts, statement: st.Grant, signers: Signers, where: Registered) -> None:
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
        _signed_by(facts, statement.issuer, signers, where, code="signer_must_be_grantor")
        return
    _party(facts, statement.issuer)
    if statement.evidence is UNSET:
        raise refuse(
            "evidence_missing", f"assurance `{statement.assurance}` needs a commitment to its evidence", "/evidence"
        )
    if statement.assurance == "witnessed":
        _signed_by(facts, facts.operator or "", signers, where)
        return
    template = facts.templates.get(statement.template.digest)
    _signed_by(facts, statement.issuer if template is None else template.issuer, signers, where)


def _check_capacities(facts: Facts, statement: st.Grant, where: Registered) -> None:
    capacities = set(statement.capacities)
    grantor = _party(facts, statement.issuer)
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
        ward = _party(facts, statement.ward, "/ward")
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


def _admit_revocation(facts: Facts, statement: st.Revocation, signers: Signers, where: Registered) -> None:
    """A withdrawal needs only authentication: any key that its issuer ever had."""
    _party(facts, statement.party, "/party")
    _stopped_by(facts, statement.issuer, signers)
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


def _admit_suspension(facts: Facts, statement: st.Suspension, signers: Signers, where: Registered) -> None:
    if statement.action == "suspended":
        _stopped_by(facts, statement.issuer, signers)
    else:
        _signed_by(facts, statement.issuer, signers, where)
    for n, id_ in enumerate(statement.grants):
        grant = facts.grant_by_id.get(id_)
        if grant is None or statement.issuer not in (grant.issuer, grant.party):
            raise refuse("grant_unknown", f"`{id_}` is not a grant of `{statement.issuer}`", f"/grants/{n}")
