"""Draw the base media of the demo: `python make.py` beside this file; wants ffmpeg. The results are committed.

Every picture is computed here, from discs, boxes and lines, so nobody's face or work is in it.
"""

import math
import subprocess
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

WIDTH, HEIGHT, RATE, FRAMES = 160, 120, 15, 24

Colour = tuple[int, int, int]
Drawing = Callable[["Picture", float], None]

SKY, GRASS, SEA, NIGHT, PAPER = (168, 210, 240), (110, 170, 90), (40, 90, 150), (24, 28, 56), (244, 238, 226)
SKIN, BROWN, DARK, RED = (232, 190, 160), (150, 100, 70), (40, 34, 40), (200, 60, 50)
YELLOW, WHITE = (250, 205, 70), (255, 255, 255)


class Picture:
    """One RGB frame that shapes are painted on."""

    def __init__(self, background: Colour) -> None:
        self.pixels = bytearray(bytes(background) * (WIDTH * HEIGHT))

    def row(self, y: int, left: float, right: float, colour: Colour) -> None:
        """Paint one line of pixels, as far as it is inside the frame."""
        start, end = max(0, round(left)), min(WIDTH, round(right))
        if 0 <= y < HEIGHT and start < end:
            at = (y * WIDTH + start) * 3
            self.pixels[at : at + (end - start) * 3] = bytes(colour) * (end - start)

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """Paint a box whose upper left corner is at (x, y)."""
        for line in range(round(y), round(y + height)):
            self.row(line, x, x + width, colour)

    def disc(self, x: float, y: float, across: float, colour: Colour, high: float | None = None) -> None:
        """Paint an ellipse around (x, y) with the half axes `across` and `high`."""
        high = across if high is None else high
        for line in range(math.floor(y - high), math.ceil(y + high) + 1):
            if abs(line - y) < high:
                half = across * math.sqrt(1 - ((line - y) / high) ** 2)
                self.row(line, x - half, x + half, colour)


def draw_face(picture: Picture, x: float, y: float, skin: Colour, moment: float) -> None:
    """Draw a head that nods, speaks and blinks once."""
    y += 3 * math.sin(moment * math.tau)
    picture.disc(x, y + 62, 34, RED, 30)
    picture.disc(x, y - 8, 29, DARK, 32)
    picture.disc(x, y, 26, skin, 31)
    for eye in (x - 10, x + 10):
        picture.disc(eye, y - 6, 5, WHITE, 1 if 0.45 < moment < 0.55 else 4)
        picture.disc(eye + 2 * math.sin(moment * math.tau), y - 6, 2, DARK, 1 if 0.45 < moment < 0.55 else 2)
    picture.disc(x, y + 14, 9, RED, 2 + 3 * abs(math.sin(moment * 3 * math.tau)))


def portrait(picture: Picture, moment: float) -> None:
    """One person speaks."""
    draw_face(picture, 80, 52, SKIN, moment)


def couple(picture: Picture, moment: float) -> None:
    """Two people speak, out of step."""
    draw_face(picture, 46, 54, BROWN, moment)
    draw_face(picture, 114, 52, SKIN, (moment + 0.4) % 1)


def ball(picture: Picture, moment: float) -> None:
    """A ball bounces through a meadow."""
    picture.box(0, 90, WIDTH, 30, GRASS)
    picture.disc(15 + 130 * moment, 80 - 55 * abs(math.sin(moment * 3 * math.pi)), 10, RED)


def boat(picture: Picture, moment: float) -> None:
    """A boat rides the waves."""
    lift = 4 * math.sin(moment * 2 * math.tau)
    left = 20 + 60 * moment
    for line in range(34):
        picture.row(round(38 + lift + line), left + 22, left + 22 + line, WHITE)
    picture.box(left, 74 + lift, 60, 12, BROWN)
    for x in range(0, WIDTH, 2):
        picture.box(x, 84 + 4 * math.sin(x / 12 + moment * 2 * math.tau), 2, 50, SEA)


def sunrise(picture: Picture, moment: float) -> None:
    """The sun rises behind a house."""
    picture.disc(46, 96 - 66 * moment, 16, YELLOW)
    picture.box(0, 92, WIDTH, 28, GRASS)
    picture.box(92, 62, 44, 34, RED)
    for line in range(22):
        picture.row(41 + line, 114 - line * 1.3, 114 + line * 1.3, DARK)
    picture.box(108, 76, 12, 20, YELLOW if moment < 0.5 else BROWN)


def dancers(picture: Picture, moment: float) -> None:
    """Discs circle one another by night."""
    for index, colour in enumerate((RED, YELLOW, SKY, WHITE, GRASS)):
        angle = (moment + index / 5) * math.tau
        picture.disc(80 + 50 * math.cos(angle), 60 + 34 * math.sin(angle), 8 + 3 * math.sin(2 * angle), colour)


FILMS: dict[str, tuple[Colour, Drawing]] = {
    "portrait": (PAPER, portrait),
    "ball": (SKY, ball),
    "boat": (SKY, boat),
    "sunrise": (SKY, sunrise),
    "dancers": (NIGHT, dancers),
    "couple": (PAPER, couple),
}


def frames(background: Colour, drawing: Drawing) -> Iterator[bytes]:
    """Yield the RGB frames of one film."""
    for number in range(FRAMES):
        picture = Picture(background)
        drawing(picture, number / FRAMES)
        yield bytes(picture.pixels)


def encode(raw: bytes, path: Path, *options: str) -> None:
    """Have ffmpeg write RGB frames as a film or photo, with nothing of this machine or moment in it."""
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE), "-i", "-"]
    exact = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *source, *exact, *options, str(path)], input=raw, check=True)


def write_sound(path: Path) -> None:
    """Write four notes that fade, one second, 8 bits at 8 kHz."""
    second = 8000
    notes = (262, 330, 392, 523)
    samples = bytearray()
    for at in range(second):
        within = (at * len(notes) % second) / second
        note = notes[at * len(notes) // second]
        samples.append(128 + round(90 * (1 - within) * math.sin(math.tau * note * at / second)))
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(second)
        sound.writeframes(bytes(samples))


def main() -> None:
    """Write all base media beside this file."""
    here = Path(__file__).parent
    film = ["-c:v", "libx264", "-preset", "veryslow", "-crf", "30", "-pix_fmt", "yuv420p", "-threads", "1"]
    film += ["-bsf:v", "filter_units=remove_types=6"]  # x264 would leave its options in every film
    for name, (background, drawing) in FILMS.items():
        encode(b"".join(frames(background, drawing)), here / f"{name}.mp4", *film)
    still = Picture(PAPER)
    portrait(still, 0.2)
    encode(bytes(still.pixels), here / "photo.jpg", "-q:v", "3", "-frames:v", "1", "-vf", "setsar=1")
    write_sound(here / "melody.wav")


if __name__ == "__main__":
    main()
