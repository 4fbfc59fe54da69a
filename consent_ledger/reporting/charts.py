"""Pictures as SVG, drawn from numbers alone: no script, no style attribute, nothing from elsewhere.

Shapes tell witnesses apart, not only colours. Colours stand in attributes, which paper takes, and a page's style sheet
has the last word by the classes beside them, for light and dark.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from math import ceil
from typing import NamedTuple

from consent_ledger.signing.instants import SECOND

WIDTH = 720
GROWTH_HEIGHT, BARS_HEIGHT = 300, 200
FONT = "Report"
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 14, 34
_GREY, _BLUE = "#4a525c", "#0b4f9e"
_COLOURS = ("#b3470a", "#1c6b3a", "#7a1fa2", "#7a5a00", "#a3161b", "#16191d")
_SHAPES = ("circle", "square", "diamond", "triangle")


class Labels(NamedTuple):
    """What a picture is called, what it shows, in words, and the unit of its axis."""

    title: str
    text: str
    unit: str


class _Scale(NamedTuple):
    first: int
    last: int
    step: int
    height: int

    def x(self, at: int) -> float:
        share = 0.5 if self.last == self.first else (at - self.first) / (self.last - self.first)
        return round(_LEFT + min(1.0, max(0.0, share)) * (WIDTH - _LEFT - _RIGHT), 1)

    def y(self, size: int) -> float:
        return round(self.floor - size / (4 * self.step) * (self.floor - _TOP), 1)

    @property
    def floor(self) -> int:
        return self.height - _BOTTOM


def growth_chart(
    points: Sequence[tuple[int, int]], marks: Sequence[tuple[int, int, str]], names: Mapping[str, str], labels: Labels
) -> str:
    """Return the picture of a log's size over time.

    `points` are (instant in microseconds, size) in order; `marks` are (instant, size, witness), cosignatures; `names`
    are what the witnesses are called.
    """
    if not points:
        return ""
    instants = [at for at, _ in points] + [at for at, _, _ in marks]
    scale = _Scale(min(instants), max(instants), _step(max(size for _, size in points)), GROWTH_HEIGHT)
    order = {witness: n for n, witness in enumerate(names)}
    parts = [
        _begin(scale.height, labels),
        *_sizes(scale, labels.unit),
        *_times(scale),
        f'<path class="line" fill="none" stroke="{_BLUE}" stroke-width="2" d="{_steps(points, scale)}"/>',
        # Witnesses often sign at once: each has its own height above the line, so that none hides another.
        *(
            _mark(scale.x(at), round(scale.y(size) - 10 * (order[witness] % 4), 1), order[witness])
            for at, size, witness in marks
            if witness in order
        ),
        "</svg>",
    ]
    return "".join(parts)


def mark_sample(n: int) -> str:
    """Return the mark of the witness with that number, for a legend; its name stands beside it."""
    return f'<svg class="sample" viewBox="0 0 14 14" aria-hidden="true">{_mark(7, 7, n)}</svg>'


def _steps(points: Sequence[tuple[int, int]], scale: _Scale) -> str:
    (at, size), *rest = points
    drawn = [f"M{scale.x(at)} {scale.y(size)}"]
    drawn += [f"H{scale.x(at)}V{scale.y(size)}" for at, size in rest]
    return "".join([*drawn, f"H{scale.x(scale.last)}"])


def _step(most: int) -> int:
    """Return a round number, four of which are not less: 1, 2, 5, 10, 20, 50 and so on."""
    tens = (int("1" + "0" * power) for power in range(18))
    return next(part * ten for ten in tens for part in (1, 2, 5) if 4 * part * ten >= most)


def _begin(height: int, labels: Labels) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(labels.title)}">'
        f"<title>{escape(labels.title)}</title><desc>{escape(labels.text)}</desc>"
    )


def _text(x: float, y: float, anchor: str, words: str) -> str:
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-family="{FONT}" font-size="11" fill="{_GREY}">'
        f"{escape(words)}</text>"
    )


def _sizes(scale: _Scale, unit: str) -> list[str]:
    drawn = []
    for size in range(0, 4 * scale.step + 1, scale.step):
        y = scale.y(size)
        drawn.append(f'<path class="grid" stroke="#dfe3e8" d="M{_LEFT} {y}H{WIDTH - _RIGHT}"/>')
        drawn.append(_text(_LEFT - 8, y + 4, "end", _short(size)))
    return [*drawn, _text(_LEFT + 6, _TOP + 10, "start", unit)]


def _short(size: int) -> str:
    for power, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if size >= 10 * power or (size >= power and size % power == 0):
            return f"{size / power:g}{letter}"
    return str(size)


def _times(scale: _Scale) -> list[str]:
    if scale.first == scale.last:
        return [_time(scale, scale.first, "middle", whole=True)]
    long = scale.last - scale.first >= 4 * 86_400 * SECOND
    middle = (scale.first + scale.last) // 2
    return [
        _time(scale, scale.first, "start", whole=not long),
        _time(scale, middle, "middle", whole=not long),
        _time(scale, scale.last, "end", whole=not long),
    ]


def _time(scale: _Scale, at: int, anchor: str, *, whole: bool) -> str:
    moment = datetime.fromtimestamp(at // SECOND, UTC)
    words = f"{moment:%Y-%m-%d %H:%M}" if whole else f"{moment:%Y-%m-%d}"
    return _text(scale.x(at), scale.height - 10, anchor, words)


def _mark(x: float, y: float, n: int) -> str:
    colour = f'class="mark mark{n % 6}" stroke="#fff" fill="{_COLOURS[n % len(_COLOURS)]}"'
    match _SHAPES[n % len(_SHAPES)]:
        case "circle":
            return f'<circle {colour} cx="{x}" cy="{y}" r="4.5"/>'
        case "square":
            return f'<rect {colour} x="{round(x - 4, 1)}" y="{round(y - 4, 1)}" width="8" height="8"/>'
        case "diamond":
            return f'<path {colour} d="M{x} {round(y - 5.5, 1)}l5.5 5.5l-5.5 5.5l-5.5 -5.5z"/>'
        case _:
            return f'<path {colour} d="M{x} {round(y - 5, 1)}l5 9h-10z"/>'


def bar_chart(bars: Sequence[tuple[str, int]], labels: Labels) -> str:
    """Return the picture of some counts, each between its name and its number."""
    if not bars:
        return ""
    scale = _Scale(0, 1, _step(max(count for _, count in bars)), BARS_HEIGHT)
    room = (WIDTH - _LEFT - _RIGHT) / len(bars)
    width = round(min(room * 0.7, 60), 1)
    every = ceil(len(bars) / 12)
    parts = [_begin(scale.height, labels), *_sizes(scale, labels.unit)]
    for n, (name, count) in enumerate(bars):
        middle, top = round(_LEFT + (n + 0.5) * room, 1), scale.y(count)
        height = round(scale.floor - top, 1)
        parts.append(
            f'<rect class="bar" fill="{_BLUE}" x="{round(middle - width / 2, 1)}" y="{top}" width="{width}" '
            f'height="{height}"/>'
        )
        if n % every == 0:
            parts += [_text(middle, scale.height - 10, "middle", name), _text(middle, top - 4, "middle", _short(count))]
    return "".join([*parts, "</svg>"])
