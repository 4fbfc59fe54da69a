"""Invitations to sign for a project: made in bulk, reminded of, cancelled.

Who is invited is nobody's business here: an organisation's own `reference` stands for the person, and where to write to
is the organisation's to know. A link holds 256 random bits that are shown once and kept as a hash; a reminder has a new
link, and the old one is dead.
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from consent_ledger.answers import InstantText
from consent_ledger.errors import LedgerError, Problem, RefusedError
from consent_ledger.licenses.terms import Language
from consent_ledger.reading.projects import find_project, offered_documents
from consent_ledger.signing.instants import SECOND, parse_instant
from consent_ledger.store import invitations as rows
from consent_ledger.store.engine import Store
from consent_ledger.store.invitations import InvitationRecord, NewInvitation
from consent_ledger.store.transaction import Transaction

MOST = 5_000
LONGEST = 2 * 366 * 24 * 3600 * SECOND
Reference = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:-]{1,80}$(?!\n)")]
InvitationId = Annotated[str, Meta(pattern=r"^inv_[0-9a-f]{32}$(?!\n)")]
State = Literal["created", "opened", "answered", "cancelled", "expired"]
STATES: tuple[State, ...] = ("created", "opened", "answered", "cancelled", "expired")
Tell = Callable[[Transaction, "list[Link]"], None]
"""Called with what was done, in the transaction that does it."""


class Invite(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody is to be invited. `reference` is the organisation's own opaque name for it: no name, no address."""

    reference: Reference
    language: Language
    expires_at: InstantText


class Reminder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Invitations get a new link, and with `expires_at` also more time; one that is expired needs that."""

    ids: Annotated[list[InvitationId], Meta(min_length=1, max_length=MOST)]
    expires_at: InstantText | UnsetType = UNSET


class Cancellation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Invitations end."""

    ids: Annotated[list[InvitationId], Meta(min_length=1, max_length=MOST)]


class Link(NamedTuple):
    """An invitation and the secret of its link, which is known only now."""

    id: str
    reference: str
    secret: str
    expires_at: int


def invite(store: Store, organisation: str, project: str, wanted: Sequence[Invite], now: int, tell: Tell) -> list[Link]:
    """Make the invitations, all or none; `organisation` controls the project.

    RefusedError lists every one that is not as wanted; NotFoundError `project_unknown`.
    """
    expiries = [_instant(one.expires_at, now, f"/{n}/expires_at") for n, one in enumerate(wanted)]
    with store.write() as tx:
        _require_sound(tx, organisation, project, wanted, expiries)
        first = _next_number(tx, now)
        links, made = [], []
        for n, one in enumerate(wanted):
            expires_at = expiries[n]
            assert isinstance(expires_at, int)
            link = Link(_id(first + n), one.reference, new_secret(), expires_at)
            links.append(link)
            made.append(NewInvitation(link.id, organisation, project, one.reference, one.language,
                                      hash_secret(link.secret), now, expires_at))  # fmt: skip
        rows.insert_invitations(tx, made)
        tell(tx, links)
    return links


def remind(store: Store, organisation: str, project: str, wanted: Reminder, now: int, tell: Tell) -> list[Link]:
    """Give the invitations new links, all or none. RefusedError lists every one that cannot have one."""
    until = None if wanted.expires_at is UNSET else _instant(wanted.expires_at, now, "/expires_at")
    if isinstance(until, Problem):
        raise _refused([until])
    with store.write() as tx:
        found = _find(tx, organisation, project, wanted.ids, now)
        over = ("answered", "cancelled") if until is not None else ("answered", "cancelled", "expired")
        _require(found, lambda r: r.state not in over)
        links = [Link(r.id, r.reference, new_secret(), until or r.expires_at) for r in found]
        for link in links:
            rows.renew_invitation(tx, link.id, hash_secret(link.secret), now, link.expires_at)
        tell(tx, links)
    return links


def cancel(store: Store, organisation: str, project: str, wanted: Cancellation, now: int) -> list[InvitationRecord]:
    """End the invitations, all or none, and return them. What was signed already stays signed: RefusedError."""
    with store.write() as tx:
        found = _find(tx, organisation, project, wanted.ids, now)
        _require(found, lambda r: r.state != "answered")
        for record in found:
            rows.cancel_invitation(tx, record.id, now)
        return _find(tx, organisation, project, wanted.ids, now)


def list_invitations(
    store: Store, organisation: str, project: str, now: int, after: str, limit: int, state: str | None
) -> list[InvitationRecord]:
    """Return the organisation's invitations to its project, in the order in which they were made."""
    with store.read() as tx:
        find_project(tx, organisation, project)
        return rows.list_invitations(tx, organisation, project, now, after, limit, state)


def count_invitations(store: Store, organisation: str, project: str, now: int) -> dict[str, int]:
    """Return how many of the organisation's invitations to a project are in each state that occurs."""
    with store.read() as tx:
        return rows.count_states(tx, organisation, project, now)


def new_secret() -> str:
    """Return the secret of a new link."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> bytes:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def _require_sound(
    tx: Transaction, organisation: str, project: str, wanted: Sequence[Invite], expiries: Sequence[int | Problem]
) -> None:
    found = find_project(tx, organisation, project)
    languages = {language for d in offered_documents(tx, found.said) for language in d.languages}
    invited = rows.invited_references(tx, organisation, project, [one.reference for one in wanted])
    problems = [expiry for expiry in expiries if isinstance(expiry, Problem)]
    for n, one in enumerate(wanted):
        if one.language not in languages:
            offered = ", ".join(sorted(languages)) or "none"
            detail = f"the project offers no template in `{one.language}`, there is {offered}"
            problems.append(Problem(f"/{n}/language", "language_unknown", detail))
        if one.reference in invited:
            problems.append(Problem(f"/{n}/reference", "already_invited", "this reference is invited already"))
        invited.add(one.reference)
    if problems:
        raise _refused(problems)


def _find(tx: Transaction, organisation: str, project: str, ids: Sequence[str], now: int) -> list[InvitationRecord]:
    find_project(tx, organisation, project)
    found = rows.read_invitations(tx, organisation, project, now, ids)
    unknown = [Problem(f"/ids/{n}", "invitation_unknown", f"there is no such invitation to `{project}`")
               for n, id_ in enumerate(ids) if id_ not in found]  # fmt: skip
    if unknown:
        raise _refused(unknown)
    return [found[id_] for id_ in dict.fromkeys(ids)]


def _require(found: Sequence[InvitationRecord], fits: Callable[[InvitationRecord], bool]) -> None:
    problems = [Problem(f"/ids/{n}", f"invitation_{record.state}", f"invitation `{record.id}` is {record.state}")
                for n, record in enumerate(found) if not fits(record)]  # fmt: skip
    if problems:
        raise _refused(problems)


def _refused(problems: Sequence[Problem]) -> RefusedError:
    return RefusedError(problems[0].detail, code=problems[0].code, problems=tuple(problems[:100]))


def _instant(text: str, now: int, pointer: str) -> int | Problem:
    try:
        instant = parse_instant(text)
    except LedgerError as e:
        return Problem(pointer, e.code, str(e))
    if not now < instant <= now + LONGEST:
        return Problem(pointer, "bad_expiry", "an invitation ends in the future, and within two years")
    return instant


def _next_number(tx: Transaction, now: int) -> int:
    """Return a number behind that of every invitation so far: whoever pages through them meets new ones last."""
    last = rows.last_invitation(tx)
    return max(now, int(last[4:20], 16) + 1 if last else 0)


def _id(number: int) -> str:
    return f"inv_{number:016x}{secrets.token_hex(8)}"
