"""`consent-ledger publish`: the log as files that anybody can read and verify, cosigned by witnesses."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from consent_ledger.cli.output import note, write_lines
from consent_ledger.cli.session import Session, home_options, pass_session
from consent_ledger.errors import UnavailableError

if TYPE_CHECKING:
    from consent_ledger.publishing import Place
    from consent_ledger.publishing.cosigned import Quorum
    from consent_ledger.publishing.publication import Publication, Round
    from consent_ledger.publishing.witnessing import Round as Asked
    from consent_ledger.store.engine import Store

_STALE = 6


@click.command(epilog="Example: consent-ledger publish /srv/www/log --watch 10 --policy witnesses.txt")
@click.argument("target", metavar="FOLDER|s3://BUCKET/PREFIX")
@click.option("--endpoint", metavar="URL", help="The address of an S3-compatible store [default: AWS].")
@click.option("--watch", type=click.FloatRange(min=0.1), metavar="SECONDS", help="Look again after so long, for ever.")
@click.option(
    "--policy", type=click.Path(path_type=Path, dir_okay=False),
    help="Witnesses and their quorum (c2sp.org/tlog-policy) [default: of the settings, else none].",
)  # fmt: skip
@click.option(
    "--fail", type=click.Choice(["open", "closed"]),
    help="Publish a checkpoint that lacks its quorum, or keep it back [default: of the settings, else closed].",
)  # fmt: skip
@click.option("--heartbeat", type=click.IntRange(min=1), metavar="MINUTES", help="When witnesses are asked again.")
@click.option("--timestamp-authority", "authority", metavar="URL", help="Have checkpoints time-stamped (RFC 3161).")
@click.option(
    "--timestamp-root", "root", type=click.Path(path_type=Path, dir_okay=False),
    help="The certificates that the authority's has to lead to, in PEM.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Write each round as a line of JSON.")
@home_options
@pass_session
def publish(
    session: Session, /, target: str, endpoint: str | None, watch: float | None, policy: Path | None, fail: str | None,
    heartbeat: int | None, authority: str | None, root: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Publish the checkpoint and the tiles of the log (c2sp.org/tlog-tiles) to a folder or a bucket.

    Only what is new is written; what was written never changes, and the checkpoint comes last. With a policy, witnesses
    are asked to cosign first. Exit code 6: what is published is behind, for want of a quorum or because the ledger is.
    """
    from consent_ledger.custody.anchor import Anchor
    from consent_ledger.ledger import system_clock
    from consent_ledger.publishing.cosigned import read_quorum
    from consent_ledger.publishing.publication import Publication
    from consent_ledger.store.engine import open_store

    if (authority is None) != (root is None):
        raise click.UsageError("--timestamp-authority and --timestamp-root go together")
    settings = session.settings
    closed = (fail or settings.witness_fail) == "closed"
    quorum = read_quorum(policy or settings.policy_file, closed=closed)
    place = _place(target, endpoint)
    asks = any(witness.url for witness in quorum.policy.witnesses)
    with open_store(settings.database, read_only=authority is None and not asks) as store, ExitStack() as stack:
        often = 60 * (heartbeat or settings.witness_minutes) if watch is not None else 0
        stamp = _stamper(store, authority, root, often)
        ask = _asker(session, store, quorum, heartbeat, stack, lease=watch is not None) if asks else _nobody
        publication = Publication(
            store, place, quorum, Anchor(settings.anchor_file), clock=system_clock, ask=ask, stamp=stamp
        )
        return _once(publication, as_json) if watch is None else _for_ever(publication, as_json, watch)


def _place(target: str, endpoint: str | None) -> "Place":
    if target.startswith("s3://"):
        try:
            from consent_ledger.publishing.s3 import open_bucket
        except ImportError as e:
            raise UnavailableError("a bucket wants the extra `s3` installed", code="extra_missing") from e
        return open_bucket(target, endpoint)
    if endpoint is not None:
        raise click.UsageError("--endpoint is for s3://...")
    from consent_ledger.publishing.directory import Directory

    return Directory(Path(target))


def _nobody() -> None:
    """There are no witnesses to ask."""


def _asker(
    session: Session, store: "Store", quorum: "Quorum", minutes: int | None, stack: ExitStack, *, lease: bool
) -> "Callable[[], Asked | None]":
    """Return what asks the witnesses; with a lease, where this process goes on asking for ever."""
    from consent_ledger.custody.anchor import Anchor
    from consent_ledger.ledger import system_clock
    from consent_ledger.publishing.heartbeat import Heartbeat, asking

    settings = session.settings
    seconds = 60 * (minutes or settings.witness_minutes)
    anchor = Anchor(settings.anchor_file)
    witnessing = stack.enter_context(asking(store, quorum, anchor, clock=system_clock, heartbeat_seconds=seconds))
    if not lease:
        return witnessing.ask
    return stack.enter_context(closing(Heartbeat(store, witnessing, anchor, system_clock))).beat


def _stamper(store: "Store", authority: str | None, root: Path | None, seconds: int) -> Callable[[], None] | None:
    if authority is None or root is None:
        return None
    try:
        from consent_ledger.publishing.timestamps import Authority
        from consent_ledger.verification.stamps import read_roots
    except ImportError as e:
        raise UnavailableError("time-stamps want the extra `timestamp` installed", code="extra_missing") from e
    from consent_ledger.ledger import system_clock

    return Authority(store, authority, read_roots(root), system_clock, every_seconds=seconds).stamp


def _once(publication: "Publication", as_json: bool) -> int:
    done = publication.go()
    _tell(done, as_json)
    return 0 if done.published.size == done.size else _STALE


def _for_ever(publication: "Publication", as_json: bool, seconds: float) -> int:
    """Publish until SIGTERM or SIGINT; a round that has begun is ended."""
    last = None
    with _told_to_stop() as over:
        while True:
            try:
                done = publication.go()
            except UnavailableError as e:  # a disk, a network or a database that may come back
                note(f"not published: {e}")
            else:
                news = done._replace(replies=tuple(reply for reply in done.replies if reply.error))
                if done.published.changed or news != last:
                    _tell(done, as_json)
                last = news._replace(published=done.published._replace(files=0, changed=False))
            if over.wait(seconds):
                return 0


@contextmanager
def _told_to_stop() -> Iterator[Event]:
    over = Event()
    before = {number: signal.signal(number, lambda *_: over.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield over
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(done: "Round", as_json: bool) -> None:
    if as_json:
        write_lines([done.report()])
        return
    published = done.published
    what = (
        "nothing is published" if published.size is None else f"{published.size} of {done.size} entries are published"
    )
    note(f"{what}, {published.files} files are new; {done.standing}")
    for reply in done.replies:
        note(reply.error or f"witness `{reply.witness}` cosigned")
    for error in done.errors:
        note(error)
