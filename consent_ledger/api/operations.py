"""What a route promises.

Each handler carries its `Operation`, so that a route cannot be served without being described, or without saying who
may ask it. `openapi` makes the description of all of them.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from litestar.handlers import HTTPRouteHandler

UNDECLARED = "undeclared"
ANYBODY = "anybody"


class Parameter(NamedTuple):
    """A path parameter or a request header."""

    name: str
    type: Any
    description: str


class Answer(NamedTuple):
    """A response: what it says and, by media type, the type or the plain schema of its body.

    `examples` are of its JSON, each with a `summary` and a `value`. `links` lead on: by the name of an operation, where
    its parameters stand in this answer.
    """

    description: str
    content: Mapping[str, Any] = {}
    headers: tuple[str, ...] = ()
    examples: Mapping[str, Any] = {}
    links: Mapping[str, Mapping[str, str]] = {}


class Operation(NamedTuple):
    """What one route promises. `problems` are the statuses of problem documents, besides those that all routes have.

    `scope` is what a token must have; None: the route is public and looks at no token; ANYBODY: a good token is known
    to the handler, which decides what may be done without one (`known_caller`). Who says nothing is asked by nobody.
    """

    summary: str
    tag: str
    answers: Mapping[int, Answer]
    problems: tuple[int, ...] = ()
    path: tuple[Parameter, ...] = ()
    query: type[msgspec.Struct] | None = None
    headers: tuple[Parameter, ...] = ()
    body: Mapping[str, Any] = {}
    example: Any = None
    scope: str | None = UNDECLARED
    unlimited: bool = False
    """Whether it is answered however often it is asked: what watches over the service must not be turned away."""

    @property
    def statuses(self) -> list[int]:
        """The statuses of all problem documents that it may answer with."""
        guarded = () if self.scope is None else (401, 403, 503)
        limited = () if self.unlimited else (429,)
        return sorted({*self.problems, *guarded, *limited, 400, 405, 421, 500})


class Lines:
    """Marks a body of one JSON document a line."""

    def __init__(self, items: tuple[Any, ...]) -> None:
        self.items = items


def lines_of(*items: Any) -> Any:
    """Return the body type of newline-delimited JSON whose lines are each of one of the types."""
    return Lines(items)


def operation_of(handler: HTTPRouteHandler) -> Operation:
    """Return what a handler promises; a handler that promises nothing is a mistake."""
    operation: Operation = handler.opt["operation"]
    return operation
