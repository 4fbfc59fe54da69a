"""Projects: recorded as statements, read back, and how far they are."""

from collections.abc import Mapping
from functools import cache, partial
from typing import Any

import msgspec
from litestar import get, post
from litestar.types import ASGIApp
from msgspec import UNSET

from consent_ledger.api.audit_trail import about
from consent_ledger.api.authentication import caller_of
from consent_ledger.api.clearance import IF_NONE_MATCH
from consent_ledger.api.envelopes import Wanted
from consent_ledger.api.operations import Answer, Operation, Parameter
from consent_ledger.api.paging import PageQuery, cut, decode_cursor, next_link
from consent_ledger.api.registering import register, registers
from consent_ledger.api.requests import HttpRequest, path_value, read_query, service_of
from consent_ledger.api.responses import JSON, json_body, tagged
from consent_ledger.documents import OfferAnswer, ProjectAnswer, ProjectDetails
from consent_ledger.invitations import count_invitations
from consent_ledger.licenses.purposes import Purpose, load_purposes
from consent_ledger.licenses.statements import Project, ProjectId, TemplateRef
from consent_ledger.licenses.terms import TemplateDocument
from consent_ledger.reading.progress import Cleared, ProjectCount
from consent_ledger.reading.projects import ProjectItem, find_offered, list_projects
from consent_ledger.reading.records import Recorded
from consent_ledger.resources import shipped_purposes
from consent_ledger.signing.instants import format_time

WANTED = Wanted("a statement of type `project`", lambda statement: isinstance(statement, Project))
PROJECT = Parameter("project", ProjectId, "The project's id.")


class ProjectPage(msgspec.Struct, frozen=True):
    """Projects, in the order in which they were recorded first."""

    items: list[ProjectAnswer]
    next_cursor: str | None


class InvitedCounts(msgspec.Struct, frozen=True):
    """How many invitations there are, and in which state."""

    total: int
    created: int
    opened: int
    answered: int
    cancelled: int
    expired: int


class ProgressAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of a project at a ledger size: its invitations; people who signed for it, whatever became of that; media
    that are registered; and how many of those may be put to each named purpose, now. More may be recorded meanwhile:
    each count of a purpose says at which size it was made."""

    project: ProjectId
    size: int
    invited: InvitedCounts
    signed: int
    registered: int
    cleared: list[Cleared]


@post(
    "/v1/projects",
    name="record_project",
    request_max_body_size=None,
    opt={"operation": registers("Record a project", "projects", "invite:write")},
)
async def record_project(request: HttpRequest) -> ASGIApp:
    """The body is the envelope of a `project` statement. Recorded anew, the latest holds; its id stays its
    controller's: 409 for anybody else."""
    return await register(request, WANTED)


@get(
    "/v1/projects",
    name="list_projects",
    opt={
        "operation": Operation(
            "List projects",
            tag="projects",
            scope="clearance:read",
            query=PageQuery,
            headers=(IF_NONE_MATCH,),
            answers={
                200: Answer("A page of projects.", {JSON: ProjectPage}, headers=("Link", "ETag")),
                304: Answer("The page that you hold still holds.", headers=("ETag",)),
            },
            problems=(422,),
        )
    },
)
async def read_projects(request: HttpRequest) -> ASGIApp:
    """Those that the organisation controls."""
    wanted = read_query(request, PageQuery)
    service, viewer = service_of(request), caller_of(request).viewer
    after = decode_cursor("projects", wanted.cursor, -1)
    found = await service.read(list_projects, service.ledger.store, viewer, after, wanted.limit + 1)
    page, cursor = cut(found, wanted.limit, "projects", _place)
    answer = ProjectPage([ProjectAnswer(**_fields(item.latest)) for item in page], cursor)
    return tagged(answer, request.headers.get("if-none-match"), headers=next_link(request, cursor))


def _place(item: ProjectItem) -> int:
    return item.first_entry


@get(
    "/v1/projects/{project:str}",
    name="read_project",
    opt={
        "operation": Operation(
            "Read a project",
            tag="projects",
            scope="clearance:read",
            path=(PROJECT,),
            headers=(IF_NONE_MATCH,),
            answers={
                200: Answer("The project, and what it asks.", {JSON: ProjectDetails}, headers=("ETag",)),
                304: Answer("What you hold still holds.", headers=("ETag",)),
            },
            problems=(404, 422),
        )
    },
)
async def read_project(request: HttpRequest) -> ASGIApp:
    """One that the organisation controls, as it was recorded last."""
    name = path_value(request, "project", ProjectId)
    about(request, f"project {name}")
    service = service_of(request)
    found = await service.read(find_offered, service.ledger.store, caller_of(request).viewer, name)
    refs = {(ref.id, ref.version): ref for ref in found.project.said.templates}
    offers = [_offer(refs[d.id, d.version], d) for d in found.documents]
    return tagged(ProjectDetails(**_fields(found.project), offers=offers), request.headers.get("if-none-match"))


def _fields(recorded: Recorded[Project]) -> dict[str, Any]:
    said = recorded.said
    times = {name: getattr(said, name) for name in ("starts", "ends")}
    return {
        **{name: getattr(said, name) for name in ("project", "controller", "title", "brief", "flags", "templates")},
        **{name: f"{time:%Y-%m-%dT%H:%M:%SZ}" for name, time in times.items() if time is not UNSET},
        "statement": recorded.id,
        "entry": recorded.entry,
        "recorded_at": format_time(recorded.recorded_at),
    }


def _offer(ref: TemplateRef, document: TemplateDocument) -> OfferAnswer:
    always = [rule.id for rule in document.rules if not rule.optional]
    asked = [rule.id for rule in document.rules if rule.optional]
    return OfferAnswer(ref, sorted(document.languages), always, asked)


@get(
    "/v1/projects/{project:str}/progress",
    name="count_project",
    opt={
        "operation": Operation(
            "Count how far a project is",
            tag="projects",
            scope="clearance:read",
            path=(PROJECT,),
            answers={200: Answer("The counts.", {JSON: ProgressAnswer})},
            problems=(404, 422),
        )
    },
)
async def read_progress(request: HttpRequest) -> ASGIApp:
    """Invited, signed, registered, and cleared by purpose. A purpose that lets a recipient use the media is asked for
    the project's controller."""
    name = path_value(request, "project", ProjectId)
    about(request, f"project {name}")
    service, caller = service_of(request), caller_of(request)
    store = service.ledger.store
    found = await service.read(find_offered, store, caller.viewer, name)
    controller = found.project.said.controller
    states = await service.read(count_invitations, store, controller, name, service.ledger.clock())
    counting, whole = ProjectCount(name, controller), service.engine.whole
    reached = await service.stream(whole, counting.reached)
    cleared = [
        # One at a time, so that questions about clearance wait for one count at most.
        await service.stream(whole, partial(counting.cleared, name=purpose, purpose=meant))
        for purpose, meant in _purposes().items()
    ]
    total = sum(states.values())
    invited = InvitedCounts(total, **{state: states.get(state, 0) for state in InvitedCounts.__struct_fields__[1:]})
    return json_body(
        ProgressAnswer(
            project=name,
            size=reached.size,
            invited=invited,
            signed=reached.signed,
            registered=reached.registered,
            cleared=cleared,
        )
    )


@cache
def _purposes() -> Mapping[str, Purpose]:
    return load_purposes(shipped_purposes())


ROUTES = (record_project, read_projects, read_project, read_progress)
