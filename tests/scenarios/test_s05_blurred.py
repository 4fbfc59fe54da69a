"""S5: open release only of what was blurred."""

import shutil
from pathlib import Path

import pytest

from consent_ledger.resources import template_root
from tests.scenarios.playing import INTERNAL, OPEN, Stage, media

PEOPLE = [f"c{i:04}" for i in range(30)]
CONDITION = """
[[conditions]]
condition = "transform:face_blur"
rules = ["open"]
"""
CLAUSES = {
    "en": "\n## Blurred first {#condition-transform:face_blur}\n\nOnly videos in which every face was blurred go into "
    "the open dataset.\n",
    "nl": "\n## Eerst onherkenbaar {#condition-transform:face_blur}\n\nAlleen video's waarin elk gezicht vaag is "
    "gemaakt, komen in de open dataset.\n",
}
BLURRED = media("blurred 2 0")


def video(i: int, k: int) -> str:
    return media(f"video {i} {k}")


@pytest.fixture
def blurring(stage: Stage, tmp_path: Path) -> Stage:
    """Thirty people whose videos may be released once they are blurred, and one that is."""
    folder = tmp_path / "template"
    shutil.copytree(template_root() / "open-video-dataset/1.0", folder)
    with (folder / "template.toml").open("a") as file:
        file.write(CONDITION)
    for language, clause in CLAUSES.items():
        with (folder / f"text.{language}.md").open("a") as file:
            file.write(clause)
    stage.do("org", "enrol", "studio")
    stage.do("party", "add", *PEOPLE, "--adult")
    stage.do("template", "publish", folder, "--by", "studio", "--as", "blurred-video-dataset")
    offer = ("--template", "blurred-video-dataset/1.0")
    stage.do("project", "create", "blurred", "--by", "studio", "--title", "Blurred", *offer)
    stage.grant_all([{"party": name} for name in PEOPLE], "blurred", "--yes", "open")
    videos = [(i, k) for i in range(30) for k in range(8)]
    rows = [{"hash": video(i, k), "owners": [PEOPLE[i]], "subjects": [PEOPLE[i]]} for i, k in videos]
    stage.register(rows, "blurred", "studio")
    made = {"derived_from": [video(2, 0)], "transform": "face_blur"}
    stage.register([{"hash": BLURRED, "subjects": [], **made}], "blurred", "studio")
    return stage


def test_s5_only_the_blurred_file_may_be_released(blurring: Stage) -> None:
    assert blurring.verdict(video(2, 0), *OPEN) == ("deny", "precondition_unmet")
    assert blurring.verdict(BLURRED, *OPEN) == ("allow", "granted")
    assert blurring.verdict(video(2, 0), *INTERNAL) == ("allow", "granted")
    assert blurring.counts([video(i, k) for i in range(30) for k in range(8)], *OPEN) == (0, 240, 0)


def test_s5_a_transcode_that_nobody_registered_is_not_known(blurring: Stage) -> None:
    transcode = media("transcode of blurred 2 0")
    assert blurring.verdict(transcode, *OPEN) == ("undetermined", "asset_unknown")
    told = blurring.explain([transcode], *OPEN)[1]
    assert told.startswith("1 file is not registered: nothing is known of it. Register")
    assert blurring.explain([video(2, 0)], *OPEN)[1].startswith("1 file waits for a version with `face_blur`: make")


def test_s5_who_withdraws_withdraws_from_what_was_made_of_it(blurring: Stage) -> None:
    blurring.do("revoke", "--party", PEOPLE[2], "--all", "--yes")
    assert blurring.verdict(BLURRED, *OPEN) == ("deny", "revoked")
    assert blurring.verdict(video(2, 0), *INTERNAL) == ("deny", "revoked")


def test_s5_nothing_is_made_from_itself(blurring: Stage) -> None:
    size = blurring.size()
    table = blurring.write("cycle.csv", "hash,size,media_type,subjects,derived_from,transform\n"
                           f"{video(2, 0)},1000,video/mp4,{PEOPLE[2]},{BLURRED},transcode\n")  # fmt: skip
    ran = blurring.run("asset", "register", "--manifest", table, "--project", "blurred", "--by", "studio")
    assert (ran.code, blurring.size()) == (1, size)
    assert "would be derived from itself" in ran.err
