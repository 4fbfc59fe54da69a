"""Licence templates: published as statements, read, linted before that, and held against each other."""

from typing import ClassVar

import msgspec
from litestar import get, post
from litestar.types import ASGIApp

from consent_ledger.api.audit_trail import about
from consent_ledger.api.authentication import caller_of
from consent_ledger.api.clearance import IF_NONE_MATCH
from consent_ledger.api.decoding import decode_body
from consent_ledger.api.envelopes import Wanted
from consent_ledger.api.operations import Answer, Operation, Parameter
from consent_ledger.api.paging import PageQuery, cut, decode_cursor, next_link
from consent_ledger.api.registering import register, registers
from consent_ledger.api.requests import HttpRequest, path_value, read_body, read_query, service_of
from consent_ledger.api.responses import JSON, json_body, tagged
from consent_ledger.documents import TemplateAnswer, TemplateEvent, TemplateItem, TemplatePage
from consent_ledger.licenses.comparison import Change
from consent_ledger.licenses.lint import lint_template
from consent_ledger.licenses.lint.findings import Severity
from consent_ledger.licenses.statements import Template
from consent_ledger.licenses.templates import parse_template
from consent_ledger.licenses.terms import Code, Digest, TemplateId, TemplateVersion
from consent_ledger.reading.templates import TemplateFound, compare_published, find_template, list_templates
from consent_ledger.signing.instants import format_instant

MAX_FILES = 2 * 1024 * 1024
WANTED = Wanted("a statement of type `template`", lambda statement: isinstance(statement, Template))
DIGEST = Parameter("digest", Digest, "`sha256:` and the hex digest of the template's document.")


class TemplateDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A template that is not published yet: the text of its files. `texts` and `summaries` are by language; `flags` are
    those of the project that it is meant for."""

    template_toml: str
    texts: dict[str, str]
    summaries: dict[str, str]
    flags: list[Code] = []


class LintFinding(msgspec.Struct, frozen=True):
    """One finding, in words for a lawyer. An `error` means that the template should not be published."""

    severity: Severity
    code: str
    where: str
    problem: str
    remedy: str


class LintAnswer(msgspec.Struct, frozen=True):
    """What the lint finds, errors first; `publishable` where there is none."""

    id: TemplateId
    version: TemplateVersion
    publishable: bool
    findings: list[LintFinding]


class DiffQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which two versions."""

    notes: ClassVar[dict[str, str]] = {
        "before": "The digest of one version.",
        "after": "The digest of the other.",
    }
    before: Digest
    after: Digest


class TemplateChange(msgspec.Struct, frozen=True):
    """One difference: where, at what, what became of it (`added`, `removed`, `changed`, `moved`), and both states."""

    where: str
    at: str
    kind: str
    before: str
    after: str


class DiffAnswer(msgspec.Struct, frozen=True):
    """What changed, in the rules and in every language. `same_terms`: what was signed for one permits what the other
    would. `missing` are digests of wordings that are not kept here, so that only their being other ones is known."""

    same_terms: bool
    changes: list[TemplateChange]
    missing: list[Digest]


@post(
    "/v1/templates",
    name="publish_template",
    request_max_body_size=None,
    opt={"operation": registers("Publish a template version", "templates", "template:publish")},
)
async def publish_template(request: HttpRequest) -> ASGIApp:
    """The body is the envelope of a `template` statement, which may also say that a version is superseded or
    invalidated. A version that is published never changes: publishing another under its name is 409."""
    return await register(request, WANTED)


@get(
    "/v1/templates",
    name="list_templates",
    opt={
        "operation": Operation(
            "List template versions",
            tag="templates",
            scope="clearance:read",
            query=PageQuery,
            headers=(IF_NONE_MATCH,),
            answers={
                200: Answer("A page of templates.", {JSON: TemplatePage}, headers=("Link", "ETag")),
                304: Answer("The page that you hold still holds.", headers=("ETag",)),
            },
            problems=(422,),
        )
    },
)
async def read_templates(request: HttpRequest) -> ASGIApp:
    """Those that the organisation published, and those that its projects offer."""
    wanted = read_query(request, PageQuery)
    service, viewer = service_of(request), caller_of(request).viewer
    after = decode_cursor("templates", wanted.cursor, -1)
    found = await service.read(list_templates, service.ledger.store, viewer, after, wanted.limit + 1)
    page, cursor = cut(found, wanted.limit, "templates", lambda template: template.record.entry)
    answer = TemplatePage([_item(template) for template in page], cursor)
    return tagged(answer, request.headers.get("if-none-match"), headers=next_link(request, cursor))


def _item(found: TemplateFound) -> TemplateItem:
    record, document = found.record, found.record.document
    status = record.events[-1].status if record.events else "published"
    return TemplateItem(
        found.digest, document.id, document.version, record.issuer, sorted(document.languages), status, record.entry
    )


@get(
    "/v1/templates/{digest:str}",
    name="read_template",
    opt={
        "operation": Operation(
            "Read a template version",
            tag="templates",
            scope="clearance:read",
            path=(DIGEST,),
            headers=(IF_NONE_MATCH,),
            answers={
                200: Answer("The template.", {JSON: TemplateAnswer}, headers=("ETag",)),
                304: Answer("What you hold still holds.", headers=("ETag",)),
            },
            problems=(404, 422),
        )
    },
)
async def read_template(request: HttpRequest) -> ASGIApp:
    """Whoever has its digest may read a template: it is what people are asked to sign."""
    digest = path_value(request, "digest", Digest)
    about(request, f"template {digest}")
    service = service_of(request)
    found = await service.read(find_template, service.ledger.store, digest)
    record = found.record
    events = [TemplateEvent(e.entry, e.status, format_instant(e.effective)) for e in record.events]
    answer = TemplateAnswer(digest, record.entry, record.document, events)
    return tagged(answer, request.headers.get("if-none-match"))


@post(
    "/v1/templates/lint",
    name="lint_template",
    request_max_body_size=MAX_FILES,
    opt={
        "operation": Operation(
            "Lint a template before it is published",
            tag="templates",
            scope="template:publish",
            body={JSON: TemplateDraft},
            answers={200: Answer("What was found.", {JSON: LintAnswer})},
            problems=(400, 408, 413, 415, 422),
        )
    },
)
async def check_template(request: HttpRequest) -> ASGIApp:
    """The same as `consent-ledger template lint` says. Nothing is kept."""
    draft = decode_body(await read_body(request, JSON), TemplateDraft)
    return json_body(await service_of(request).stream(_lint, draft))


def _lint(draft: TemplateDraft) -> LintAnswer:
    texts, summaries = (
        {language: text.encode() for language, text in wordings.items()} for wordings in (draft.texts, draft.summaries)
    )
    files = parse_template(draft.template_toml.encode(), texts, summaries)
    findings = [LintFinding(*finding) for finding in lint_template(files, draft.flags)]
    publishable = all(finding.severity != "error" for finding in findings)
    return LintAnswer(files.source.id, files.source.version, publishable, findings)


@get(
    "/v1/templates/diff",
    name="compare_templates",
    opt={
        "operation": Operation(
            "Compare two template versions",
            tag="templates",
            scope="clearance:read",
            query=DiffQuery,
            headers=(IF_NONE_MATCH,),
            answers={
                200: Answer("What changed.", {JSON: DiffAnswer}, headers=("ETag",)),
                304: Answer("What you hold still holds.", headers=("ETag",)),
            },
            problems=(404, 422),
        )
    },
)
async def compare_templates(request: HttpRequest) -> ASGIApp:
    """Texts and summaries are compared as far as they are kept here: those that come with the program, and those that
    were sent to `/v1/wordings`."""
    wanted = read_query(request, DiffQuery)
    service = service_of(request)
    found = await service.stream(compare_published, service.ledger.store, wanted.before, wanted.after)
    answer = DiffAnswer(found.same_terms, [_change(change) for change in found.changes], found.missing)
    return tagged(answer, request.headers.get("if-none-match"))


def _change(change: Change) -> TemplateChange:
    return TemplateChange(*change)


ROUTES = (publish_template, read_templates, check_template, compare_templates, read_template)
