"""What the demo shows: scenes with words, tables, the same by hand, and answers held against what they should be."""

from typing import NamedTuple


class Scene(NamedTuple):
    """A new step begins."""

    title: str


class Text(NamedTuple):
    """A paragraph for people who know nothing of this yet."""

    text: str


class Command(NamedTuple):
    """What one would type to do the same by hand: the words behind the program's name."""

    words: tuple[str, ...]


class Table(NamedTuple):
    """Rows under headings."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Answer(NamedTuple):
    """What came out, and what should."""

    what: str
    expected: str
    got: str

    @property
    def right(self) -> bool:
        """Whether it came out as it should."""
        return self.expected == self.got


Event = Scene | Text | Command | Table | Answer
