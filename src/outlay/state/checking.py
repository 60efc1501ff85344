"""A check under a lease: kept alive in the background, watched by whoever looks, and halted when it has to be."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Any, Literal

from django.db import connections as databases
from django.db.utils import Error as DatabaseFault
from django.utils import timezone

from outlay.errors import OutlayError
from outlay.ingest.ingest import Ingest, failed
from outlay.ingest.result import RunResult
from outlay.ingest.steps import Observer, Quiet, Step
from outlay.period import BillingPeriod
from outlay.state import changes, claims, connections, noticing
from outlay.state.claims import Claim
from outlay.state.memory import DatabaseMemory
from outlay.state.models import Connection
from outlay.state.progress import Progress
from outlay.storage import Place

Why = Literal["stopped", "paused", "lost", "ending"]

BEAT_SECONDS = 1.0
_RENEW = claims.LEASE / 4


class Halt(Exception):
    """The check ends here: a user stopped or paused it, its lease is lost, or its process ends."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


class Watch:
    """The observer of one check, and the thread that renews its lease and writes its progress down.

    `is_ending` is asked often: when it says so, the run under way is abandoned. `on_beat` is called by the thread.
    """

    def __init__(
        self,
        claim: Claim,
        inner: Observer | None = None,
        is_ending: Callable[[], bool] = lambda: False,
        on_beat: Callable[[], None] = lambda: None,
    ) -> None:
        self.claim = claim
        self.progress_made = Progress(claim.at)
        self.is_well = True
        self._inner = inner or Quiet()
        self._is_ending = is_ending
        self._on_beat = on_beat
        self._why: Why | None = None
        self._lock = threading.Lock()
        self._is_new = True
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beats, name=f"lease of {claim.connection}", daemon=True)
        self._until = claim.at + claims.LEASE

    # What an observer is told

    def found(self, connection: str, months: Sequence[str], left_out: Sequence[str]) -> None:
        self._inner.found(connection, months, left_out)
        self._note(months=dict.fromkeys(months, ""), left_out=tuple(left_out))

    def begins(self, connection: str, period: str, step: Step) -> None:
        self._inner.begins(connection, period, step)
        self._note(month=BillingPeriod.parse(period).month if period else "", step=step, done=0, of=0)
        if step == "commit":
            # The last moment: a lease that was lost a second ago must not be relied on.
            self._renew()
        if step != "record":
            # What is committed is recorded, whatever happens.
            self._halt()

    def progress(self, connection: str, period: str, step: Step, done: int, of: int) -> None:
        self._inner.progress(connection, period, step, done, of)
        self._note(done=done, of=of)
        self._halt()

    def ends(self, connection: str, period: str, step: Step) -> None:
        self._inner.ends(connection, period, step)

    def came_out(self, result: RunResult) -> None:
        self.is_well &= result.outcome != "failed"
        if result.period:
            with self._lock:
                self.progress_made.months[result.period.month] = result.outcome
                self._is_new = True

    @property
    def is_halting(self) -> bool:
        """Will the next step, or the next batch of this one, be the last?"""
        return self._why is not None

    def _note(self, **fields: Any) -> None:
        with self._lock:
            self.progress_made = replace(self.progress_made, **fields)
            self._is_new = True

    def _halt(self) -> None:
        if self._why is None and self._is_ending():
            self._why = "ending"
        if self._why is not None:
            raise Halt(self._why)

    # The lease

    def __enter__(self) -> Watch:
        self._renew()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._over.set()
        self._thread.join()
        if error is None:
            self._finish("done", is_well=self.is_well)
        elif isinstance(error, Halt):
            ends: dict[Why, Callable[[], None]] = {
                "stopped": self._stop,
                "paused": self._release,
                "ending": self._release,
                # The row is another's by now.
                "lost": lambda: None,
            }
            ends[error.why]()
        elif isinstance(error, Exception):
            self._finish("failed", is_well=False)
        else:
            self._release()
        noticing.check_is_over(self.claim.holder)
        return isinstance(error, Halt)

    def _finish(self, state: Literal["done", "failed"], *, is_well: bool) -> None:
        claims.finish(self.claim, timezone.now(), is_well=is_well, fields={"progress": self._ended(state)})

    def _release(self) -> None:
        claims.release(self.claim, progress=self._ended("interrupted"))

    def _stop(self) -> None:
        """Months that were never brought in wait until somebody asks for them."""
        made = self.progress_made
        waiting = sorted(set(made.waiting) - _decided(self.claim.connection), reverse=True)
        # Stopped while it was looking: which months there are is not known yet.
        newest = (
            BillingPeriod.parse(waiting[0]) if waiting else None if made.months else BillingPeriod.of(timezone.now())
        )
        self._note(left_out=(*waiting, *made.left_out))
        fields: dict[str, Any] = {"progress": self._ended("stopped"), "stop_requested_at": None}
        if newest:
            fields["stopped_before"] = newest.next().month
        claims.finish(self.claim, timezone.now(), is_well=True, fields=fields)

    def _ended(self, state: Any) -> dict[str, Any]:
        self._note(state=state, ended=timezone.now(), month="", step="", done=0, of=0)
        return self.progress_made.as_dict()

    def _beats(self) -> None:
        try:
            while not self._over.wait(BEAT_SECONDS):
                self._on_beat()
                self._beat()
        finally:
            # This thread's own connection.
            databases.close_all()

    def _beat(self) -> None:
        try:
            is_due = self._until - timezone.now() < claims.LEASE - _RENEW
            if self._is_new or is_due:
                self._renew()
            self._look()
        except DatabaseFault:
            # It may answer again before the lease runs out; until then nobody else can have it.
            databases.close_all()
            if timezone.now() >= self._until:
                self._why = "lost"

    def _renew(self) -> None:
        with self._lock:
            made, self._is_new = self.progress_made.as_dict(), False
        at = timezone.now()
        if claims.renew(self.claim, at, progress=made):
            self._until = at + claims.LEASE
        else:
            self._why = "lost"

    def _look(self) -> None:
        """Did somebody stop or pause it meanwhile?"""
        wishes = Connection.objects.filter(name=self.claim.connection, lease_holder=self.claim.holder)
        for stop_requested_at, paused_at in wishes.values_list("stop_requested_at", "paused_at"):
            if stop_requested_at is not None:
                self._why = self._why or "stopped"
            if paused_at is not None and paused_at > self.claim.at:
                self._why = self._why or "paused"


def _decided(name: str) -> set[str]:
    return {period.month for period in DatabaseMemory().decided(name)}


def check(
    watch: Watch,
    work: Ingest,
    place: Callable[[Connection], Place],
    memory: DatabaseMemory,
) -> Iterator[RunResult]:
    """Bring in what changed, under the lease of `watch`, which it gives back. Records each change of the status."""
    with watch:
        for result in _results(connections.named(watch.claim.connection), watch, work, place, memory):
            watch.came_out(result)
            if result.outcome != "unchanged":
                changes.note(result.connection, timezone.now())
            yield result
    changes.note(watch.claim.connection, timezone.now())


def _results(
    row: Connection, watch: Watch, work: Ingest, place: Callable[[Connection], Place], memory: DatabaseMemory
) -> Iterator[RunResult]:
    source = connections.source(row)
    try:
        opened = place(row)
    except OutlayError as error:
        result = failed(source, None, error)
        memory.record(result)
        yield result
        return
    first = max(row.bring_from, row.stopped_before)
    is_well = True
    for result in replace(work, observer=watch, first=first).check(source, opened):
        is_well &= result.outcome != "failed" and not (result.is_bad and result.period is None)
        yield result
    memory.checked(row.name, is_well=is_well)


def progress_of(row: Connection, at: datetime) -> Progress | None:
    """How far the check under way, or else the last one, has come. None before the first."""
    if row.progress is None:
        return None
    progress = Progress.from_dict(row.progress)
    is_held = row.lease_until is not None and row.lease_until > at
    # Its worker was killed: it could not say so.
    return progress if is_held or not progress.is_working else replace(progress, state="interrupted")
