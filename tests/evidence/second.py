"""The one-file verifier, loaded as a program would be: it is no part of the package."""

import importlib.util
import tempfile
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

FILE = Path(__file__).parent.parent.parent / "deploy" / "verify_bundle.py"


class Found(NamedTuple):
    """What it came to."""

    findings: list[tuple[int | None, str]]
    not_checked: list[str]
    statements: int
    signatures: int

    @property
    def first_bad(self) -> int | None:
        """The first entry that something is wrong with."""
        return min((entry for entry, _ in self.findings if entry is not None), default=None)


class Second:
    """Ask it as its own `main` does."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def bundle(self, place: Path, vkey: str, older: list[bytes] | None = None) -> Found:
        with tempfile.TemporaryDirectory() as scratch:
            book, findings, not_checked = self._module.check(place, Path(scratch), vkey.split(), older or [])
        return Found(findings, not_checked, len(book.ids), book.signatures)

    def certificate(self, raw: bytes, vkey: str) -> list[tuple[int | None, str]]:
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch, "certificate.json")
            path.write_bytes(raw)
            return self.bundle(path, vkey).findings


@pytest.fixture(scope="session")
def second() -> Second:
    spec = importlib.util.spec_from_file_location("verify_bundle", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Second(module)
