"""Named purposes: the facets of a request bundled under a name, from a file that lawyers can read.

A purpose is only an abbreviation: what is decided and recorded is the request that it stands for.
"""

import tomllib
from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from consent_ledger.errors import MalformedError, NotFoundError
from consent_ledger.licenses.statements import UseRequest
from consent_ledger.licenses.terms import Activity, Aim, AudienceName, Context, Licence, Part, TemplateId, Territory
from consent_ledger.licenses.vocabulary import WORLD


class Purpose(Part, frozen=True, kw_only=True):
    """What a name stands for. A left out territory is the whole world, which is the most that can be asked."""

    title: Annotated[str, Meta(min_length=1, max_length=200)]
    activities: Annotated[list[Activity], Meta(min_length=1)]
    aims: Annotated[list[Aim], Meta(min_length=1)]
    context: Context
    audience: AudienceName
    territories: Annotated[list[Territory], Meta(min_length=1)] = msgspec.field(default_factory=lambda: [WORLD])
    licence: Licence | UnsetType = UNSET

    def use(self, *, recipient: str | None = None, licence: str | None = None) -> UseRequest:
        """Return the request, for a recipient and under a licence other than its own where given."""
        return UseRequest(
            activities=self.activities,
            aims=self.aims,
            context=self.context,
            audience=self.audience,
            territories=self.territories,
            licence=self.licence if licence is None else licence,
            recipient=UNSET if recipient is None else recipient,
        )


def load_purposes(raw: bytes) -> dict[str, Purpose]:
    """Return the purposes of a TOML file by name, in its order. Raises MalformedError.

    A project's own file is merged by the caller: `{**load_purposes(shipped), **load_purposes(own)}`.
    """
    try:
        return msgspec.convert(tomllib.loads(raw.decode("utf-8")), dict[TemplateId, Purpose])
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as e:
        raise MalformedError(f"file of purposes: {e}") from e


def purpose_named(purposes: Mapping[str, Purpose], name: str) -> Purpose:
    """Return the purpose of that name; raise NotFoundError that lists the names."""
    if name not in purposes:
        raise NotFoundError(f"no purpose `{name}`, there is {', '.join(purposes)}", code="purpose_unknown")
    return purposes[name]
