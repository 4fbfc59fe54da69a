"""What the lint of a template finds, said to the person who writes the template."""

from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "note"]


class Finding(NamedTuple):
    """One finding: its stable code, where it is, what is wrong and why that matters, and what to do about it.

    An `error` means that the template should not be published, a `warning` that it should be read again; a `note`
    says what a reader of the report must know."""

    severity: Severity
    code: str
    where: str
    problem: str
    remedy: str
