"""Everything put together: settings, state, lake and engine behind one object that the faces share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from outlay.errors import Busy, HomeError, OutlayError, TooSlow, UnknownName, UsageError
from outlay.period import BillingPeriod
from outlay.settings import Settings

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from outlay.aws.sessions import Credentials
    from outlay.costs.answer import Answer
    from outlay.costs.desk import Desk
    from outlay.costs.freshness import Freshness
    from outlay.costs.only import Only
    from outlay.costs.overlap import Overlap
    from outlay.costs.overview import Overview
    from outlay.costs.question import Question
    from outlay.engine import Engine, Session
    from outlay.findings import Finding
    from outlay.focus_files.export import FileFormat
    from outlay.health import Status
    from outlay.ingest.result import Reconciliation, RunResult
    from outlay.ingest.steps import Observer
    from outlay.lake import Lake, Live, Partition, Tidied
    from outlay.state.changes import Change
    from outlay.state.checking import Watch
    from outlay.state.claims import Claim
    from outlay.state.memory import Commit, DatabaseMemory
    from outlay.state.models import Connection, Run
    from outlay.state.moving import Move
    from outlay.state.new import NewConnection
    from outlay.state.overlaps import Overlaps
    from outlay.state.progress import Progress
    from outlay.state.runs import KeptRun
    from outlay.state.secrets import Keyring
    from outlay.storage import Place


# Seconds: between two looks at a lease that another holds, and what a caller is told to wait.
_LOOK_AGAIN, _ASK_AGAIN = 0.5, 5
_THREADS_A_QUESTION = 2
# Tests of places: how many at once, seconds that one waits for its turn, and bytes.
_TRIES_AT_ONCE, _WAIT_TO_TRY, _MEMORY_OF_A_TRY = 2, 5.0, 256 * 1024**2


@dataclass(frozen=True)
class ConnectionView:
    """A connection with its status, as lists and pages show it."""

    row: Connection
    status: Status

    @property
    def access_key(self) -> str | None:
        """The last four characters of its access key's id; None when it has none."""
        return f"…{self.row.access_key_id[-4:]}" if self.row.access_key_id else None

    def as_dict(self) -> dict[str, Any]:
        row = self.row
        return {
            "name": row.name,
            "kind": row.kind,
            "cloud_provider": row.cloud_provider or None,
            "location": row.location,
            "export": row.export or None,
            "status": self.status.status,
            "reason": self.status.reason,
            "next": self.status.next,
        }

    def details(self) -> dict[str, Any]:
        """How it reads and when, none of it a secret."""
        row = self.row
        return {
            "currency": row.currency,
            "expect_every": row.expect_every_hours,
            "profile": row.profile or None,
            "role_arn": row.role_arn or None,
            "external_id": row.external_id or None,
            "access_key": self.access_key,
            "access_of": row.access_of_id,
            "check_every": row.check_every_minutes,
            "next_check": row.next_check_at.isoformat() if row.next_check_at else None,
            "bring_from": row.bring_from or None,
            "export_made": row.export_made_at.isoformat() if row.export_made_at else None,
            "count_from": row.count_from or None,
            "count_to": row.count_to or None,
            "only_connected": row.only_connected,
            "created": row.created_at.isoformat(),
            "checked": row.checked_at.isoformat() if row.checked_at else None,
        }


@dataclass(frozen=True)
class PeriodView:
    """A billing period of a connection: what is live, whether it is proved, and what could be made live again."""

    period: BillingPeriod
    delivery: str | None
    rows: int
    state: str
    reconciliation: Reconciliation | None
    earlier: tuple[str, ...]
    is_counted: bool = True

    def as_dict(self) -> dict[str, Any]:
        from outlay.ingest.result import amount

        sums = self.reconciliation.sums if self.reconciliation else {}
        return {
            "period": self.period.id,
            "delivery": self.delivery,
            "rows": self.rows,
            "state": self.state,
            "reconciled": bool(self.reconciliation and self.reconciliation.holds),
            "sums": {
                currency: {
                    column: {"in": amount(told), "out": amount(found)} for column, (told, found) in pairs.items()
                }
                for currency, pairs in sums.items()
            },
            "earlier": list(self.earlier),
            "counted": self.is_counted,
        }


@dataclass(frozen=True)
class Rejected:
    """The delivery of a period that was rejected, and has not changed since."""

    connection: str
    period: BillingPeriod
    delivery: str
    findings: tuple[Finding, ...]
    counts: Mapping[str, int]


if TYPE_CHECKING:
    _Once = cached_property
else:

    class _Once(cached_property):
        """Made by the first thread that asks; the others wait for it."""

        def __get__(self, instance, owner=None):
            if instance is None:
                return self
            with instance.making:
                return super().__get__(instance, owner)


class Outlay:
    """An installation of Outlay. Open it with `outlay.open()`; parts are made when they are first used."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.making = threading.RLock()
        self._tries = threading.BoundedSemaphore(_TRIES_AT_ONCE)

    def __enter__(self) -> Outlay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if "desk" in self.__dict__:
            self.desk.close()
        if "_asking" in self.__dict__ and self._asking is not self.__dict__.get("engine"):
            self._asking.close()
        if "engine" in self.__dict__:
            self.engine.close()
        if "lake" in self.__dict__:
            self.lake.close()
        if "memory" in self.__dict__:
            from outlay.state.opening import close_state

            close_state()

    @_Once
    def _home(self) -> None:
        for setting, folder in (("OUTLAY_HOME", self.settings.home), ("OUTLAY_SPOOL", self.settings.spool)):
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as error:
                raise HomeError(
                    f"{folder} cannot be used: {error.strerror}.",
                    next=f"Point {setting} to a folder you can write to.",
                ) from error

    @_Once
    def memory(self) -> DatabaseMemory:
        _ = self._home
        from outlay.state.opening import open_state

        open_state(self.settings)
        from outlay.state.memory import DatabaseMemory

        return DatabaseMemory()

    @_Once
    def lake(self) -> Lake:
        _ = self._home
        from outlay.lake import open_lake

        return open_lake(self.settings, credentials=self._credentials())

    @_Once
    def engine(self) -> Engine:
        _ = self._home
        from outlay.engine import open_engine

        return open_engine(self.settings, credentials=self._credentials())

    @contextmanager
    def trying(self, wait: float = _WAIT_TO_TRY) -> Iterator[Engine]:
        """An engine for one look at a place that is tried, in any thread: few at once, and small.

        Raises Busy after so many seconds of `wait`.
        """
        from outlay.engine import open_engine

        _ = self._home
        if not self._tries.acquire(timeout=wait):
            raise Busy("Other connections are being tested.", next="Test again in a moment.", retry_after=_ASK_AGAIN)
        try:
            small = replace(
                self.settings,
                engine="duckdb",
                threads=1,
                memory_limit=min(self.settings.memory_limit, _MEMORY_OF_A_TRY),
            )
            engine = open_engine(small)
            try:
                yield engine
            finally:
                engine.close()
        finally:
            self._tries.release()

    @_Once
    def _asking(self) -> Engine:
        """What answers questions: DuckDB with few threads and a memory of its files, beside what brings bills in."""
        from outlay.engine import open_engine

        if self.settings.engine != "duckdb":
            return self.engine
        _ = self._home
        few = replace(self.settings, threads=_THREADS_A_QUESTION * self.settings.question_slots)
        return open_engine(few, credentials=self._credentials(), reads_again=True)

    @_Once
    def desk(self) -> Desk:
        """Where questions are answered; any thread may ask."""
        _ = self.memory
        from outlay.costs.desk import Bounds, Desk
        from outlay.state import accounts, connections, moving

        bounds = Bounds(self.settings.question_slots, self.settings.question_wait, self.settings.question_seconds)
        return Desk(
            self.lake,
            self._asking,
            bounds,
            connections.counted_months,
            accounts.only,
            moving.lines,
            self._overlaps.twice,
        )

    @_Once
    def _overlaps(self) -> Overlaps:
        """Bills that several connections hold."""
        _ = self.memory
        from outlay.state.overlaps import Overlaps

        return Overlaps(lambda live: self.desk.held(live))

    def _credentials(self) -> Any:
        return self._credentials_for(self.settings.lake)

    def _credentials_for(self, location: str) -> Any:
        """For what the installation keeps on S3: its own."""
        if not location.startswith("s3://"):
            return None
        from outlay.aws.sessions import Credentials

        return Credentials()

    @property
    def keyring(self) -> Keyring:
        """The keys that seal this installation's secrets, as they are now. Raises SetupError."""
        _ = self._home
        from outlay.state.secrets import Keyring

        return Keyring.of(self.settings)

    # Connections

    def add(self, new: NewConnection) -> ConnectionView:
        """Register a connection. Raises UsageError naming the field and its rule."""
        self.check_name(new)
        return self.register(new)

    def register(self, new: NewConnection) -> ConnectionView:
        """As `add`, for a name that `check_name` has let pass: it asks the database alone."""
        from outlay.state import connections

        if new.kind == "stream":
            new = replace(new, location=self._stream(new))
        return self._noted(connections.add(new, lambda secret: self.keyring.seal(secret)))

    def _stream(self, new: NewConnection) -> str:
        """Where what is sent to it will lie. Raises UsageError for a place of one's own."""
        from outlay.storage import Location

        if new.location:
            raise UsageError(
                f"What is sent to {new.name} is kept by Outlay itself, so there is nothing for it at {new.location!r}.",
                next="Leave the location out.",
                field="location",
            )
        return str(Location.parse(f"{self.settings.streams}/{new.name}"))

    def check_name(self, new: NewConnection) -> None:
        """Raises UsageError for a name that cannot be, or whose charges lie in the lake. It reads the lake."""
        _ = self.memory
        from outlay.state import connections

        connections.check_name(new.kind, new.name)
        if any(partition.connection == new.name for partition in self.lake.live()):
            try:
                connections.named(new.name)
            except UnknownName:
                raise UsageError(
                    f"The lake still holds charges of an earlier connection named {new.name}.",
                    next="Choose another name, so that its charges are not replaced by mistake.",
                ) from None

    def connections(self) -> list[ConnectionView]:
        _ = self.memory
        from outlay.health import status
        from outlay.state.facts import facts_by_name

        rows, now = self.rows(), datetime.now(UTC)
        facts = facts_by_name(rows)
        return [ConnectionView(row, status(facts[row.name], now)) for row in rows]

    def rows(self) -> list[Connection]:
        """Every connection, without its status: what forms choose from."""
        _ = self.memory
        from outlay.state import connections

        return connections.every()

    def connection(self, name: str) -> ConnectionView:
        """Raises UnknownName."""
        _ = self.memory
        from outlay.state import connections

        return self._view(connections.named(name))

    def pause(self, name: str) -> ConnectionView:
        _ = self.memory
        from outlay.state import connections

        return self._noted(connections.pause(name))

    def resume(self, name: str) -> ConnectionView:
        _ = self.memory
        from outlay.state import connections

        return self._noted(connections.resume(name))

    def check_now(self, name: str) -> ConnectionView:
        """Let a worker check it as soon as one is free, months that a stop left out included. Raises UsageError."""
        _ = self.memory
        from outlay.state import connections

        return self._view(connections.want(name))

    def stop(self, name: str) -> bool:
        """End the check under way; months never brought in then wait for `check_now`. False: there is none."""
        _ = self.memory
        from outlay.state import connections

        return connections.request_stop(name)

    def set_frequency(self, name: str, minutes: str | int) -> ConnectionView:
        """How often it is checked. Raises UsageError."""
        _ = self.memory
        from outlay.state import connections

        return self._view(connections.set_check_every(name, minutes))

    def set_bring_from(self, name: str, month: str) -> ConnectionView:
        """From which month on its bills are brought in; blank: all. What is in already stays. Raises UsageError."""
        _ = self.memory
        from outlay.state import connections

        return self._view(connections.set_bring_from(name, month))

    def set_counted(self, name: str, first: str = "", last: str = "") -> ConnectionView:
        """Which months answers count, both included; blank: no bound. The bills outside stay in the lake, uncounted."""
        _ = self.memory
        from outlay.state import connections

        return self._view(connections.set_counted(name, first, last))

    def set_export(self, name: str, export: str) -> ConnectionView:
        """Which export it brings in, while it names none or one that is not there. Raises UsageError."""
        _ = self.memory
        from outlay.state import connections

        return self._view(connections.set_export(name, export))

    def reseal(self, *, drop_old: bool = False) -> int:
        """Seal every secret under a new key, and say how many those were; with keys of the environment, its first.

        Older keys are kept, for what other processes seal meanwhile, unless `drop_old` says otherwise.
        """
        _ = self.memory
        from outlay.state import connections, noticing, secrets

        given = self.settings.secret_keys
        ring = self.keyring if given else secrets.add_key(self.settings)
        count = connections.reseal(ring) + noticing.reseal(ring)
        if drop_old and not given:
            secrets.drop_old_keys(self.settings, ring)
        return count

    def timeline(self, name: str) -> list[Change]:
        """Each change of its status, newest first."""
        self.connection(name)
        from outlay.state import changes

        return changes.timeline(name)

    def progress(self, name: str) -> Progress | None:
        """How far the check under way, or else the last one, has come; None before the first."""
        _ = self.memory
        from outlay.state import checking, connections

        return checking.progress_of(connections.named(name), datetime.now(UTC))

    def shown(self, name: str) -> dict[str, Any]:
        """All that `outlay connections show --json` tells of a connection."""
        view, progress = self.connection(name), self.progress(name)
        return {
            **view.as_dict(),
            **view.details(),
            "progress": progress.as_dict() if progress else None,
            "timeline": [change.as_dict() for change in self.timeline(name)],
            "overlaps": [each.as_dict() for each in self.overlapping_with(name)],
        }

    def runs(
        self,
        *,
        connection: str | None = None,
        period: str | None = None,
        outcome: str | None = None,
        offset: int = 0,
        limit: int = 50,
    ) -> tuple[list[KeptRun], int]:
        """Runs that are over, the newest first, and how many there are in all. Raises UsageError for the period."""
        _ = self.memory
        from outlay.state import runs

        wanted = {"connection": connection, "period": _period(period).id if period else None, "outcome": outcome}
        return runs.page({name: value for name, value in wanted.items() if value}, offset, limit)

    def run(self, number: int) -> KeptRun:
        """Raises UnknownName."""
        _ = self.memory
        from outlay.state import runs

        return runs.numbered(number)

    def remove(self, name: str, *, purge: bool = False) -> int:
        """Forget a connection; its charges stay unless `purge` says otherwise. Returns how many charges went.

        Raises UsageError while another connection uses its access, and with `purge` Busy while it is checked.
        """
        _ = self.memory
        from outlay.state import claims, connections

        connections.check_unused(name)
        if purge:
            return self._remove_all(name)
        claim = claims.claim(name, claims.holder(), datetime.now(UTC))
        if claim is None:
            # A check may be committing at this moment: what it brings counts as its bounds say.
            connections.remove(name)
            return 0
        with claims.held_by(claim):
            has_charges = any(partition.connection == name for partition in self.lake.live())
            connections.remove(name, keeps_charges=has_charges)
        return 0

    def _remove_all(self, name: str) -> int:
        """The charges, then the connection: who is cut off between them finds it there, and can do it again."""
        from outlay.state import claims, connections

        gone = 0
        with claims.held_by(self._claim(name, None)) as still:
            for partition, live in self.lake.live().items():
                if partition.connection == name:
                    still()
                    self.lake.replace(partition, "removed", [], expected=live.delivery)
                    gone += live.rows
            is_stream = connections.named(name).kind == "stream"
            connections.remove(name, keeps_charges=False)
        if is_stream:
            # What was sent is kept nowhere else, and would come in again with the next connection of that name.
            place = self.stream(name)
            place.delete([file.path for file in place.list()])
        return gone

    def _noted(self, row: Connection) -> ConnectionView:
        from outlay.state import changes

        changes.note(row.name, datetime.now(UTC))
        return self._view(row)

    def _view(self, row: Connection) -> ConnectionView:
        from outlay.health import status
        from outlay.state.facts import facts_of

        return ConnectionView(row, status(facts_of(row), datetime.now(UTC)))

    def place(self, row: Connection) -> Place:
        """The connection's location, opened with its own access. Raises UsageError for a folder outside OUTLAY_FOLDERS.

        A folder is looked at each time: a link in its path may have been put there since.
        """
        from outlay.storage import Location, open_place
        from outlay.storage.roots import allowed

        if row.kind == "stream":
            return self.stream(row.name)
        if Location.parse(row.location).is_folder and self.settings.folders:
            allowed(row.location, self.settings.folders)
        return open_place(
            row.location,
            credentials=self.credentials(row),
            endpoint=self.settings.s3_endpoint,
            region=self.settings.s3_region,
            within=self.settings.folders or (),
        )

    def stream(self, name: str) -> Place:
        """Where the bodies lie that were sent to a connection. A home that was moved has taken them along."""
        from outlay.storage import open_place

        return open_place(
            f"{self.settings.streams}/{name}",
            credentials=self._credentials_for(self.settings.streams),
            endpoint=self.settings.s3_endpoint,
            region=self.settings.s3_region,
            create=True,
        )

    def credentials(self, row: Connection) -> Credentials | None:
        """What gives a connection's credentials when it is called; None where it needs none that Outlay knows of."""
        if row.kind != "linked" and not row.location.startswith("s3://"):
            return None
        from outlay.aws.sessions import Credentials

        lender = row.access_of or row
        return Credentials(
            profile=lender.profile,
            role_arn=lender.role_arn,
            external_id=lender.external_id,
            access_key=self._access_key(lender),
            # A profile names the region in which its own keys are known.
            region="" if lender.profile else self.settings.s3_region or "",
        )

    def _access_key(self, row: Connection) -> tuple[str, str] | None:
        if not row.secret:
            return None
        return row.access_key_id, self.keyring.open(row.secret, row.name).reveal()

    # Bills in

    def ingest(
        self,
        names: Sequence[str] = (),
        *,
        observer: Observer | None = None,
        accept_empty: bool = False,
        waiting: Callable[[str, str], None] | None = None,
    ) -> Iterator[RunResult]:
        """Check connections now, all that are not paused or those named, and bring in what changed.

        While another process checks one of them, `waiting` is told which and who, and it is waited for; without
        `waiting`, Busy is raised.
        """
        _ = self.memory
        from outlay.state import connections
        from outlay.state.checking import Watch

        rows = [connections.named(name) for name in names] or [row for row in connections.every() if not row.paused_at]
        for row in rows:
            claim = self._claim(row.name, waiting)
            connections.bring_in_all(row.name)
            yield from self.check(Watch(claim, observer), accept_empty=accept_empty)

    def check(self, watch: Watch, *, accept_empty: bool = False) -> Iterator[RunResult]:
        """One check under the lease that `watch` keeps: what a worker does."""
        from outlay.ingest.ingest import Ingest
        from outlay.state import checking, connections

        row = connections.named(watch.claim.connection)
        if row.kind == "linked":
            from outlay.state import linked

            yield from linked.check(watch, self.credentials(row), self.memory)
            self._look_behind(row.name)
            return
        work = Ingest(self.settings, self.lake, self.engine, self.memory, watch, accept_empty)
        yield from checking.check(watch, work, self.place, self.memory)
        self._ask_after_export(watch.claim.connection)
        self._look_behind(watch.claim.connection)
        self.hand_over(watch.claim.connection)
        self._add_up()

    def hand_over(self, name: str) -> None:
        """Where it goes on with another, or another with it: find the month of the change, and pause the old one.

        Both may have to wait for a later check.
        """
        from outlay.state import acts, moving

        for move in moving.under_way(name):
            if not move.month and (first := self._first_in_full(move)):
                moving.set_month(move.new, first)
                said = f"from {first} on, the first month that it holds in full."
                acts.note(move.new, acts.BY_ITSELF, "counted", said=said)
        for move in moving.under_way(name):
            if move.month and self._is_over(move) and moving.end(move.new):
                self.pause(move.old)
                acts.note(move.old, acts.BY_ITSELF, "paused", said=f"as {move.new} counts now.")

    def _is_over(self, move: Move) -> bool:
        """Is the old one needed no more? It is for months that the new one has not, and for late corrections.

        AWS makes a bill final in the first days of the next month; a bill that never says so is not waited for longer
        than a month.
        """
        first = BillingPeriod.parse(move.month)
        new = {key.period for key in self.lake.live() if key.connection == move.new}
        old = {view.period: view for view in self.periods(move.old) if view.delivery}
        if first not in new or any(period >= first and period not in new for period in old):
            return False
        last = old.get(first.previous())
        return last is None or last.state != "estimated" or first.next() in new

    def _first_in_full(self, move: Move) -> str:
        """The first month that the new one holds from its first day on, or as early as the old one; blank for none."""
        from outlay.costs.comparing import first_usage
        from outlay.lake import Partition
        from outlay.state import connections

        if not connections.is_all_in(move.new):
            return ""
        live = self.lake.live()

        def begins(session: Session, name: str, period: BillingPeriod) -> date:
            there = live.get(Partition(name, period))
            return (first_usage(session, there.files) if there else None) or period.start.date()

        def look(session: Session) -> str:
            for period in sorted(each.period for each in live if each.connection == move.new):
                latest = max(period.start.date(), begins(session, move.old, period))
                if period.month > move.after and begins(session, move.new, period) <= latest:
                    return period.month
            return ""

        try:
            return self.desk.look(look)
        except (Busy, TooSlow):
            # The next check looks again; until then the old one counts.
            return ""

    def _add_up(self) -> None:
        """Of bills that have come in, what each holds of each payer: otherwise the next question does it."""
        from outlay.state import overlaps

        try:
            overlaps.tell(self.overlapping())
        except (Busy, TooSlow):
            return

    def _ask_after_export(self, name: str) -> None:
        """What AWS says of an export that Outlay made, until it has delivered."""
        from outlay.state import awaiting

        row = awaiting.awaited(name)
        if row is None:
            return
        from outlay.aws.exports import run_said
        from outlay.aws.sessions import Credentials, Session

        try:
            given = self.credentials(row)
            said = run_said(Session(given), row.export_arn, row.export) if isinstance(given, Credentials) else ""
        except OutlayError as error:
            said = f"What AWS says of it may not be seen: {error.message}"
        awaiting.note(name, said)

    def _look_behind(self, name: str) -> None:
        """Whose account it is, and how Organizations calls the others: once a day, where the access allows it."""
        from outlay.state import accounts, connections

        try:
            row = connections.named(name)
        except UnknownName:
            # It was removed during its check.
            return
        credentials = self.credentials(row)
        lender = row.access_of or row
        # Another S3 service than AWS's has no such thing, unless it is said whose access of AWS it is.
        is_asked = not self.settings.s3_endpoint or bool(lender.role_arn or lender.access_key_id or lender.profile)
        if credentials is not None and is_asked and row.kind == "aws":
            accounts.look_behind(row, credentials, datetime.now(UTC))
        if row.kind in accounts.KINDS and (known := accounts.linked()):
            try:
                accounts.keep_through(self.ask(accounts.through_question(known)))
            except (Busy, TooSlow):
                # What was found before stays until the next check.
                return

    def roll_up(self) -> Iterator[tuple[str, BillingPeriod]]:
        """Make the roll-ups that are missing, the newest months first, and tell of each when it is made.

        They are a help, made when there is time for them: until then the charges answer.
        """
        from outlay.costs.rollup import Builder

        for partition in Builder(self.lake, self.engine, self.settings.spool).build_missing():
            if "desk" in self.__dict__:
                self.desk.look_again()
            yield partition.connection, partition.period

    def _claim(self, name: str, waiting: Callable[[str, str], None] | None) -> Claim:
        from outlay.state import claims, connections

        by = claims.holder()
        while (claim := claims.claim(name, by, datetime.now(UTC))) is None:
            other = claims.said(connections.named(name).lease_holder)
            if waiting is None:
                raise Busy(
                    f"{name} is being checked by {other} at the moment.",
                    next=f"Wait for it to end, or see how far it is with outlay connections show {name}.",
                    retry_after=_ASK_AGAIN,
                )
            waiting(name, other)
            time.sleep(_LOOK_AGAIN)
        return claim

    def rejected(self, name: str) -> list[Rejected]:
        """What stands rejected: the next ingest passes it over until the source changes."""
        _ = self.memory
        from outlay.state.memory import findings_of

        return [
            Rejected(
                name,
                _period(row.period),
                row.delivery,
                findings_of(row.run) if row.run else (),
                row.run.counts if row.run else {},
            )
            for row in self.memory.rejected(name)
        ]

    # Answers out

    @property
    def charges(self) -> ir.Table:
        """The charges that are live now and count, as an Ibis table in FOCUS columns."""
        files, only = self._counted_files()
        return only.of(self.engine.charges(files))

    def counted(self) -> Mapping[Partition, Live]:
        """What answers are made of: all that is live but the months that do not count, or count elsewhere."""
        return self._counted()[0]

    def overlapping(self) -> tuple[Overlap, ...]:
        """Bills of one payer and month that several connections hold, with what each comes to, and which counts."""
        return self._overlaps.of(self._within())

    def overlapping_with(self, name: str) -> tuple[Overlap, ...]:
        """Those that a connection is part of; the lake is read only where there may be any."""
        _ = self.memory
        from outlay.state import overlaps

        found = self.overlapping() if overlaps.may_overlap(name) else ()
        return tuple(each for each in found if name in each.connections)

    def _within(self) -> dict[Partition, Live]:
        """All that is live but the months that do not count."""
        _ = self.memory
        from outlay.costs.counting import counted
        from outlay.state import connections, moving

        return counted(self.lake.seen().live, connections.counted_months(), moving.lines())

    def _counted(self) -> tuple[Mapping[Partition, Live], Only]:
        _ = self.memory
        from outlay.costs.desk import counting
        from outlay.state import accounts, connections, moving

        months, lines, twice = connections.counted_months(), moving.lines(), self._overlaps.twice
        live, only, _ = counting(self.lake.seen().live, months, lines, accounts.only(), twice)
        return live, only

    def _counted_files(self) -> tuple[list[str], Only]:
        """With which of their charges count."""
        live, only = self._counted()
        return [file for _, each in sorted(live.items()) for file in each.files], only

    def costs(self, by: Sequence[str] = (), **question: Any) -> Answer:
        """What was spent. Takes what `costs.Question.parse` takes: metric, granularity, start, end, where."""
        from outlay.costs.question import Question

        return self.ask(Question.parse(by=by, **question))

    def ask(self, question: Question) -> Answer:
        """For any thread. Raises Busy when no slot comes free in time, and TooSlow. More is asked at the `desk`."""
        return self.desk.ask(question)

    def overview(self, today: date, *, metric: str = "effective") -> Overview:
        """This month so far, where it is going, who is paid and what moved. For any thread, as `ask`."""
        from outlay.costs.overview import overview

        return overview(self.desk.ask, self.desk.table, today, metric=metric)

    def freshness(self, question: Question) -> Freshness:
        """How fresh and how final the bills behind an answer are, and which connections are behind."""
        from outlay.costs.freshness import Bill, freshness

        runs = self.memory.delivered(question.first_period, question.last_period)
        bills = [
            Bill(partition.connection, partition.period, *runs.get((*partition, live.delivery), ("unknown", None)))
            for partition, live in self.counted().items()
        ]
        return freshness(question, bills, [(view.row.name, view.status.status) for view in self.connections()])

    def sql(self, query: str) -> pa.Table:
        """One read-only statement over the table `charges`. Raises UsageError with the engine's words."""
        files, only = self._counted_files()
        return self.engine.query(query, files, only.sql)

    def export(self, directory: Path, *, version: str = "1.2", format: FileFormat = "parquet") -> list[Path]:
        """Write the charges as FOCUS files, one a billing period and connection. Raises UsageError for the version."""
        from outlay.focus_files.export import export

        return export(self.charges, self.engine, version, format, directory)

    def periods(self, name: str) -> list[PeriodView]:
        """Every billing period of a connection, newest first. Raises UnknownName."""
        live = {partition: each for partition, each in self.lake.live().items() if partition.connection == name}
        return self._periods(name, live)

    def period(self, name: str, period: BillingPeriod) -> PeriodView:
        """One of them, for the price of one. Raises UnknownName."""
        from outlay.lake import Partition

        partition = Partition(name, period)
        live = self.lake.live_of(partition)
        found = self._periods(name, {partition: live} if live else {}, period)
        if not found:
            raise UnknownName(f"{name} has no billing period {period.month}.", next=f"See outlay periods {name}.")
        return found[0]

    def _periods(
        self, name: str, live: Mapping[Partition, Live], only: BillingPeriod | None = None
    ) -> list[PeriodView]:
        """One listing and a few questions to the memory, however many periods there are."""
        _ = self.memory
        from outlay.lake import Partition
        from outlay.state import connections

        connections.named(name)
        within, elsewhere = self._within(), self._elsewhere(name)
        kept = self.lake.deliveries(Partition(name, only) if only else name)
        committed = self.memory.committed(name, only)
        decided = {period for period in self.memory.decided(name) if only in (None, period)}
        partitions = [Partition(name, each) for each in {partition.period for partition in live} | decided]
        shown = {each: _shown(live.get(each), committed.get(each.period, {})) for each in partitions}
        commits = {each: committed.get(each.period, {}).get(shown[each] or "") for each in partitions}
        runs = self.memory.runs(commit.run for commit in commits.values() if commit)
        return [
            _period_view(
                each.period,
                shown[each],
                live[each].rows if each in live else 0,
                runs.get(commit.run) if (commit := commits[each]) else None,
                tuple(delivery for delivery in committed.get(each.period, {}) if delivery in kept.get(each, {})),
                is_counted=each not in elsewhere and (each not in live or each in within),
            )
            for each in sorted(partitions, reverse=True)
        ]

    def _elsewhere(self, name: str) -> frozenset[Partition]:
        """Months that are left out as a whole, because the same bill counts in another connection."""
        from outlay.state import overlaps

        return self._overlaps.twice(self._within()).whole if overlaps.may_overlap(name) else frozenset()

    def revert(self, name: str, period: str, delivery: str, *, by: str = "") -> PeriodView:
        """Make an earlier delivery live, as `by` wishes. It stays until the source changes.

        Raises UnknownName, UsageError, Changed, and Busy while the connection is checked.
        """
        _ = self.memory
        from outlay.state import claims, connections

        wanted = _period(period)
        connections.named(name)
        with claims.held_by(self._claim(name, None)):
            view = self.period(name, wanted)
            if delivery == view.delivery:
                return view
            if delivery not in view.earlier:
                known = ", ".join(view.earlier) or "none"
                raise UnknownName(
                    f"{name} {period} has no earlier delivery {delivery}.", next=f"Earlier ones: {known}."
                )
            self._make_live(name, view, delivery, by)
        return self.period(name, wanted)

    def _make_live(self, name: str, view: PeriodView, delivery: str, by: str) -> None:
        """It is written down first: what is live without that would be replaced by the next check."""
        from outlay.lake import Partition
        from outlay.state import reverting

        partition = Partition(name, view.period)
        live = self.lake.live_of(partition)
        begun = reverting.begin(name, view.period, view.delivery or "", delivery, by)
        try:
            self.lake.revive(partition, delivery, expected=live.delivery if live else None)
        except OutlayError:
            reverting.take_back(begun)
            raise

    def tidy(self, *, grace: timedelta = timedelta(days=1)) -> Tidied:
        """Expire old snapshots and sweep what nothing needs; the deliveries that `revert` offers stay."""
        from outlay.lake import tidy
        from outlay.state.keeping import kept_deliveries

        _ = self.memory
        from outlay.state import answering, noticing

        noticing.sweep(datetime.now(UTC))
        answering.sweep(datetime.now(UTC))
        keep = kept_deliveries(datetime.now(UTC))
        return tidy(
            self.lake,
            lambda partition, delivery: delivery in keep.get((partition.connection, partition.period.id), ()),
            now=datetime.now(UTC),
            grace=grace,
        )


def _shown(live: Live | None, committed: Mapping[str, Commit]) -> str | None:
    """The live delivery; or the one that emptied the period: of that nothing lies in the table."""
    if live is not None:
        return live.delivery
    return next((delivery for delivery, commit in committed.items() if commit.rows == 0), None)


def _period_view(
    period: BillingPeriod, delivery: str | None, rows: int, run: Run | None, kept: tuple[str, ...], *, is_counted: bool
) -> PeriodView:
    from outlay.state.memory import reconciliation_of

    return PeriodView(
        period,
        delivery,
        rows,
        run.state if run else "unknown",
        reconciliation_of(run) if run else None,
        tuple(each for each in kept if each != delivery),
        is_counted,
    )


def _period(text: str) -> BillingPeriod:
    try:
        return BillingPeriod.parse(text)
    except ValueError as error:
        raise UsageError(f"{error}.", next="Write 2026-05 or 20260501-20260601.") from error
