"""Everything put together: settings, state, lake and engine behind one object that the faces share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from outlay.errors import HomeError, UnknownName, UsageError
from outlay.period import BillingPeriod
from outlay.settings import Settings

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from outlay.costs.answer import Answer
    from outlay.engine import Engine
    from outlay.findings import Finding
    from outlay.health import Status
    from outlay.ingest.result import Reconciliation, RunResult
    from outlay.ingest.steps import Observer
    from outlay.lake import Lake, Tidied
    from outlay.publish.focus_export import FileFormat
    from outlay.state.memory import DatabaseMemory
    from outlay.state.models import Connection, Run
    from outlay.state.new import NewConnection
    from outlay.storage import Place


@dataclass(frozen=True)
class ConnectionView:
    """A connection with its status, as lists and pages show it."""

    row: Connection
    status: Status

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


@dataclass(frozen=True)
class PeriodView:
    """A billing period of a connection: what is live, whether it is proved, and what could be made live again."""

    period: BillingPeriod
    delivery: str | None
    rows: int
    state: str
    reconciliation: Reconciliation | None
    earlier: tuple[str, ...]

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
        }


@dataclass(frozen=True)
class Rejected:
    """The delivery of a period that was rejected, and has not changed since."""

    connection: str
    period: BillingPeriod
    delivery: str
    findings: tuple[Finding, ...]
    counts: Mapping[str, int]


class Outlay:
    """An installation of Outlay. Open it with `outlay.open()`; parts are made when they are first used."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def __enter__(self) -> Outlay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if "engine" in self.__dict__:
            self.engine.close()
        if "lake" in self.__dict__:
            self.lake.close()
        if "memory" in self.__dict__:
            from outlay.state.opening import close_state

            close_state()

    @cached_property
    def _home(self) -> None:
        for setting, folder in (("OUTLAY_HOME", self.settings.home), ("OUTLAY_SPOOL", self.settings.spool)):
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as error:
                raise HomeError(
                    f"{folder} cannot be used: {error.strerror}.",
                    next=f"Point {setting} to a folder you can write to.",
                ) from error

    @cached_property
    def memory(self) -> DatabaseMemory:
        _ = self._home
        from outlay.state.opening import open_state

        open_state(self.settings)
        from outlay.state.memory import DatabaseMemory

        return DatabaseMemory()

    @cached_property
    def lake(self) -> Lake:
        _ = self._home
        from outlay.lake import open_lake

        return open_lake(self.settings, credentials=self._credentials())

    @cached_property
    def engine(self) -> Engine:
        _ = self._home
        from outlay.engine import open_engine

        return open_engine(self.settings, credentials=self._credentials())

    def _credentials(self) -> Any:
        """For a lake on S3: the installation's own."""
        if not self.settings.lake.startswith("s3://"):
            return None
        from outlay.aws.sessions import Credentials

        return Credentials()

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
        return self._view(connections.add(new))

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

        return self._view(connections.pause(name))

    def resume(self, name: str) -> ConnectionView:
        _ = self.memory
        from outlay.state import connections

        return self._view(connections.resume(name))

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
        connections.remove(name)
        return gone

    def _view(self, row: Connection) -> ConnectionView:
        from outlay.health import status
        from outlay.state.facts import facts_of

        return ConnectionView(row, status(facts_of(row), datetime.now(UTC)))

    def place(self, row: Connection) -> Place:
        """The connection's location, opened with its own access."""
        from outlay.storage import open_place

        credentials = None
        if row.location.startswith("s3://"):
            from outlay.aws.sessions import Credentials

            credentials = Credentials(profile=row.profile, role_arn=row.role_arn, external_id=row.external_id)
        return open_place(
            row.location, credentials=credentials, endpoint=self.settings.s3_endpoint, region=self.settings.s3_region
        )

    # Bills in

    def ingest(
        self, names: Sequence[str] = (), *, observer: Observer | None = None, accept_empty: bool = False
    ) -> Iterator[RunResult]:
        """Check connections now, all that are not paused or those named, and bring in what changed."""
        _ = self.memory
        from outlay.errors import OutlayError
        from outlay.ingest.ingest import Ingest, failed
        from outlay.ingest.steps import Quiet
        from outlay.state import connections

        rows = [connections.named(name) for name in names] or [row for row in connections.every() if not row.paused_at]
        for row in rows:
            work = Ingest(self.settings, self.lake, self.engine, self.memory, observer or Quiet(), accept_empty)
            source = connections.source(row)
            try:
                place = self.place(row)
            except OutlayError as error:
                result = failed(source, None, error)
                self.memory.record(result)
                yield result
                continue
            is_well = True
            for result in work.check(source, place):
                is_well &= result.outcome != "failed" and not (result.is_bad and result.period is None)
                yield result
            self.memory.checked(row.name, is_well=is_well)

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
        """The charges that are live now, as an Ibis table in FOCUS columns."""
        files = [file for _, live in sorted(self.lake.live().items()) for file in live.files]
        return self.engine.charges(files)

    def costs(self, by: Sequence[str] = (), **question: Any) -> Answer:
        """What was spent. Takes what `costs.Question.parse` takes: metric, granularity, start, end, where."""
        from outlay.costs.answer import ask
        from outlay.costs.question import Question

        return ask(
            self.charges, Question.parse(by=by, **question), lambda table: self.engine.rows(self.engine.prepare(table))
        )

    def sql(self, query: str) -> pa.Table:
        """One read-only statement over the table `charges`. Raises UsageError with the engine's words."""
        files = [file for _, live in sorted(self.lake.live().items()) for file in live.files]
        return self.engine.query(query, files)

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
        decided = self.memory.decided(row.name)
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
        return next(each for each in self.periods(name) if each.period == wanted)

    def tidy(self, *, grace: timedelta = timedelta(days=1)) -> Tidied:
        """Expire old snapshots and sweep what nothing needs; the deliveries that `revert` offers stay."""
        from outlay.lake import tidy
        from outlay.state.keeping import kept_deliveries

        _ = self.memory
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
