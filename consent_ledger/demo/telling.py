"""How the play words what came out: numbers, reasons in plain words, and sets of files held against the story."""

from consent_ledger.demo.scenes import Answer, Table
from consent_ledger.demo.stage import CLIPS, Asked, Place, Stage
from consent_ledger.store.log import read_head

REASONS = {
    "granted": "everybody who is in it has said yes",
    "audience_exceeds_grant": "said yes to training, and not to the open release",
    "licence_not_granted": "said yes to training, and not to the open release",
    "revoked": "said yes, and has withdrawn it since",
}


def size(stage: Stage) -> str:
    """Return how many lines the ledger has."""
    with stage.ledger.store.read() as tx:
        return str(read_head(tx).size)


def numbers(asked: Asked) -> tuple[str, str]:
    """Return how many files are allowed and how many denied."""
    return str(asked.counts["allow"]), str(asked.counts["deny"])


def reasons(asked: Asked) -> Table:
    """Return how many files there are of each verdict, and why; who said no is named."""
    rows = []
    for (verdict, codes), (files, names) in asked.reasons.items():
        words = "; ".join(dict.fromkeys(REASONS[code] for code in codes))
        who = "" if verdict == "allow" else ", ".join(sorted(names)) + " "
        rows.append((verdict, str(files), who + words, ", ".join(codes)))
    return Table(("verdict", "files", "why", "codes for programs"), tuple(sorted(rows)))


def exactly(what: str, asked: Asked, wanted: set[Place]) -> Answer:
    """Hold the set of allowed files, not only their number, against the story."""
    wrong = len(asked.allowed ^ wanted)
    return Answer(what, "yes", "yes" if not wrong else f"no, {wrong} files differ")


def short(stage: Stage, place: Place) -> str:
    """Return a file's folder and name."""
    path = stage.files[place].path
    return f"{path.parent.name}/{path.name}"


def listed(stage: Stage, places: set[Place]) -> str:
    """Return the files, those of c0001 in one."""
    others = sorted(place for place in places if place[0] != 1)
    mine = len(places) - len(others)
    return f"c0001/0 to c0001/{CLIPS - 1}" * bool(mine) + "".join(f" and {short(stage, place)}" for place in others)
