"""Running the service: is it alive, may it be asked, what is it; and its own description."""

from typing import Literal

import msgspec
from litestar import get
from litestar.types import ASGIApp

from consent_ledger import __version__
from consent_ledger.answers import Version
from consent_ledger.api.authentication import caller_of
from consent_ledger.api.browse import STYLE, problem_page
from consent_ledger.api.errors import KINDS
from consent_ledger.api.metrics import CONTENT_TYPE
from consent_ledger.api.operations import Answer, Operation, Parameter
from consent_ledger.api.organisations import require_operator
from consent_ledger.api.requests import HttpRequest, service_of
from consent_ledger.api.responses import HTML, JSON, Body, json_body
from consent_ledger.audit.checkpoint import open_checkpoint
from consent_ledger.audit.policy import NONE
from consent_ledger.audit.tree import leaf_hash
from consent_ledger.errors import NotFoundError, VerificationError
from consent_ledger.ledger import Ledger
from consent_ledger.licenses.decision import POLICY
from consent_ledger.licenses.log_keys import verifiers_at
from consent_ledger.licenses.vocabulary import VERSION
from consent_ledger.publishing.cosigned import Quorum, has_quorum, read_cosigned
from consent_ledger.store.facts import read_log_keys
from consent_ledger.store.log import read_entries, read_head

CSS = "text/css; charset=utf-8"
INTEGRITY = "ledger_integrity_failure"


class Health(msgspec.Struct, frozen=True):
    """The process answers."""

    status: str


class Readiness(msgspec.Struct, frozen=True):
    """The ledger answers, and its head is the one that its checkpoint was signed for.

    `quorum`: whether its witnesses have cosigned that checkpoint, or `none` is asked for. `fail`: where they have not,
    it is shown all the same (`open`) or kept back (`closed`).
    """

    status: str
    size: int
    quorum: Literal["none", "cosigned", "lacking"]
    fail: Literal["open", "closed"]


@get(
    "/healthz",
    name="health",
    opt={
        "operation": Operation(
            "Is the process alive?", "operation", {200: Answer("It is.", {JSON: Health})}, scope=None, unlimited=True
        )
    },
)
async def health(request: HttpRequest) -> ASGIApp:
    """Looks at nothing else."""
    return json_body(Health("ok"))


@get(
    "/readyz",
    name="readiness",
    opt={
        "operation": Operation(
            "May it be asked?",
            "operation",
            {200: Answer("It may.", {JSON: Readiness})},
            problems=(503,),
            scope=None,
            unlimited=True,
        )
    },
)
async def readiness(request: HttpRequest) -> ASGIApp:
    """Fails when the ledger cannot be read, or its head does not match its checkpoint."""
    service = service_of(request)
    size = await service.read(check_head, service.ledger)
    quorum = await service.read(_quorum_of, service.ledger, service.quorum, size)
    return json_body(Readiness("ready", size, quorum, "closed" if service.quorum.closed else "open"))


def _quorum_of(ledger: Ledger, quorum: Quorum, size: int) -> Literal["none", "cosigned", "lacking"]:
    if quorum.policy.quorum == NONE:
        return "none"
    with ledger.store.read() as tx:
        note = read_cosigned(tx, size)
    return "cosigned" if note is not None and has_quorum(quorum.policy, note) else "lacking"


def check_head(ledger: Ledger) -> int:
    """Return the ledger's size; raise VerificationError unless tree, last entry and checkpoint agree, StaleError unless
    they go on from what was published."""
    published = ledger.published()
    with ledger.store.read() as tx:
        head = read_head(tx)
        published.hold(tx, head, ledger.verifiers)
        verifiers = verifiers_at(read_log_keys(tx, head.size), head.size)
        last = read_entries(tx, head.size - 1, head.size) if head.size else []
    if head.checkpoint is None or not last or leaf_hash(last[0]) != head.last_leaf:
        raise VerificationError("the last entry is not the one that the tree holds", code=INTEGRITY)
    try:
        signed = open_checkpoint(head.checkpoint, verifiers)
    except VerificationError as e:
        raise VerificationError("the checkpoint is not signed by this log", code=INTEGRITY) from e
    if (signed.size, signed.root) != (head.size, head.frontier.root()):
        raise VerificationError("the log does not match its own checkpoint", code=INTEGRITY)
    return head.size


@get(
    "/version",
    name="version",
    opt={"operation": Operation("What is it?", "operation", {200: Answer("This.", {JSON: Version})}, scope=None)},
)
async def version(request: HttpRequest) -> ASGIApp:
    """The version of the software, of the rules, and the ledger's name and verifier key."""
    ledger = service_of(request).ledger
    return json_body(Version(__version__, POLICY, VERSION, ledger.origin, ledger.vkey))


@get(
    "/openapi.json",
    name="openapi",
    opt={
        "operation": Operation(
            "This description", "operation", {200: Answer("OpenAPI 3.1.", {JSON: {"type": "object"}})}, scope=None
        )
    },
)
async def openapi(request: HttpRequest) -> ASGIApp:
    """What every route takes and answers."""
    return Body(request.app.state.document)


@get(
    "/docs",
    name="docs",
    opt={
        "operation": Operation(
            "This description, for people",
            "operation",
            {200: Answer("A page.", {HTML: {"type": "string"}})},
            scope=None,
        )
    },
)
async def docs(request: HttpRequest) -> ASGIApp:
    """One page that asks nobody else for anything."""
    return Body(request.app.state.page, HTML)


@get(
    "/docs/style.css",
    name="docs_style",
    opt={
        "operation": Operation(
            "The page's style", "operation", {200: Answer("CSS.", {CSS: {"type": "string"}})}, scope=None
        )
    },
)
async def docs_style(request: HttpRequest) -> ASGIApp:
    """The style sheet of `/docs`."""
    return Body(STYLE.encode(), CSS)


@get(
    "/problems/{slug:str}",
    name="problem",
    opt={
        "operation": Operation(
            "What a type of problem means",
            "operation",
            {200: Answer("A page.", {HTML: {"type": "string"}})},
            problems=(404,),
            scope=None,
            path=(Parameter("slug", str, "The last part of a problem's `type`."),),
        )
    },
)
async def problem(request: HttpRequest) -> ASGIApp:
    """The page that a problem document's `type` names."""
    kind = KINDS.get(request.path_params["slug"])
    if kind is None:
        raise NotFoundError("there is no such type of problem", code="problem_unknown")
    return Body(problem_page(kind).encode(), HTML)


@get(
    "/metrics",
    name="metrics",
    opt={
        "operation": Operation(
            "Figures of this process",
            "operation",
            {200: Answer("Prometheus' text format.", {CONTENT_TYPE: {"type": "string"}})},
            problems=(503,),
            scope="audit:read",
        )
    },
)
async def metrics(request: HttpRequest) -> ASGIApp:
    """Counts and times, for Prometheus: statements, verdicts, requests, what waits, and how the ledger stands. For the
    operator alone, as they are of all organisations."""
    require_operator(caller_of(request))
    service = service_of(request)
    return Body(await service.read(service.metrics.text), CONTENT_TYPE)


ROUTES = (health, readiness, metrics, version, openapi, docs, docs_style, problem)
