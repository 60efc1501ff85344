"""Progress on stderr: one line that tells the step under way, gone when it ends. Silent where nobody watches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from outlay.cli.output import err, month

if TYPE_CHECKING:
    from rich.progress import Progress
    from rich.status import Status

    from outlay.drops import steps as publishing
    from outlay.ingest.steps import Observer, Step

_SAID = {
    "list": "looking for bills",
    "plan": "planning",
    "fetch": "fetching",
    "read": "reading",
    "check": "checking rows",
    "map": "mapping rows",
    "reconcile": "reconciling",
    "commit": "committing",
    "record": "recording",
}


class _Line:
    """The observer behind the line; steps may be told from several threads."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None)
        self._lock = threading.Lock()

    def found(self, connection: str, months: Sequence[str], left_out: Sequence[str]) -> None: ...

    def begins(self, connection: str, period: str, step: Step) -> None:
        when = f" {month(period)}" if period else ""
        with self._lock:
            self._progress.reset(self._task, description=f"{connection}{when}: {_SAID[step]}", total=None)

    def progress(self, connection: str, period: str, step: Step, done: int, of: int) -> None:
        with self._lock:
            self._progress.update(self._task, completed=done if of else 0, total=of or None)

    def ends(self, connection: str, period: str, step: Step) -> None: ...


@contextmanager
def watching(*, is_quiet: bool) -> Iterator[tuple[Observer, Callable[[], AbstractContextManager[None]]]]:
    """An observer, and a context in which the line is taken away so that something else can be printed."""
    from outlay.ingest.steps import Quiet

    if is_quiet or not err().is_terminal:
        yield Quiet(), nullcontext
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(20), TimeElapsedColumn())
    with Progress(*columns, console=err(), transient=True) as progress:

        @contextmanager
        def pausing() -> Iterator[None]:
            progress.stop()
            yield
            progress.start()

        yield _Line(progress), pausing


_PUBLISHING = {
    "look": "looking at what is there",
    "read": "reading and checking rows",
    "carry": "carrying rows over",
    "upload": "uploading files",
    "verify": "verifying files",
    "commit": "writing the manifest",
}


class _Publishing:
    """The observer behind the line of a publish."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def begins(self, period: str, step: publishing.Step) -> None:
        self._status.update(f"{period} {_PUBLISHING[step]}".strip())

    def progress(self, period: str, step: publishing.Step, done: int) -> None:
        self._status.update(f"{period} {_PUBLISHING[step]}: {done:,}".strip())

    def ends(self, period: str, step: publishing.Step) -> None: ...


@contextmanager
def watching_publish() -> Iterator[publishing.Observer | None]:
    """An observer of a publish; None where nobody watches."""
    if not err().is_terminal:
        yield None
        return
    with err().status("") as status:
        yield _Publishing(status)


@contextmanager
def working(what: str) -> Iterator[None]:
    """A spinner for work without steps."""
    if not err().is_terminal:
        yield
        return
    with err().status(what):
        yield
