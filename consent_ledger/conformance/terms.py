"""The terms of a neutral case, in this program's words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from consent_ledger.licenses.terms import (
    Permission,
    Prohibition,
)

_CONDITIONS = {"payment": "paid", "paid": "paid", "acceptance": "accepted", "accepted": "accepted"}


def slug_of(name: str) -> str:
    """Return a template id for a case's name of a template."""
    return "case-" + "".join(c if c.isascii() and c.isalnum() else "-" for c in name.lower())[:50]


def condition_of(kind: str) -> str:
    """Return the condition that a precondition's kind stands for."""
    return _CONDITIONS.get(kind) or (kind if kind.startswith("transform:") else f"transform:{kind}")


def permission_of(rule: str, fields: Mapping[str, Any], recipients: Callable[[Sequence[str]], list[str]]) -> Permission:
    """Return a case\'s permission; `recipients` gives the parties behind local names."""
    extra: dict[str, Any] = {}
    if fields.get("actors") is not None:
        extra["recipients"] = recipients(fields["actors"])
    if fields.get("licences") is not None:
        extra["licences"] = fields["licences"]
    return Permission(
        rule=rule,
        activities=fields["activities"],
        aims=fields["aims"],
        contexts=fields["contexts"],
        max_audience=fields["max_audience"],
        territories=fields["territories"],
        explicit=bool(fields.get("explicit")),
        **extra,
    )


def prohibition_of(
    fields: Mapping[str, Any], recipients: Callable[[Sequence[str]], list[str]], **extra: Any
) -> Prohibition:
    """Return a case\'s prohibition; `recipients` gives the parties behind local names."""
    # `max_audience` cannot narrow a prohibition: whoever may not reach a lower rung may not reach a higher one.
    for name in ("activities", "aims", "contexts", "min_audience", "territories", "licences"):
        if fields.get(name) is not None:
            extra[name] = fields[name]
    if fields.get("actors") is not None:
        extra["recipients"] = recipients(fields["actors"])
    return Prohibition(**extra)
