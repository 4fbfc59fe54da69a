"""S11: the terms change midway. A corrected typo asks nobody again; a new use is asked of everybody apart."""

import shutil
from pathlib import Path

import pytest

from consent_ledger.resources import template_root
from tests.scenarios.new_terms import ANSWERS, INFER, QUESTIONS, RULE, TEXTS
from tests.scenarios.playing import OPEN, Stage
from tests.scenarios.twine import ASSETS, PEOPLE, PROJECT, grants_open, name


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped 1.0, a 1.1 without a typo, and a 2.0 that asks for one more use."""
    root = tmp_path_factory.mktemp("templates")
    for version in ("1.0", "1.1", "2.0"):
        folder = root / version
        shutil.copytree(template_root() / "open-video-dataset/1.0", folder)
        edit(folder / "template.toml", 'version = "1.0"', f'version = "{version}"')
    edit(root / "1.1/text.en.md", "their pictures, their sound", "their images, their sound")
    (root / "2.0/template.toml").write_text((root / "2.0/template.toml").read_text() + RULE)
    for kind, clauses in (("text", TEXTS), ("summary", QUESTIONS)):
        for language, clause in clauses.items():
            path = root / f"2.0/{kind}.{language}.md"
            path.write_text(path.read_text() + clause)
    return root


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_s11_a_new_use_is_open_for_those_who_said_yes_and_the_old_one_for_all(
    twine_stage: Stage, versions: Path
) -> None:
    create = ("project", "create", PROJECT, "--by", "studio", "--title", "Twine")
    twine_stage.do("template", "publish", versions / "1.1", "--by", "studio")
    twine_stage.do(*create, "--template", "open-video-dataset/1.1")
    twine_stage.do("template", "supersede", "open-video-dataset/1.0", "--by", "studio")
    assert twine_stage.counts(ASSETS, *OPEN) == (22_800, 1_200, 0)

    twine_stage.do("template", "publish", versions / "2.0", "--by", "studio")
    twine_stage.do(*create, "--template", "open-video-dataset/2.0")
    asked = [i for i in range(PEOPLE) if grants_open(i)]
    answers = [
        {"party": name(i), ANSWERS[i % 20]: ["answers"], "yes" if ANSWERS[i % 20] == "no" else "no": []}
        for i in asked
        if i % 20 in ANSWERS
    ]
    assert (len(asked), [sum(bool(a[x]) for a in answers) for x in ("yes", "no")]) == (2_850, [1_650, 600])
    for answer in answers:
        answer["yes"] = ["open", *answer["yes"]]
    twine_stage.grant_all(answers, PROJECT)

    assert twine_stage.counts(ASSETS, *INFER) == (13_200, 10_800, 0)
    assert twine_stage.counts(ASSETS, *OPEN) == (22_800, 1_200, 0)
    told = twine_stage.explain(ASSETS, *INFER)
    assert told[0] == "24000 checked, 13200 cleared"
    assert len(told) == 2
    assert "1,350 people" in told[1]


def test_s11_a_published_version_never_changes(twine_stage: Stage, versions: Path, tmp_path: Path) -> None:
    shutil.copytree(versions / "1.0", tmp_path / "edited")
    edit(tmp_path / "edited/text.nl.md", "video's", "filmpjes")
    size = twine_stage.size()
    refused = twine_stage.run("template", "publish", tmp_path / "edited", "--by", "studio")
    assert (refused.code, twine_stage.size()) == (1, size)
    assert "a version never changes" in refused.err


def test_s11_the_versions_are_compared_in_both_languages(twine_read: Stage, versions: Path) -> None:
    typo = twine_read.do("template", "diff", versions / "1.0", versions / "1.1")
    assert typo.startswith("The terms are the same")
    assert "[-pictures,-] {+images,+}" in typo
    new = twine_read.do("template", "diff", versions / "1.0", versions / "2.0")
    assert new.startswith("The terms differ")
    assert "Finished models" in new
    assert "Kant-en-klare modellen" in new
