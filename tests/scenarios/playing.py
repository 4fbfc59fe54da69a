"""A stage for the scenarios: a ledger's home, the command line in this process as typed, and what it answered."""

import csv
import io
import json
import sys
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from consent_ledger.clearance import Engine, clear
from consent_ledger.cli import main
from consent_ledger.licenses.masks import Use
from consent_ledger.store.engine import open_store
from tests.cli.running import Ran

Word = str | Path | int

OPEN = ("--activity", "train", "--aim", "general", "--context", "commercial", "--audience", "open",
        "--licence", "CC-BY-4.0")  # fmt: skip
INTERNAL = ("--activity", "train", "--aim", "general", "--context", "commercial", "--audience", "internal")


class Answers(NamedTuple):
    """What `check` said: the exit code, how many allow, deny and undetermined, and a row for each asset."""

    code: int
    counts: tuple[int, int, int]
    rows: list[dict[str, str]]

    def of(self, verdict: str) -> list[dict[str, str]]:
        """The rows with a verdict."""
        return [row for row in self.rows if row["verdict"] == verdict]

    def reasons(self, verdict: str) -> set[str]:
        """The reasons that occur with a verdict."""
        return {row["reasons"] for row in self.of(verdict)}


class Stage(NamedTuple):
    """A folder with `home` in it."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def run(self, *words: Word, stdin: str = "") -> Ran:
        """Run a command as typed; --home is said for it."""
        arguments = ["--home", str(self.home), *map(str, words)]
        with CliRunner().isolation(input=stdin) as (out, err, _):
            with pytest.raises(SystemExit) as stopped:
                main(arguments)
            sys.stdout.flush()  # as at the end of a process
        return Ran(int(stopped.value.code or 0), out.getvalue().decode(), err.getvalue().decode())

    def do(self, *words: Word, stdin: str = "") -> str:
        """Run a command that has to succeed, and return what it wrote."""
        ran = self.run(*words, stdin=stdin)
        assert ran.code == 0, (words[:6], ran.err[:2000])
        return ran.out.strip()

    def check(self, assets: Iterable[str], *use: Word) -> Answers:
        """Ask about assets by their hashes."""
        asked = list(assets)
        ran = self.run("check", "-", *use, "--csv", stdin="\n".join(asked))
        numbers = [int(part.split()[1]) for part in ran.err.strip().splitlines()[-1].split(", ")]
        assert numbers[0] == len(asked) == sum(numbers[1:]), ran.err
        return Answers(ran.code, (numbers[1], numbers[2], numbers[3]), list(csv.DictReader(io.StringIO(ran.out))))

    def counts(self, assets: Iterable[str], *use: Word) -> tuple[int, int, int]:
        """How many assets allow, deny and are undetermined."""
        told = self.run("check", "-", *use, stdin="\n".join(assets)).out
        _, allow, deny, undetermined = (int(part.split()[1]) for part in told.splitlines()[-1].split(", "))
        return allow, deny, undetermined

    def verdict(self, asset: str, *use: Word) -> tuple[str, str]:
        """The verdict and the reasons for one asset."""
        row = self.check([asset], *use).rows[0]
        return row["verdict"], row["reasons"]

    def explain(self, assets: Iterable[str], *use: Word) -> list[str]:
        """What `explain` says, a sentence each."""
        told = self.do("explain", "-", *use, stdin="\n".join(assets))
        return [line.removeprefix("- ") for line in told.splitlines()]

    def size(self) -> int:
        """How many entries the ledger has."""
        return int(self.check([media("nothing")], *INTERNAL).rows[0]["size"])

    def book(self, name: str) -> str:
        """The party behind a local name."""
        lines = [line.split("\t") for line in self.do("party", "list").splitlines()]
        return next(party for local, party, *_ in lines if local == name)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def register(self, rows: Sequence[dict[str, Any]], project: str, by: str) -> None:
        """Register assets by hash, a row each, with a manifest."""
        usual = {"size": 1000, "media_type": "video/mp4"}
        path = self.write("manifest.ndjson", "".join(json.dumps({**usual, **row}) + "\n" for row in rows))
        ran = self.run("asset", "register", "--manifest", path, "--project", project, "--by", by)
        assert f"registered {len(rows)}, registered before 0, failed 0" in ran.err, ran.err[-2000:]

    def grant_all(self, rows: Sequence[dict[str, Any]], project: str, *options: Word) -> list[str]:
        """Let everybody sign who has a row, and return the ids of the grants."""
        path = self.write("grants.ndjson", "".join(json.dumps(row) + "\n" for row in rows))
        told = self.do("grant", "--from", path, "--project", project, *options)
        return [line.split("\t")[0] for line in told.splitlines()]

    def assert_bulk_is_single(self, assets: Sequence[str], use: Use) -> None:
        """However many are asked about at once, each answer is the one that it has alone."""
        with open_store(f"sqlite:///{self.home}/ledger.db", read_only=True) as store:
            now = 4_000_000_000_000_000
            together = clear(store, assets, use, clock=lambda: now).decisions
            warm = Engine(store, lambda: now, warm=True)
            assert warm.clear(assets, use).decisions == together
            assert warm.verdicts(assets, use) == [decision.verdict for decision in together]
            assert [clear(store, [a], use, clock=lambda: now).decisions[0] for a in assets] == together


def media(name: str) -> str:
    """A hash that stands for a file of that name."""
    return "sha256:" + sha256(f"scenario/{name}".encode()).hexdigest()


def found(stage: Stage) -> Stage:
    """Make the ledger of a new stage."""
    stage.do("init", "--origin", "ledger.example/scenarios", "--no-passphrase")
    return stage
