"""The wording of a template: full texts and summaries, as their files have it.

A file is UTF-8 with LF line ends and says only what every reader of it can show: one `# title`, `## clauses` that end
in an anchor (`{#rule-open}`), paragraphs, `- items`, `> notes` and `**emphasis**`. An anchor names what the clause
makes, so a text and the rules that machines read can be held against each other. What a person agrees to is the
bytes of the file; this is only how they are shown and compared.
"""

import re
import unicodedata
from typing import Final, Literal, NamedTuple

from consent_ledger.errors import MalformedError

MAX_WORDING_BYTES: Final = 256 * 1024

_HEADING: Final = re.compile(r"(?P<title>[^{}]+?)(?: \{#(?P<anchor>[a-z][a-z0-9_]*(?:-[a-z0-9_:.\-]+)?)\})?")


class Block(NamedTuple):
    """A paragraph, an item of a list, or a note."""

    kind: Literal["paragraph", "item", "note"]
    text: str


class Clause(NamedTuple):
    """A heading, the anchor that says what the clause makes (None: it has none), and what stands below it."""

    anchor: str | None
    heading: str
    blocks: tuple[Block, ...]


class Wording(NamedTuple):
    """One file: its exact bytes, its title, what stands before the first clause, and the clauses."""

    raw: bytes
    title: str
    opening: tuple[Block, ...]
    clauses: tuple[Clause, ...]


def parse_wording(raw: bytes, name: str) -> Wording:
    """Return the wording that the bytes of the file `name` say. Raises MalformedError naming the line."""
    lines = _decode(raw, name).split("\n")
    if not lines[0].startswith("# ") or not lines[0][2:].strip():
        raise MalformedError(f"`{name}` line 1 is not a title, want `# ` and the title")
    title = lines[0][2:].strip()
    sections: list[tuple[str, str | None, list[str]]] = [("", None, [])]
    for number, line in enumerate(lines[1:], start=2):
        if not line.startswith("#"):
            sections[-1][2].append(line)
            continue
        match = _HEADING.fullmatch(line[3:].strip()) if line.startswith("## ") else None
        if match is None:
            raise MalformedError(f"`{name}` line {number} is not a clause, want `## ` heading and `{{#anchor}}`")
        sections.append((match["title"], match["anchor"], []))
    (_, _, first), *rest = sections
    clauses = tuple(Clause(anchor, heading, _blocks(body, name)) for heading, anchor, body in rest)
    return Wording(raw, title, _blocks(first, name), clauses)


def _decode(raw: bytes, name: str) -> str:
    if len(raw) > MAX_WORDING_BYTES:
        raise MalformedError(f"`{name}` has {len(raw)} bytes, want at most {MAX_WORDING_BYTES}")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as e:
        raise MalformedError(f"`{name}` is not UTF-8 at byte {e.start}") from e
    if not unicodedata.is_normalized("NFC", text):
        raise MalformedError(f"`{name}` is not in Unicode normal form C")
    odd = next((c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")), None)
    if odd is not None:
        # a carriage return or an invisible character could make two readers see two texts
        raise MalformedError(f"`{name}` has the invisible character U+{ord(odd):04X}, want plain lines that end in LF")
    return text


def _blocks(lines: list[str], name: str) -> tuple[Block, ...]:
    """Join lines into blocks: an empty line ends one, each `- ` begins an item, lines of `> ` make one note."""
    blocks: list[Block] = []
    is_open = False
    for line in lines:
        text = line.strip()
        kind = _kind(text)
        said = text if kind == "paragraph" else text[2:].strip()
        if text and is_open and (kind == "paragraph" or kind == blocks[-1].kind == "note"):
            blocks[-1] = Block(blocks[-1].kind, f"{blocks[-1].text} {said}")
        elif text:
            blocks.append(Block(kind, said))
        is_open = bool(text)
    for block in blocks:
        if block.text.count("**") % 2:
            raise MalformedError(f"`{name}`: emphasis is not closed in `{block.text[:40]}`, want a second `**`")
    return tuple(blocks)


def _kind(line: str) -> Literal["paragraph", "item", "note"]:
    if line.startswith("- "):
        return "item"
    return "note" if line.startswith("> ") else "paragraph"
