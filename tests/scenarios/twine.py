"""The Twine dataset of the scenarios: 3,000 people film themselves, 8 videos each, and sign the shipped template.

`open` is granted by everybody with i % 20 != 7. For i % 10 == 0, the last video also shows contributor i + 1.
"""

from tests.scenarios.playing import Stage, media

PEOPLE = 3000
VIDEOS = 8
PROJECT = "twine"


def name(i: int) -> str:
    return f"c{i:04}"


def video(i: int, k: int) -> str:
    return media(f"twine {i} {k}")


def maker_of() -> dict[str, str]:
    """Whose each video is."""
    return {video(i, k): name(i) for i in range(PEOPLE) for k in range(VIDEOS)}


ASSETS = [video(i, k) for i in range(PEOPLE) for k in range(VIDEOS)]


def grants_open(i: int) -> bool:
    return i % 20 != 7


def play(stage: Stage) -> None:
    """Enrol everybody, register the videos, and let everybody sign."""
    stage.do("org", "enrol", "studio")
    stage.do("party", "add", *(name(i) for i in range(PEOPLE)), "--adult", "--by", "studio")
    stage.do("template", "publish", "open-video-dataset/1.0", "--by", "studio")
    stage.do("project", "create", PROJECT, "--by", "studio", "--title", "Twine", "--template", "open-video-dataset/1.0")
    stage.register([_row(i, k) for i in range(PEOPLE) for k in range(VIDEOS)], PROJECT, "studio")
    answers = [{"party": name(i), "yes" if grants_open(i) else "no": ["open"]} for i in range(PEOPLE)]
    stage.grant_all(answers, PROJECT)


def _row(i: int, k: int) -> dict[str, object]:
    seen = [name(i), name(i + 1)] if i % 10 == 0 and k == VIDEOS - 1 else [name(i)]
    return {"hash": video(i, k), "owners": [name(i)], "subjects": seen}
