import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from consent_ledger.errors import KeyFileError
from consent_ledger.keyfile import Cost, new_seed, read_key_file, write_key_file
from consent_ledger.signing.keys import SigningKey

SEED = bytes(range(32))
CHEAP = Cost(passes=1, memory=8192)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.key"


def refused(path: Path, passphrase: str | None = None) -> str:
    with pytest.raises(KeyFileError) as caught:
        read_key_file(path, passphrase)
    assert str(path) in str(caught.value)
    return caught.value.code


@pytest.mark.parametrize("passphrase", [None, "correct horse", "", "wachtwoord é"])
def test_a_key_is_read_back_as_it_was_written(path: Path, passphrase: str | None) -> None:
    public_key = write_key_file(path, SEED, passphrase, cost=CHEAP)
    assert public_key == SigningKey.from_seed(SEED).public_key
    assert read_key_file(path, passphrase).public_key == public_key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["log.key"]


def test_a_sealed_file_does_not_hold_the_seed(path: Path) -> None:
    write_key_file(path, SEED, "correct horse", cost=CHEAP)
    text = path.read_bytes()
    assert msgspec.json.encode(SEED).strip(b'"') not in text
    assert SEED not in text
    assert SEED.hex().encode() not in text


def test_two_files_of_one_key_differ(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_key_file(tmp_path / name, SEED, "correct horse", cost=CHEAP)
    assert (tmp_path / "a").read_bytes() != (tmp_path / "b").read_bytes()


def test_seeds_are_fresh() -> None:
    assert len({new_seed() for _ in range(100)}) == 100
    assert len(new_seed()) == 32


def test_a_wrong_or_missing_passphrase_is_told_apart(path: Path) -> None:
    write_key_file(path, SEED, "correct horse", cost=CHEAP)
    assert refused(path, "wrong horse") == "wrong_passphrase"
    assert refused(path) == "passphrase_needed"


def test_the_default_cost_is_that_of_a_key_worth_guessing(path: Path) -> None:
    assert Cost() == Cost(passes=3, memory=256 * 1024 * 1024)


def test_nothing_is_ever_overwritten(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(KeyFileError, match="not overwritten") as caught:
        write_key_file(path, SEED)
    assert caught.value.code == "exists"
    assert path.read_text() == "precious"
    assert os.listdir(path.parent) == ["log.key"]


def test_a_dangling_link_is_not_followed_when_writing(path: Path) -> None:
    path.symlink_to(path.parent / "elsewhere")
    with pytest.raises(KeyFileError):
        write_key_file(path, SEED)
    assert not (path.parent / "elsewhere").exists()


def test_a_directory_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot be written: no such file or directory"):
        write_key_file(tmp_path / "nowhere" / "log.key", SEED)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o601, 0o610, 0o777])
def test_a_file_that_others_can_open_is_refused(path: Path, mode: int) -> None:
    write_key_file(path, SEED)
    path.chmod(mode)
    assert refused(path) == "open_to_others"


def test_a_file_only_its_owner_can_read_is_read(path: Path) -> None:
    write_key_file(path, SEED)
    path.chmod(0o400)
    assert read_key_file(path).public_key == SigningKey.from_seed(SEED).public_key


def test_a_file_that_is_not_there_is_said(path: Path) -> None:
    assert refused(path) == "missing"


def test_a_directory_or_a_pipe_is_no_key_file(path: Path) -> None:
    assert refused(path.parent) == "not_a_key_file"
    os.mkfifo(path, 0o600)
    assert refused(path) == "not_a_key_file"


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    document = msgspec.json.decode(path.read_bytes())
    change(document)
    path.write_bytes(msgspec.json.encode(document, order="sorted"))


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(format="consent-ledger/key/v2"),
        lambda d: d.update(keyid="sha256:" + "0" * 64),
        lambda d: d.update(seed="QQ=="),
        lambda d: d.update(seed="AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHiA="),
        lambda d: d.pop("seed"),
        lambda d: d.update(more=1),
    ],
)
def test_a_damaged_file_is_refused(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    write_key_file(path, SEED)
    rewrite(path, change)
    assert refused(path) == "not_a_key_file"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda d: d["sealed"].update(box="QQ=="), "wrong_passphrase"),
        (lambda d: d.update(keyid="sha256:" + "0" * 64), "wrong_passphrase"),
        (lambda d: d["sealed"]["cost"].update(memory=1 << 40), "not_a_key_file"),
        (lambda d: d["sealed"]["cost"].update(memory=1), "not_a_key_file"),
        (lambda d: d["sealed"]["cost"].update(passes=10**9), "not_a_key_file"),
        (lambda d: d["sealed"].update(salt="QQ=="), "not_a_key_file"),
        (lambda d: d["sealed"].update(nonce="QQ=="), "not_a_key_file"),
        (lambda d: d.update(seed=d["sealed"]["box"]), "not_a_key_file"),
    ],
)
def test_a_damaged_sealed_file_is_refused(path: Path, change: Callable[[dict[str, Any]], object], code: str) -> None:
    write_key_file(path, SEED, "correct horse", cost=CHEAP)
    rewrite(path, change)
    assert refused(path, "correct horse") == code


@pytest.mark.parametrize("raw", [b"", b"{}", b"-----BEGIN PRIVATE KEY-----\n", b"\xff" * 100, b"[" * 100_000])
def test_another_file_is_no_key_file(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)
    path.chmod(0o600)
    assert refused(path) == "not_a_key_file"
