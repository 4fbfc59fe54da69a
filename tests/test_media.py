"""Naming files by their bytes: every size that takes another path through the code, and everything that is no file."""

import hashlib
import os
from pathlib import Path

import pytest

from consent_ledger.errors import LedgerError, MalformedError
from consent_ledger.media import CHUNK, Hashed, Unusable, asset_of, find_files, hash_file, hash_files, parse_hash_line


@pytest.mark.parametrize("size", [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 9 * CHUNK + 7])
def test_a_file_is_named_by_the_hash_of_its_bytes(tmp_path: Path, size: int) -> None:
    content = os.urandom(1021) * (size // 1021 + 1)
    path = tmp_path / "film.mp4"
    path.write_bytes(content[:size])
    assert hash_file(path) == Hashed(path, "sha256:" + hashlib.sha256(content[:size]).hexdigest(), size)
    assert asset_of(str(path)) == "sha256:" + hashlib.sha256(content[:size]).hexdigest()


def test_many_files_keep_their_order_and_what_is_wrong_stays_among_them(tmp_path: Path) -> None:
    paths = []
    for number in range(200):
        path = tmp_path / str(number)
        path.write_bytes(b"%d" % number + bytes(CHUNK + number if number % 50 == 0 else 0))
        paths.append(path)
    paths[17].write_bytes(b"")
    found = list(hash_files([*paths, Unusable(tmp_path, "said before")]))
    assert [item.path for item in found] == [*paths, tmp_path]
    assert [item for item in found if isinstance(item, Unusable)] == [
        Unusable(paths[17], "is empty"),
        Unusable(tmp_path, "said before"),
    ]


@pytest.mark.parametrize("name", ["absent", "zero\0byte", "x" * 300])
def test_a_name_without_a_file_is_a_finding(tmp_path: Path, name: str) -> None:
    assert isinstance(hash_file(tmp_path / name), Unusable)
    with pytest.raises(LedgerError, match="neither a hash nor a file"):
        asset_of(str(tmp_path / name))


def test_a_device_and_a_pipe_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        assert hash_file(path) == Unusable(path, "is not a file")


def test_folders_are_walked_by_name_links_followed_and_no_folder_twice(tmp_path: Path) -> None:
    (tmp_path / "b/c").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    for name in ("b/2", "b/1", "b/c/3", "elsewhere/4"):
        (tmp_path / name).write_text(name)
    (tmp_path / "b/there").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "b/c/up").symlink_to(tmp_path / "b")
    found = list(find_files([tmp_path / "b"]))
    assert [str(item.relative_to(tmp_path)) for item in found if isinstance(item, Path)] == [
        "b/1", "b/2", "b/c/3", "b/there/4",
    ]  # fmt: skip
    assert [item for item in found if isinstance(item, Unusable)] == [
        Unusable(tmp_path / "b/c/up", "leads to a folder that was walked already", lost=False)
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"a" * 64, ("sha256:" + "a" * 64, None)),
        (b"sha256:" + b"a" * 64 + b"\r\n", ("sha256:" + "a" * 64, None)),
        (b"a" * 64 + b"  a name.mp4\n", ("sha256:" + "a" * 64, "a name.mp4")),
        (b"a" * 64 + b" *binary.mp4\n", ("sha256:" + "a" * 64, "binary.mp4")),
    ],
)
def test_a_line_of_sha256sum_is_read(line: bytes, expected: tuple[str, str | None]) -> None:
    assert parse_hash_line(line) == expected


@pytest.mark.parametrize("line", [b"A" * 64, b"a" * 63, b"a" * 65, b"md5:" + b"a" * 64, b"\xff", b"film.mp4"])
def test_what_is_not_a_hash_is_refused(line: bytes) -> None:
    with pytest.raises(MalformedError, match="is not a sha-256 hash"):
        parse_hash_line(line)
