"""A progress bar, only where somebody watches, and only once it takes long enough to be worth one."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
PATIENCE = 0.5


def progress(items: Iterable[Item], what: str) -> Iterator[Item]:
    """Yield the items; on a terminal, show how many there have been."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed} files"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as bar:
        task = bar.add_task(what, total=None)
        shown = started = time.monotonic()
        for item in items:
            bar.advance(task)
            if time.monotonic() - max(shown, started + PATIENCE) > 0.1:
                bar.refresh()
                shown = time.monotonic()
            yield item


@contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """Give something to be told how far one is; on a terminal it is shown."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as bar:
        task = bar.add_task(what, total=None)
        shown = time.monotonic() + PATIENCE

        def tell(done: int) -> None:
            nonlocal shown
            if time.monotonic() > shown + 0.1:
                bar.update(task, completed=done, refresh=True)
                shown = time.monotonic()

        yield tell
