"""Requests become Structs here, once; what does not fit is refused with everything that is wrong, by JSON pointer."""

from collections.abc import Hashable, Iterator, Mapping
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin

import msgspec
from msgspec import UnsetType

from consent_ledger.errors import LedgerError, MalformedError, Problem, RefusedError
from consent_ledger.signing.instants import parse_instant

T = TypeVar("T")

MAX_PROBLEMS = 100


@lru_cache(maxsize=64)
def _decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type_)


def decode_body(raw: bytes, type_: type[T]) -> T:
    """Return the `type_` that a JSON document spells.

    MalformedError where it is not JSON, RefusedError `invalid` with all problems where it is JSON and not a `type_`.
    """
    try:
        return cast(T, _decoder(cast(Hashable, type_)).decode(raw))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
        raise _refusal(decode_any(raw), type_) from e


def decode_any(raw: bytes) -> Any:
    """Return the JSON document, as plain values; raise MalformedError where it is none."""
    try:
        return _decoder(Any).decode(raw)
    except RecursionError as e:
        raise MalformedError("document is nested too deeply", code="too_deep") from e
    except (msgspec.MsgspecError, UnicodeDecodeError) as e:
        raise MalformedError("document is not JSON in UTF-8", code="not_json") from e


def decode_query(pairs: list[tuple[str, str]], type_: type[T]) -> T:
    """Return the `type_` that query parameters spell, each given once."""
    values = dict(pairs)
    if len(values) != len(pairs):
        raise RefusedError("a query parameter is repeated", code="repeated_parameter")
    try:
        return msgspec.convert(values, type_, strict=False)
    except msgspec.ValidationError as e:
        raise _refusal(values, type_, strict=False) from e


def decode_instants(texts: Mapping[str, str | UnsetType]) -> dict[str, int | None]:
    """Return the instants (microseconds; None where absent) of the fields; RefusedError names those that are none."""
    found: dict[str, int | None] = {}
    problems = []
    for name, text in texts.items():
        try:
            found[name] = None if isinstance(text, UnsetType) else parse_instant(text)
        except LedgerError as e:
            problems.append(Problem(f"/{name}", e.code, str(e)))
    if problems:
        raise RefusedError("document has times that cannot be read", code="invalid", problems=tuple(problems))
    return found


def _refusal(value: Any, type_: Any, *, strict: bool = True) -> RefusedError:
    problems = tuple(problems_in(value, type_, strict=strict))[:MAX_PROBLEMS]
    return RefusedError(f"request has {len(problems)} fields that are not as wanted", code="invalid", problems=problems)


def problems_in(value: Any, type_: Any, pointer: str = "", *, strict: bool = True) -> Iterator[Problem]:
    """Yield everything that keeps plain values from being a `type_`: the parts, and if they are fine the whole."""
    whole = type_
    type_ = _bare(type_, value)
    found = False
    for problem in _parts(value, type_, pointer, strict):
        found = True
        yield problem
    if found:
        return
    try:
        msgspec.convert(value, whole, strict=strict)
    except msgspec.ValidationError as e:
        message = str(e).partition(" - at `")[0]
        yield Problem(pointer, "invalid_value", message[:1].lower() + message[1:])


def _parts(value: Any, type_: Any, pointer: str, strict: bool) -> Iterator[Problem]:
    if isinstance(value, dict) and isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        yield from _members(value, type_, pointer, strict)
    elif isinstance(value, list) and get_origin(type_) in (list, tuple):
        for place, item in enumerate(value):
            yield from problems_in(item, get_args(type_)[0], f"{pointer}/{place}", strict=strict)


def _members(value: Mapping[str, Any], struct: type[msgspec.Struct], pointer: str, strict: bool) -> Iterator[Problem]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for name in value.keys() - fields.keys() - {struct.__struct_config__.tag_field}:
        yield Problem(f"{pointer}/{escape(name)}", "unknown_field", f"want only {', '.join(fields)}")
    for name, field in fields.items():
        if name in value:
            yield from problems_in(value[name], field.type, f"{pointer}/{name}", strict=strict)
        elif field.required:
            yield Problem(f"{pointer}/{name}", "missing_field", "field is required")


def _bare(type_: Any, value: Any) -> Any:
    """Return the type without its constraints; of several, the one that a value's tag or shape chooses."""
    if get_origin(type_) is Annotated:
        return _bare(get_args(type_)[0], value)
    if get_origin(type_) in (Union, UnionType):
        options = [t for t in get_args(type_) if t not in (UnsetType, type(None))]
        tagged = [t for t in options if _tag_fits(t, value)] if len(options) > 1 else options
        return _bare(tagged[0], value) if len(tagged) == 1 else type_
    return type_


def _tag_fits(type_: Any, value: Any) -> bool:
    if not (isinstance(type_, type) and issubclass(type_, msgspec.Struct) and isinstance(value, dict)):
        return False
    config = type_.__struct_config__
    return config.tag is not None and value.get(config.tag_field) == config.tag


def escape(name: str) -> str:
    """Return a member's name as a JSON pointer spells it, shortened."""
    return name[:60].replace("~", "~0").replace("/", "~1")
