"""The demo's files are what their names say, play, and are all different."""

import hashlib
import shutil
import struct
import subprocess
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from consent_ledger.demo_media import write_media

CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"udta", b"meta", b"ilst", b"\xa9cmt"}
FORMATS = ["mp4", "mp4", "mp4", "mp4", "mp4", "jpg", "wav", "mp4"]


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, int, Path]]:
    return write_media(tmp_path_factory.mktemp("media"))


def of_format(media: list[tuple[int, int, Path]], suffix: str) -> Iterator[tuple[bytes, bytes]]:
    """Yield the comment that each file should hold, and its bytes."""
    for contributor, _, path in media:
        if path.suffix == suffix:
            yield f"contributor c{contributor:04d}".encode(), path.read_bytes()


def boxes(raw: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Walk ISO 14496-12 boxes depth first: kind, start and end of the content; sizes must fill their parent."""
    while start < end:
        size, kind = struct.unpack_from(">I4s", raw, start)
        assert 8 <= size <= end - start
        content = start + (12 if kind == b"meta" else 8)
        yield kind, content, start + size
        if kind in CONTAINERS:
            yield from boxes(raw, content, start + size)
        start += size


def test_thirty_contributors_have_eight_different_files_each(media: list[tuple[int, int, Path]]) -> None:
    digests = {hashlib.sha256(path.read_bytes()).digest() for _, _, path in media}
    assert [(person, clip) for person, clip, _ in media] == [(i, k) for i in range(30) for k in range(8)]
    assert [path.suffix for _, _, path in media[:8]] == [f".{suffix}" for suffix in FORMATS]
    assert len(digests) == 240
    assert sum(path.stat().st_size for _, _, path in media) <= 3_000_000


def test_the_same_media_are_written_again(media: list[tuple[int, int, Path]], tmp_path: Path) -> None:
    again = write_media(tmp_path, contributors=2, clips=3)
    assert [(i, k) for i, k, _ in again] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert again[4][2].read_bytes() == next(path for i, k, path in media if (i, k) == (1, 1)).read_bytes()


def test_a_film_is_whole_and_its_samples_are_where_it_says(media: list[tuple[int, int, Path]]) -> None:
    for comment, raw in of_format(media, ".mp4"):
        found = {kind: (start, end) for kind, start, end in boxes(raw, 0, len(raw))}
        assert raw[4:12] == b"ftypisom"
        assert b"avc1" in raw[slice(*found[b"stsd"])]
        assert raw[slice(*found[b"data"])] == struct.pack(">II", 1, 0) + comment
        count, first_chunk = struct.unpack_from(">II", raw, found[b"stco"][0] + 4)
        assert count >= 1
        assert first_chunk == found[b"mdat"][0]


def test_a_photo_has_every_segment_that_it_needs(media: list[tuple[int, int, Path]]) -> None:
    for comment, raw in of_format(media, ".jpg"):
        segments, at = {}, 2
        while (marker := raw[at : at + 2]) != b"\xff\xda":  # start of scan
            (size,) = struct.unpack_from(">H", raw, at + 2)
            segments[marker] = raw[at + 4 : at + 2 + size]
            at += 2 + size
        assert list(segments)[:2] == [b"\xff\xe0", b"\xff\xfe"]
        assert segments[b"\xff\xe0"][:5] == b"JFIF\0"
        assert segments[b"\xff\xfe"] == comment
        assert struct.unpack_from(">BHH", segments[b"\xff\xc0"]) == (8, 120, 160)
        assert {b"\xff\xdb", b"\xff\xc4"} <= set(segments)
        assert (raw[:2], raw[-2:]) == (b"\xff\xd8", b"\xff\xd9")


def test_a_sound_is_whole(media: list[tuple[int, int, Path]]) -> None:
    for comment, raw in of_format(media, ".wav"):
        assert struct.unpack_from("<4sI4s", raw) == (b"RIFF", len(raw) - 8, b"WAVE")
        assert raw.endswith(comment + b"\0" * (2 - len(comment) % 2))
    with wave.open(str(media[6][2])) as sound:
        assert (sound.getnchannels(), sound.getframerate(), sound.getnframes()) == (1, 8000, 8000)


def test_an_independent_decoder_plays_them_where_there_is_one(media: list[tuple[int, int, Path]]) -> None:
    """The structure is always checked above; ffprobe, if the machine has it, must read frames and the comment too."""
    for _, clip, path in media[8:16] if shutil.which("ffprobe") else []:
        asked = "format_tags=comment:stream=nb_read_frames"
        command = ["ffprobe", "-v", "error", "-count_frames", "-show_entries", asked, "-of", "flat", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        frames = {".mp4": "24", ".jpg": "1"}.get(path.suffix)
        assert done.stderr == ""
        assert frames is None or f'nb_read_frames="{frames}"' in done.stdout
        assert FORMATS[clip] == "jpg" or "contributor c0001" in done.stdout
