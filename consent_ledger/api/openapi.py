"""The OpenAPI 3.1 document, made of what all routes promise.

Schemas are msgspec's own, of the very Structs that requests are decoded into, so that what is described is what is
checked.
"""

import inspect
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler

from consent_ledger import __version__
from consent_ledger.answers import ProblemAnswer
from consent_ledger.api.errors import KINDS, PROBLEM_JSON, Kind
from consent_ledger.api.operations import ANYBODY, Answer, Lines, Operation, Parameter, operation_of
from consent_ledger.api.responses import JSON

_REF = "#/components/schemas/{name}"
_HEADERS = {
    "ETag": "What this answer depends on; send it back as `If-None-Match`.",
    "Location": "Where to go on, or where what was made can be read.",
    "Link": 'The next page, as `rel="next"`.',
    "Allow": "The methods that are offered.",
    "WWW-Authenticate": "`Bearer`: a token is wanted.",
    "Retry-After": "Seconds to wait.",
    "RateLimit-Limit": "How many requests at once.",
    "RateLimit-Remaining": "How many of them are left.",
    "RateLimit-Reset": "After how many seconds all of them are there again.",
    "Set-Cookie": "The session.",
    "Idempotency-Replayed": "`true`: this is the first answer to the key, given again.",
}
_LIMIT = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
_PROBLEM_HEADERS = {401: ("WWW-Authenticate",), 405: ("Allow",), 429: ("Retry-After", *_LIMIT)}
_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token of an organisation."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "consent-ledger",
        "description": "Somebody of the staff who is signed in. What changes something wants `X-CSRF-Token` too.",
    },
}
_BESIDES = {
    "ClearanceRequest": {"not": {"required": ["known_at", "size"]}},
    "Envelope": {"description": "DSSE. The payload is a statement in canonical JSON, signed by a key of its issuer."},
}
"""What requests are checked for and no type says."""


def build_document(handlers: Iterable[HTTPRouteHandler]) -> dict[str, Any]:
    """Return the OpenAPI document of the service."""
    routes = [(path, handler) for handler in handlers for path in sorted(handler.paths)]
    types = _types(operation_of(handler) for _, handler in routes)
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    by_type = dict(zip(types, map(_plain, schemas), strict=True))
    paths: dict[str, Any] = {}
    for path, handler in sorted(routes, key=lambda route: route[0]):
        spelled = re.sub(r"\{(\w+):\w+\}", r"{\1}", path)
        method = next(iter(handler.http_methods)).lower()
        paths.setdefault(spelled, {})[method] = _Writer(by_type).operation(handler)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "consent_ledger",
            "version": __version__,
            "summary": "Who agreed to which use of which media, since when.",
            "description": "Everything that changes the ledger is a signed statement. "
            "Errors are RFC 9457 problem documents. Nothing but `allow` clears a use.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {name: _component(name, schema) for name, schema in components.items()},
            "securitySchemes": _SCHEMES,
        },
    }


def _security(scope: str | None) -> list[dict[str, list[str]]]:
    """Return the security requirements: OpenAPI 3.1 lets the list of a scheme name what it must be good for."""
    if scope is None:
        return []
    wanted = [] if scope == ANYBODY else [scope]
    ways: list[dict[str, list[str]]] = [{name: wanted} for name in _SCHEMES]
    return [{}, *ways] if scope == ANYBODY else ways


def _component(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    written: dict[str, Any] = _plain(schema) | _BESIDES.get(name, {})
    if name == "Signature":  # an envelope has no null: what is absent is left out
        members = written["properties"]
        written["properties"] = {n: m["anyOf"][0] if "anyOf" in m else m for n, m in members.items()}
    return written


def _types(operations: Iterable[Operation]) -> list[Any]:
    found: dict[Any, None] = {ProblemAnswer: None}
    for operation in operations:
        bodies = [operation.body, *(answer.content for answer in operation.answers.values())]
        for type_ in (type_ for body in bodies for type_ in body.values()):
            if isinstance(type_, Lines):
                found |= dict.fromkeys(type_.items)
            elif not isinstance(type_, dict):
                found[type_] = None
        found |= dict.fromkeys(p.type for p in (*operation.path, *operation.headers))
        if operation.query is not None:
            found |= dict.fromkeys(field.type for field in msgspec.structs.fields(operation.query))
    return list(found)


class _Writer:
    """Writes operations, given the schema of each type."""

    def __init__(self, schemas: Mapping[Any, Any]) -> None:
        self._schemas = schemas

    def operation(self, handler: HTTPRouteHandler) -> dict[str, Any]:
        operation = operation_of(handler)
        written: dict[str, Any] = {
            "operationId": handler.name,
            "summary": operation.summary,
            "description": " ".join((inspect.getdoc(handler.fn) or "").split()),
            "tags": [operation.tag],
            "security": _security(operation.scope),
        }
        if parameters := self._parameters(operation):
            written["parameters"] = parameters
        if operation.body:
            content = self._content(operation.body)
            if operation.example is not None:
                for medium in content.values():
                    medium["example"] = operation.example
            written["requestBody"] = {"required": True, "content": content}
        written["responses"] = {
            **{str(status): self._answer(answer) for status, answer in operation.answers.items()},
            **{str(status): self._problem(status) for status in operation.statuses},
        }
        return written

    def _parameters(self, operation: Operation) -> list[dict[str, Any]]:
        written = [self._parameter(p, "path", required=True) for p in operation.path]
        written += [self._parameter(p, "header", required=False) for p in operation.headers]
        if operation.query is not None:
            notes: Mapping[str, str] = getattr(operation.query, "notes", {})
            for field in msgspec.structs.fields(operation.query):
                parameter = Parameter(field.encode_name, field.type, notes[field.name])
                written.append(self._parameter(parameter, "query", required=field.required))
        return written

    def _parameter(self, parameter: Parameter, place: str, *, required: bool) -> dict[str, Any]:
        return {
            "name": parameter.name,
            "in": place,
            "required": required,
            "description": parameter.description,
            "schema": self._schemas[parameter.type],
        }

    def _content(self, content: Mapping[str, Any]) -> dict[str, Any]:
        written: dict[str, Any] = {}
        for media_type, type_ in content.items():
            if isinstance(type_, Lines):
                schema = {"type": "string", "description": "One JSON document a line."}
                lines = [self._schemas[item] for item in type_.items]
                written[media_type] = {"schema": schema, "x-line-schema": {"anyOf": lines}}
            else:
                written[media_type] = {"schema": type_ if isinstance(type_, dict) else self._schemas[type_]}
        return written

    def _answer(self, answer: Answer) -> dict[str, Any]:
        written: dict[str, Any] = {"description": answer.description}
        if answer.content:
            written["content"] = self._content(answer.content)
        if answer.examples:
            written["content"][JSON]["examples"] = dict(answer.examples)
        if answer.headers:
            written["headers"] = {name: _header(name) for name in answer.headers}
        if answer.links:
            written["links"] = {
                name: {"operationId": name, "parameters": dict(parameters)} for name, parameters in answer.links.items()
            }
        return written

    def _problem(self, status: int) -> dict[str, Any]:
        kinds = [kind for kind in KINDS.values() if kind.status == status]
        written: dict[str, Any] = {
            "description": "; or ".join(kind.title for kind in kinds) or HTTPStatus(status).phrase,
            "content": {PROBLEM_JSON: {"schema": self._schemas[ProblemAnswer], "examples": _examples(kinds)}},
        }
        if status in _PROBLEM_HEADERS:
            written["headers"] = {name: _header(name) for name in _PROBLEM_HEADERS[status]}
        return written


def _examples(kinds: Iterable[Kind]) -> dict[str, Any]:
    """Return a problem document for each type of problem."""
    return {
        kind.slug: {
            "summary": kind.advice,
            "value": msgspec.to_builtins(
                ProblemAnswer(
                    f"/problems/{kind.slug}", kind.title, kind.status, kind.title, kind.slug, (), "trace-0001"
                )
            ),
        }
        for kind in kinds
    }


def _header(name: str) -> dict[str, Any]:
    return {"description": _HEADERS[name], "schema": {"type": "string"}}


def _plain(schema: Any) -> Any:
    """Return the schema in words that every reader knows: Python's exact end of text is JSON Schema's plain one."""
    if isinstance(schema, dict):
        return {key: _pattern(value) if key == "pattern" else _plain(value) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    return schema


def _pattern(value: Any) -> Any:
    return value.replace(r"(?!\n)", "") if isinstance(value, str) else _plain(value)
