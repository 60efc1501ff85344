"""Everything put together: settings, state, lake and engine behind one object that the faces share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from outlay.errors import Busy, HomeError, TooSlow, UnknownName, UsageError
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
    from outlay.costs.overview import Overview
    from outlay.costs.question import Question
    from outlay.engine import Engine
    from outlay.findings import Finding
    from outlay.health import Status
    from outlay.ingest.result import Reconciliation, RunResult
    from outlay.ingest.steps import Observer
    from outlay.lake import Lake, Live, Partition, Tidied
    from outlay.publish.focus_export import FileFormat
    from outlay.state.changes import Change
    from outlay.state.checking import Watch
    from outlay.state.claims import Claim
    from outlay.state.memory import DatabaseMemory
    from outlay.state.models import Connection, Run
    from outlay.state.new import NewConnection
    from outlay.state.progress import Progress
    from outlay.state.runs import KeptRun
    from outlay.state.secrets import Keyring
    from outlay.storage import Place


# Seconds: between two looks at a lease that another holds, and what a caller is told to wait.
_LOOK_AGAIN, _ASK_AGAIN = 0.5, 5
_THREADS_A_QUESTION = 2


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
        from outlay.state import accounts, connections

        bounds = Bounds(self.settings.question_slots, self.settings.question_wait, self.settings.question_seconds)
        return Desk(self.lake, self._asking, bounds, connections.counted_months, accounts.only)

    def _credentials(self) -> Any:
        """For a lake on S3: the installation's own."""
        if not self.settings.lake.startswith("s3://"):
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
        row = connections.add(new, lambda secret: self.keyring.seal(secret))
        return self._noted(row)

    def connections(self) -> list[ConnectionView]:
        _ = self.memory
        from outlay.state import connections

        return [self._view(row) for row in connections.every()]

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
        """Forget a connection; its charges stay unless `purge` says otherwise. Returns how many charges went."""
        self.connection(name)
        from outlay.state import connections

        gone = 0
        if purge:
            for partition, live in self.lake.live().items():
                if partition.connection == name:
                    self.lake.replace(partition, "removed", [], expected=live.delivery)
                    gone += live.rows
        connections.remove(name, keeps_charges=not purge)
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

        if Location.parse(row.location).is_folder and self.settings.folders:
            allowed(row.location, self.settings.folders)
        return open_place(
            row.location,
            credentials=self.credentials(row),
            endpoint=self.settings.s3_endpoint,
            region=self.settings.s3_region,
            within=self.settings.folders or (),
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
        from outlay.state import checking, connections, linked

        row = connections.named(watch.claim.connection)
        if row.kind == "linked":
            yield from linked.check(watch, self.credentials(row), self.memory)
            self._look_behind(row.name)
            return
        work = Ingest(self.settings, self.lake, self.engine, self.memory, watch, accept_empty)
        yield from checking.check(watch, work, self.place, self.memory)
        self._look_behind(watch.claim.connection)

    def _look_behind(self, name: str) -> None:
        """Whose account it is, and how Organizations calls the others: once a day, where the access allows it."""
        from outlay.state import accounts, connections

        try:
            row = connections.named(name)
        except UnknownName:
            # It was removed during its check.
            return
        credentials = self.credentials(row)
        # Another S3 service than AWS's has no such thing.
        is_asked = not self.settings.s3_endpoint or bool((row.access_of or row).role_arn)
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
        return self._only().of(self.engine.charges(self._counted_files()))

    def _only(self) -> Only:
        """Whose charges count, where not all do."""
        _ = self.memory
        from outlay.state import accounts

        return accounts.only()

    def counted(self) -> dict[Partition, Live]:
        """What answers are made of: all that is live but the months that a connection does not count."""
        _ = self.memory
        from outlay.state import connections

        months = connections.counted_months()
        return {
            partition: live
            for partition, live in self.lake.seen().live.items()
            if partition.period.is_within(*months.get(partition.connection, ("", "")))
        }

    def _counted_files(self) -> list[str]:
        return [file for _, live in sorted(self.counted().items()) for file in live.files]

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
        return self.engine.query(query, self._counted_files(), self._only().sql)

    def export(self, directory: Path, *, version: str = "1.2", format: FileFormat = "parquet") -> list[Path]:
        """Write the charges as FOCUS files, one a billing period and connection. Raises UsageError for the version."""
        from outlay.publish.focus_export import export

        return export(self.charges, self.engine, version, format, directory)

    def periods(self, name: str) -> list[PeriodView]:
        """Every billing period of a connection, newest first."""
        _ = self.memory
        from outlay.lake import Partition
        from outlay.state.memory import reconciliation_of

        row = self.connection(name).row
        live = {partition.period: each for partition, each in self.lake.live().items() if partition.connection == name}
        decided = self.memory.decided(name)
        views = []
        for period in sorted(live.keys() | decided.keys(), reverse=True):
            stored = self.lake.deliveries(Partition(name, period)).get(Partition(name, period), {})
            now_live = live.get(period)
            delivery = now_live.delivery if now_live else self._emptied(name, period)
            run = self.memory.run_of(name, period, delivery) if delivery else None
            earlier = [each.delivery for each in self.memory.committed(name, period) if each.delivery != delivery]
            views.append(
                PeriodView(
                    period,
                    delivery,
                    now_live.rows if now_live else 0,
                    run.state if run else "unknown",
                    reconciliation_of(run) if run else None,
                    tuple(each for each in earlier if each in stored),
                    period.is_within(row.count_from, row.count_to),
                )
            )
        return views

    def _emptied(self, name: str, period: BillingPeriod) -> str | None:
        """The delivery that emptied a period: nothing of it lies in the table, so only the memory knows it."""
        runs = self.memory.committed(name, period)
        return next((run.delivery for run in runs if self._rows(run) == 0), None)

    @staticmethod
    def _rows(run: Run) -> int:
        return int(run.reconciliation["rows_out"]) if run.reconciliation else 0

    def revert(self, name: str, period: str, delivery: str) -> PeriodView:
        """Make an earlier delivery live. It stays until the source changes. Raises UnknownName, UsageError, Changed."""
        from outlay.lake import Partition

        self.connection(name)
        from outlay.state import noticing

        wanted = _period(period)
        view = next((each for each in self.periods(name) if each.period == wanted), None)
        if view is None:
            raise UnknownName(f"{name} has no billing period {period}.", next=f"See outlay periods {name}.")
        if delivery == view.delivery:
            return view
        if delivery not in view.earlier:
            known = ", ".join(view.earlier) or "none"
            raise UnknownName(f"{name} {period} has no earlier delivery {delivery}.", next=f"Earlier ones: {known}.")
        partition = Partition(name, wanted)
        live = self.lake.live_of(partition)
        self.lake.revive(partition, delivery, expected=live.delivery if live else None)
        self.memory.set_aside(name, wanted, delivery)
        noticing.of_revert(name, wanted, live.delivery if live else "", delivery)
        return next(each for each in self.periods(name) if each.period == wanted)

    def tidy(self, *, grace: timedelta = timedelta(days=1)) -> Tidied:
        """Expire old snapshots and sweep what nothing needs; the deliveries that `revert` offers stay."""
        from outlay.lake import tidy
        from outlay.state.keeping import kept_deliveries

        _ = self.memory
        from outlay.state import noticing

        noticing.sweep(datetime.now(UTC))
        keep = kept_deliveries(datetime.now(UTC))
        return tidy(
            self.lake,
            lambda partition, delivery: delivery in keep.get((partition.connection, partition.period.id), ()),
            now=datetime.now(UTC),
            grace=grace,
        )


def _period(text: str) -> BillingPeriod:
    try:
        return BillingPeriod.parse(text)
    except ValueError as error:
        raise UsageError(f"{error}.", next="Write 2026-05 or 20260501-20260601.") from error
