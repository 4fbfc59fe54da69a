"""The demo's play, scene by scene. Numbers that it wants are written out here, and follow from the story alone."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from consent_ledger.demo.scenes import Answer, Command, Event, Scene, Table, Text
from consent_ledger.demo.stage import (
    DAY,
    ORIGIN,
    PEOPLE,
    PROJECT,
    TEMPLATE,
    Calendar,
    Stage,
    name_of,
    open_stage,
    should_be_allowed,
)
from consent_ledger.demo.telling import exactly, listed, numbers, reasons, short, size
from consent_ledger.evidence.bundle import write_bundle
from consent_ledger.evidence.receipts import encode_receipt_file, take_receipt, verify_receipt_file
from consent_ledger.signing.instants import SECOND, format_time
from consent_ledger.verification import verify_bundle

STORY_DAYS = 61
QUESTION = ("--for", "open-training")


def play(directory: Path, now: int) -> Iterator[Event]:
    """Yield the events of the play on a new ledger in `directory`; `now` (microseconds) is when the story ends."""
    clock = Calendar((now // DAY - STORY_DAYS) * DAY + 9 * 3600 * SECOND)
    yield Scene("A ledger")
    yield Text(
        "A ledger is a list of signed statements. One can only ever add to it: each line is sealed with the ones "
        "before it, and the ledger's own key signs the new total each time. This one is a single file on this disk."
    )
    yield Command(("init", "--origin", ORIGIN))
    with open_stage(directory, clock) as stage:
        yield Answer("lines in the ledger", "1", size(stage))
        for scene in (_offer, _people, _media, _consent, _first_answer, _withdrawal, _partly, _evidence, _cheat):
            clock.turn(*_PAUSES.get(scene, (0, 1)))
            yield from scene(stage, clock)


def _offer(stage: Stage, clock: Calendar) -> Iterator[Event]:
    stage.enrol(["studio"], kind="organisation")
    stage.publish()
    yield Scene("What people are asked")
    yield Text(
        "A studio wants to train AI models on everyday films. It publishes the text that people will sign, together "
        "with rules that a program can read. One thing is always part of it. The other is a question of its own:"
    )
    yield Table(
        ("rule", "what it allows", "how it is asked"),
        (
            ("train", "the studio may train models on it, and nobody else gets a copy", "always"),
            ("open", "everybody may have a copy, under the licence CC-BY-4.0", "yes or no, nothing preset"),
        ),
    )
    yield Command(("org", "enrol", "studio"))
    yield Command(("template", "publish", TEMPLATE, "--by", "studio"))
    yield Command(("project", "create", PROJECT, "--by", "studio", "--title", "Twine", "--template", TEMPLATE))
    yield Answer("lines in the ledger", "4", size(stage))


def _people(stage: Stage, clock: Calendar) -> Iterator[Event]:
    names = [name_of(person) for person in range(PEOPLE)]
    stage.enrol(names, kind="person", age="adult")
    yield Scene("Thirty people, each with a key of her own")
    yield Text(
        f"They are called {names[0]} to {names[-1]} here. The ledger knows them by random numbers only: names stay in "
        "an address book beside it. Nobody can sign for somebody else, because everybody's key is her own. (Here all "
        "the key files are in one folder; in life each is with its owner.)"
    )
    yield Command(("party", "add", names[0], names[1], "...", "--adult"))
    yield Answer("lines in the ledger", "34", size(stage))


def _media(stage: Stage, clock: Calendar) -> Iterator[Event]:
    total = stage.register()
    yield Scene("Their films, photos and sounds")
    yield Text(
        f"Eight files each, {total / 1e6:.1f} MB in all: real MP4, JPEG and WAV files. A file is known by its "
        "fingerprint, a number that is computed from its bytes; the file itself goes nowhere. Three films show a "
        "second person, who has to agree as well: c0001 is in the last film of c0000, c0011 in that of c0010, and "
        "c0021 in that of c0020."
    )
    folder, whose = str(stage.media / "c0002"), ("--owner", "c0002", "--subject", "c0002")
    yield Command(("asset", "register", folder, "--project", PROJECT, "--by", "studio", *whose))
    yield Answer("different files registered", "240", str(len({file.asset for file in stage.files.values()})))
    yield Answer("lines in the ledger (one for each person's eight files)", "64", size(stage))


def _consent(stage: Stage, clock: Calendar) -> Iterator[Event]:
    stage.grant()
    yield Scene("Everybody signs")
    yield Text(
        "All thirty allow the studio to train on their files. Twenty-eight also say yes to the open release; c0007 and "
        "c0027 say no. Whoever had not answered could not have signed: silence is never a yes."
    )
    yield Command(("grant", "--party", "c0002", "--project", PROJECT, "--yes", "open"))
    yield Command(("grant", "--party", "c0007", "--project", PROJECT, "--no", "open"))
    yield Answer("lines in the ledger", "94", size(stage))


def _first_answer(stage: Stage, clock: Calendar) -> Iterator[Event]:
    asked = stage.ask("open")
    yield Scene("May all this be released to everybody?")
    yield Text("The question that a ledger is for. It is asked about all 240 files at once:")
    yield Command(("check", str(stage.media), *QUESTION))
    yield reasons(asked)
    yield Answer("answer", "checked 240, allow 224, deny 16, undetermined 0", str(asked))
    yield exactly("the denied files are those of c0007 and c0027", asked, should_be_allowed("open"))
    inside = stage.ask("internal")
    yield Text("For training inside the studio, which all thirty allowed, the same files are all allowed:")
    yield Answer("answer", "checked 240, allow 240, deny 0, undetermined 0", str(inside))


def _withdrawal(stage: Stage, clock: Calendar) -> Iterator[Event]:
    before = stage.ask("open")
    receipt = stage.withdraw(1)
    after = stage.ask("open")
    a_second_before = receipt.recorded_at - SECOND
    then = stage.ask("open", at=a_second_before)
    yield Scene("A month later, c0001 changes her mind")
    yield Text(
        "She withdraws everything. That is one signed line in the ledger. Nothing is deleted from the ledger, because "
        "what was allowed until now has to stay provable; from now on her files are not allowed."
    )
    yield Command(("revoke", "--party", "c0001", "--all"))
    yield Table(
        ("the same question, open release", "allow", "deny"),
        (
            ("asked before she withdrew", *numbers(before)),
            ("asked after", *numbers(after)),
            ("asked after: and how was it a second before she withdrew?", *numbers(then)),
        ),
    )
    yield Command(("check", str(stage.media), *QUESTION, "--at", format_time(a_second_before)))
    yield Answer("before", "checked 240, allow 224, deny 16, undetermined 0", str(before))
    yield Answer("after", "checked 240, allow 215, deny 25, undetermined 0", str(after))
    yield Answer("as of a second before", str(before), str(then))
    lost = before.allowed - after.allowed
    yield Text(
        "Nine files fewer: her own eight, and one of c0000's, because c0001 is seen in it. c0000 has not done "
        f"anything, and his other seven stay allowed. The nine: {listed(stage, lost)}."
    )
    yield exactly("these nine and no others", after, should_be_allowed("open", withdrawn={1}))
    path = stage.directory / "receipt-c0001.json"
    taken = take_receipt(stage.ledger.store, receipt.id)
    path.write_bytes(encode_receipt_file(taken))
    proved = verify_receipt_file(taken, stage.ledger.vkey)
    yield Text(
        f"She takes a receipt home, the file {path.name}: it proves that she stopped, and when, and anybody can check "
        "it without asking the studio."
    )
    yield Answer("her receipt proves line", "94", str(proved.entry.index))


def _partly(stage: Stage, clock: Calendar) -> Iterator[Event]:
    first = stage.withdraw_open(5)
    clock.turn(0, 1)
    again = stage.withdraw_open(5)
    place = (5, 0)
    opened, inside = stage.ask("open"), stage.ask("internal")
    then = stage.ask("open", at=first.recorded_at - SECOND)
    yield Scene("c0005 stops the open release only")
    yield Text("The studio may go on training on his files, but nobody else may get new copies. He can choose that:")
    yield Command(("revoke", "--party", "c0005", "--audience", "open"))
    yield Table(
        (f"question about {short(stage, place)}", "answer"),
        (
            ("training inside the studio, now", stage.verdict(place, inside)),
            ("open release, now", stage.verdict(place, opened)),
            ("open release, as of a second before he stopped it", stage.verdict(place, then)),
        ),
    )
    answers = ", ".join(stage.verdict(place, asked) for asked in (inside, opened, then))
    yield Answer("the three answers", "allow, deny (revoked), allow", answers)
    yield Answer("open release, all files", "checked 240, allow 207, deny 33, undetermined 0", str(opened))
    yield Answer("inside the studio, all files", "checked 240, allow 231, deny 9, undetermined 0", str(inside))
    yield exactly("nothing else changed", opened, should_be_allowed("open", withdrawn={1}, withdrawn_open={5}))
    yield Text("He presses the button twice, to be sure. The second time finds the first, and adds nothing:")
    yield Answer("both withdrawals are one statement", first.id[:19], again.id[:19])
    yield Answer("lines in the ledger", "96", size(stage))


def _evidence(stage: Stage, clock: Calendar) -> Iterator[Event]:
    bundle = stage.directory / "bundle"
    write_bundle(stage.ledger.store, bundle)
    report = verify_bundle(bundle, vkey=stage.ledger.vkey)
    yield Scene("An auditor checks the ledger, and does not trust it")
    yield Text(
        "The studio hands over a folder. The auditor's program needs no network, no database and no word of the "
        "studio's: from the folder and the ledger's public key alone it computes every seal and every signature anew."
    )
    yield Command(("bundle", str(bundle)))
    yield Command(("verify", str(bundle), "--vkey", '"$(cat "$CONSENT_LEDGER_HOME/log.vkey")"'))
    counts = report.counts
    what = f"{counts.entries} lines, {counts.signatures} signatures, {len(report.findings)} things wrong"
    yield Answer("verified", "96 lines, 96 signatures, 0 things wrong", what)


def _cheat(stage: Stage, clock: Calendar) -> Iterator[Event]:
    bundle, forged = stage.directory / "bundle", stage.directory / "bundle-forged"
    shutil.copytree(bundle, forged)
    place = flip_a_bit(forged / "openings.ndjson", line=94)
    report = verify_bundle(forged, vkey=stage.ledger.vkey)
    yield Scene("Somebody cheats")
    yield Text(
        "Suppose that the studio would rather not have seen c0001's withdrawal: line 94, counted from 0. In a copy of "
        f"the folder we change a single bit of it (byte {place} of that line in {forged.name}/openings.ndjson)."
    )
    yield Command(("verify", str(forged), "--vkey", '"$(cat "$CONSENT_LEDGER_HOME/log.vkey")"'))
    for finding in report.findings[:3]:
        line = "the whole" if finding.entry is None else f"line {finding.entry}"
        yield Text(f"The verifier says: {line}: {finding.code}: {finding.detail}")
    yield Answer("the first line that is wrong", "94", str(report.first_bad))


_Play = Callable[[Stage, Calendar], Iterator[Event]]
_PAUSES: dict[_Play, tuple[int, int]] = {
    _consent: (1, 0),
    _first_answer: (9, 0),
    _withdrawal: (30, 5),
    _partly: (14, 0),
}
"""Days and hours that pass before a scene, where it is not an hour."""


def flip_a_bit(path: Path, line: int) -> int:
    """Change one bit in the middle of a line, so that a letter becomes another one; return which byte of the line."""
    lines = path.read_bytes().split(b"\n")
    raw = bytearray(lines[line])
    letters = (n for n in range(len(raw) // 2, len(raw)) if raw[n : n + 1].isalnum() and bytes([raw[n] ^ 1]).isalnum())
    place = next(letters)
    raw[place] ^= 1
    lines[line] = bytes(raw)
    path.write_bytes(b"\n".join(lines))
    return place + 1
