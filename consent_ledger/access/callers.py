"""Callers: on whose behalf a request comes, and what it may do."""

from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

from consent_ledger.errors import ForbiddenError, RefusedError

Scope = Literal[
    "clearance:read", "asset:write", "invite:write", "release:write", "audit:read", "template:publish", "admin"
]
SCOPES: tuple[Scope, ...] = get_args(Scope)


class Caller(NamedTuple):
    """An organisation's token, or somebody of its staff who is signed in; then `token` is the id of that person.

    `is_operator`: the organisation is the ledger's own party.
    """

    organisation: str
    token: str
    scopes: frozenset[str]
    is_operator: bool

    @property
    def viewer(self) -> str | None:
        """Who sees what is answered (docs/decisions/0006): the organisation, or for the operator None, who sees all."""
        return None if self.is_operator else self.organisation

    def require(self, scope: str) -> None:
        """Raise ForbiddenError `scope_missing` unless the caller has the scope."""
        if scope not in self.scopes:
            raise ForbiddenError(f"this wants the scope `{scope}`", code="scope_missing")


def read_scopes(names: Iterable[str]) -> tuple[Scope, ...]:
    """Return the scopes of those names, in their own order; raise RefusedError for none, or one that there is not."""
    wanted = set(names)
    if not wanted or wanted - set(SCOPES):
        raise RefusedError(f"scopes are not as wanted, want one or more of {', '.join(SCOPES)}", code="bad_scope")
    return tuple(scope for scope in SCOPES if scope in wanted)
