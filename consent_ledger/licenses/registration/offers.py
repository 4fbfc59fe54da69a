"""Registration of templates, projects and releases: what is offered, and what was exported."""

from msgspec import UNSET

from consent_ledger.errors import ConflictError
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.records import Registered
from consent_ledger.licenses.registration.signers import (
    organisation_of,
    refuse,
    signed_by,
)
from consent_ledger.licenses.signed import Signers
from consent_ledger.licenses.terms import TemplateDocument, template_digest


def admit_template(facts: Facts, statement: st.Template, signers: Signers, where: Registered) -> None:
    organisation_of(facts, statement.issuer)
    signed_by(facts, statement.issuer, signers, where)
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


def admit_project(facts: Facts, statement: st.Project, signers: Signers, where: Registered) -> None:
    organisation_of(facts, statement.issuer)
    signed_by(facts, statement.issuer, signers, where)
    if statement.controller != statement.issuer:
        raise refuse("controller_mismatch", "a project is recorded by its controller", "/controller")
    known = facts.projects.get(statement.project)
    if known and known[-1].controller != statement.controller:
        raise ConflictError(f"project `{statement.project}` belongs to another organisation", code="project_exists")
    for n, ref in enumerate(statement.templates):
        template = facts.templates.get(ref.digest)
        if template is None or (template.document.id, template.document.version) != (ref.id, ref.version):
            raise refuse("template_unknown", f"template `{ref.id}` {ref.version} is not published", f"/templates/{n}")


def admit_release(facts: Facts, statement: st.Release, signers: Signers, where: Registered) -> None:
    organisation_of(facts, statement.issuer)
    signed_by(facts, statement.issuer, signers, where)
    if statement.size > where.entry:
        raise refuse("size_unknown", f"the ledger has {where.entry} entries, not {statement.size}", "/size")
