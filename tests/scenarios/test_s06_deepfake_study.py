"""S6: a study of deepfake detection. Who agreed before recording, who to likeness, and three films made too early."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from consent_ledger.licenses.masks import compile_use
from tests.scenarios.playing import OPEN, Stage, media

PEOPLE = [f"p{i:03}" for i in range(150)]
EARLY = {(10, 0), (11, 0), (12, 0)}
DETECT = ("--activity", "train", "--activity", "evaluate", "--aim", "detect_synthetic", "--context", "noncommercial",
          "--audience", "recipient")  # fmt: skip
LIKENESS = ("--activity", "train.generative", "--aim", "likeness", "--context", "noncommercial",
            "--audience", "recipient")  # fmt: skip
LAB = ("--recipient", "lab")


def film(p: int, k: int) -> str:
    return media(f"film {p} {k}")


FILMS = [film(p, k) for p in range(150) for k in range(5)]


@pytest.fixture
def study(stage: Stage) -> Stage:
    """150 people who agree and are then filmed, five times each."""
    stage.do("org", "enrol", "university", "lab", "rival")
    stage.do("party", "add", *PEOPLE, "--adult", "--by", "university")
    template = "deepfake-detection-study/1.0"
    stage.do("template", "publish", template, "--by", "university", "--parameter", "recipient=lab")
    offer = ("--template", template)
    stage.do("project", "create", "study", "--by", "university", "--title", "Study", *offer)
    answers = [{"party": name, "no" if p % 5 == 4 else "yes": ["likeness"]} for p, name in enumerate(PEOPLE)]
    path = stage.write("grants.ndjson", "\n".join(map(json.dumps, answers)))
    told = stage.do("grant", "--from", path, "--project", "study", "--json").splitlines()
    agreed = datetime.fromisoformat(json.loads(told[-1])["recorded_at"]).astimezone(UTC)
    rows = [
        {
            "hash": film(p, k),
            "owners": [name],
            "subjects": [name],
            "captured_at": f"{agreed + timedelta(minutes=-20 if (p, k) in EARLY else 20):%Y-%m-%dT%H:%M:%SZ}",
        }
        for p, name in enumerate(PEOPLE)
        for k in range(5)
    ]
    stage.register(rows, "study", "university")
    return stage


def test_s6_detection_and_likeness_are_for_the_lab_and_for_nothing_else(study: Stage) -> None:
    detect = study.check(FILMS, *DETECT, *LAB)
    assert (detect.code, detect.counts) == (4, (747, 0, 3))
    assert {row["asset"] for row in detect.of("undetermined")} == {film(*at) for at in EARLY}
    assert detect.reasons("undetermined") == {"grant_after_capture"}
    assert study.counts(FILMS, *LIKENESS, *LAB) == (597, 150, 3)
    assert study.counts(FILMS, *OPEN) == (0, 750, 0)
    identify = ("--activity", "train", "--aim", "biometric.identify", *DETECT[6:])
    assert study.counts(FILMS, *identify, *LAB) == (0, 750, 0)
    elsewhere = study.check(FILMS, *DETECT, "--recipient", "rival")
    assert elsewhere.counts == (0, 750, 0)
    assert all("recipient_not_granted" in row["reasons"] for row in elsewhere.rows)


def test_s6_the_same_answer_for_one_and_for_all(study: Stage) -> None:
    lab = study.book("lab")
    use = compile_use(["train", "evaluate"], ["detect_synthetic"], "noncommercial", "recipient", recipient=lab)
    study.assert_bulk_is_single(FILMS, use)


def test_s6_fakes_go_with_their_originals_and_a_maker_ratifies_later(study: Stage) -> None:
    allowed = study.check(FILMS, *LIKENESS, *LAB).of("allow")
    fakes = {media(f"fake of {row['asset']}"): row["asset"] for row in allowed}
    assert len(fakes) == 597
    made = {"subjects": "nobody", "transform": "face_swap"}
    study.register([{"hash": f, "derived_from": [o], **made} for f, o in fakes.items()], "study", "university")
    released = [*FILMS, *fakes]
    assert study.counts(released, *DETECT, *LAB) == (1_344, 0, 3)

    study.do("revoke", "--party", "p020", "--all", "--yes")
    after = study.check(released, *DETECT, *LAB)
    assert after.counts == (1_334, 10, 3)
    assert after.reasons("deny") == {"revoked"}

    study.do("grant", "--party", "p010", "--project", "study", "--yes", "likeness", "--asset", film(10, 0))
    assert study.verdict(film(10, 0), *DETECT, *LAB) == ("allow", "granted")
    assert study.counts(released, *DETECT, *LAB) == (1_335, 10, 2)


def test_s6_explain_says_what_the_study_lacks(study: Stage) -> None:
    early = "3 files were made before 3 people signed and need a maker's ratification: a signature that names each"
    assert study.explain(FILMS, *DETECT, *LAB) == ["750 checked, 747 cleared", early]
    assert study.explain(FILMS, *LIKENESS, *LAB) == [
        "750 checked, 597 cleared",
        "150 files lack a yes to `likeness` of deepfake-detection-study 1.0 from 30 people, who signed for other uses",
        early,
    ]
    none = "a permission (which no template of the project asks for) from 150 people"
    assert study.explain(FILMS, *OPEN)[1:] == [f"750 files lack {none}, who signed for other uses"]
    assert study.explain(FILMS, *DETECT, "--recipient", "rival")[1:] == [
        f"750 files lack {none}, who permit it to other recipients and not to this one"
    ]
