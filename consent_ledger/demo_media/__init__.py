"""Real media for the demo: eight small files a contributor, each playable and each different from all others.

What differs is the contributor's code, written where the format keeps a comment, so that 240 files come from eight.
`make.py` drew those eight.
"""

import struct
from collections.abc import Callable
from pathlib import Path

CLIPS = (
    "portrait.mp4",
    "ball.mp4",
    "boat.mp4",
    "sunrise.mp4",
    "dancers.mp4",
    "photo.jpg",
    "melody.wav",
    "couple.mp4",  # the clip that shows two people
)


def write_media(directory: Path, contributors: int = 30, clips: int = len(CLIPS)) -> list[tuple[int, int, Path]]:
    """Write `c0000/0-portrait.mp4` and so on below `directory`, and return (contributor, clip, path) of each file.

    The same arguments write the same bytes. There are eight clips at most.
    """
    bases = [(clip, name, (Path(__file__).parent / name).read_bytes()) for clip, name in enumerate(CLIPS[:clips])]
    written = []
    for contributor in range(contributors):
        code = f"c{contributor:04d}"
        folder = directory / code
        folder.mkdir(parents=True, exist_ok=True)
        for clip, name, base in bases:
            path = folder / f"{clip}-{name}"
            path.write_bytes(TAGS[path.suffix](base, f"contributor {code}".encode("ascii")))
            written.append((contributor, clip, path))
    return written


def tag_mp4(base: bytes, comment: bytes) -> bytes:
    """Add a comment to the film's list of tags (`moov/udta/meta/ilst`), which ends the file, so no offset moves."""
    value = struct.pack(">I4sII", 16 + len(comment), b"data", 1, 0) + comment
    item = struct.pack(">I4s", 8 + len(value), b"\xa9cmt") + value
    film = bytearray(base + item)
    for kind in (b"moov", b"udta", b"meta", b"ilst"):
        at = base.rindex(kind) - 4
        (size,) = struct.unpack_from(">I", base, at)
        struct.pack_into(">I", film, at, size + len(item))
    return bytes(film)


def tag_jpeg(base: bytes, comment: bytes) -> bytes:
    """Add a COM segment behind the JFIF header, which must come first."""
    (header,) = struct.unpack_from(">H", base, 4)
    return base[: 4 + header] + struct.pack(">2sH", b"\xff\xfe", 2 + len(comment)) + comment + base[4 + header :]


def tag_wav(base: bytes, comment: bytes) -> bytes:
    """Add a LIST chunk of type INFO with a comment, at the end; chunks have even lengths."""
    text = comment + b"\0" * (2 - len(comment) % 2)
    tag = struct.pack("<4sI4s4sI", b"LIST", 12 + len(text), b"INFO", b"ICMT", len(text)) + text
    return base[:4] + struct.pack("<I", len(base) - 8 + len(tag)) + base[8:] + tag


TAGS: dict[str, Callable[[bytes, bytes], bytes]] = {".mp4": tag_mp4, ".jpg": tag_jpeg, ".wav": tag_wav}
