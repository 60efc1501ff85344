"""One run: a delivery is fetched, read, checked, mapped, reconciled and committed, or changes nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import ibis.expr.types as ir

from outlay.engine import Engine, Input, Query, Shape, Told
from outlay.findings import KEPT_PER_CODE, finding
from outlay.formats import FORMATS, Audit, Check, Context, Format
from outlay.formats.raw import Raw
from outlay.ingest import fetch
from outlay.ingest.audit import AuditQuery, bad_rows, bad_values, counted, placed, with_control_amounts
from outlay.ingest.reconcile import not_reconciled, reconcile, staged_totals
from outlay.ingest.result import PeriodState, Reconciliation, RunResult, Source
from outlay.ingest.steps import Steps
from outlay.lake import Lake, Partition
from outlay.layouts import Delivery
from outlay.settings import Settings
from outlay.storage import Place
from outlay.storage.place import made_folder
from outlay.storage.spool import spool

_ROUNDED = "number-rounded"


@dataclass(frozen=True)
class Run:
    """Brings in one delivery. Raises AccessError, Changed or DiskFull; a bad delivery is a result, not an error."""

    settings: Settings
    lake: Lake
    engine: Engine
    steps: Steps
    source: Source
    place: Place
    accept_empty: bool = False

    def bring(self, delivery: Delivery, fingerprint: str, *, expected: str | None) -> RunResult:
        """`expected` is the delivery that is live now: the commit replaces that one and no other."""
        told = Told()
        told.extend(self._accepted(delivery))
        if told.is_bad():
            return self._result(delivery, fingerprint, "rejected", told)
        with spool(self.settings.spool, f"{self.source.name}-{delivery.period.id}") as folder:
            mapped = self._map(delivery, folder, told)
            if told.is_bad():
                return self._result(delivery, fingerprint, "rejected", told)
            with self.steps.step("reconcile"):
                result = self._reconcile(mapped, told)
            if told.is_bad():
                return self._result(delivery, fingerprint, "rejected", told, result)
            if not result.rows_out:
                told.add(finding("period-emptied"))
            state = self._state(mapped.audit, delivery)
            done = self._result(delivery, fingerprint, "committed", told, result, state)
            done = replace(done, replaced=expected)
            self._commit(delivery, mapped.files, done, expected)
        return done

    def _accepted(self, delivery: Delivery) -> list[Any]:
        """The layout's findings; without the missing drop when the user said that an empty period is meant."""
        accepted = {"drop-not-found"} if self.accept_empty else set()
        return [each for each in delivery.findings if each.code not in accepted]

    def _map(self, delivery: Delivery, folder: Path, told: Told) -> _Mapping:
        format_ = FORMATS[delivery.format]
        with self.steps.step("fetch"):
            paths = fetch.fetch(
                self.place, delivery.files, folder, lambda done, total: self.steps.progress("fetch", done, total)
            )
        inputs = [Input(paths[file.path], file.path, file.size) for file in delivery.files]
        staging = made_folder(folder / "staged")
        mapping = _Mapping(self.engine, self.steps, format_, self._context(delivery), staging, told)
        batches = self.engine.batches(
            inputs,
            _shape(format_),
            fetch.limits(self.settings),
            folder,
            told,
            lambda done, total: self.steps.progress("read", done, total),
        )
        try:
            while (table := self._next(batches)) is not None:
                mapping.take(table)
            mapping.finish()
        finally:
            # Nothing may write into a spool that is gone, whatever has happened.
            try:
                mapping.wait()
            finally:
                batches.close()
        return mapping

    def _next(self, batches: Iterator[ir.Table]) -> ir.Table | None:
        with self.steps.step("read"):
            return next(batches, None)

    def _context(self, delivery: Delivery) -> Context:
        source = self.source
        return Context(
            source.name, delivery.period, delivery.id, source.cloud_provider, source.currency, delivery.other_periods
        )

    def _reconcile(self, mapped: _Mapping, told: Told) -> Reconciliation:
        staged: list[dict[str, Any]] = []
        if mapped.files:
            charges = self.engine.charges([str(path) for path in mapped.files])
            staged = self.engine.rows(self.engine.prepare(staged_totals(charges)))
        result = reconcile(mapped.audit, staged, told.counts.get(_ROUNDED, 0))
        told.extend(not_reconciled(result))
        return result

    def _state(self, audit: Audit, delivery: Delivery) -> PeriodState:
        if not audit.gives_invoices:
            return "unknown"
        return "final" if audit.invoiced == audit.kept else "estimated"

    def _commit(self, delivery: Delivery, files: list[Path], done: RunResult, expected: str | None) -> None:
        partition = Partition(self.source.name, delivery.period)
        with self.steps.step("commit"):
            addresses = self.lake.stage(partition, delivery.id, files, note(done))
            self.lake.replace(partition, delivery.id, addresses, expected=expected)

    def _result(
        self,
        delivery: Delivery,
        fingerprint: str,
        outcome: Any,
        told: Told,
        reconciliation: Reconciliation | None = None,
        state: PeriodState = "unknown",
    ) -> RunResult:
        return RunResult(
            self.source.name,
            outcome,
            delivery.period,
            delivery.id,
            fingerprint,
            tuple(told.findings),
            dict(told.counts),
            reconciliation,
            state,
        )


def note(result: RunResult) -> dict[str, Any]:
    """What lies beside a delivery's files, so that a commit whose run was cut off can still be recorded."""
    return {
        "fingerprint": result.fingerprint,
        "findings": [each.as_dict() for each in result.findings],
        "counts": dict(result.counts),
        "state": result.state,
        "replaced": result.replaced,
        "reconciliation": result.reconciliation.as_dict() if result.reconciliation else None,
    }


def _shape(format_: Format) -> Shape:
    return Shape(
        header=format_.header,
        wanted=format_.wanted,
        json=format_.json_columns,
        details=format_.details,
        detail_key=format_.detail_key,
        tags=format_.tags,
        max_rows_a_file=format_.max_rows_a_file,
    )


@dataclass(frozen=True)
class _Plan:
    """The queries for batches of one set of columns: worked out once, run on each of them."""

    raw: Raw
    checks: Sequence[Check]
    audit: AuditQuery
    audit_query: Query
    charges: Query
    open_items: Query | None
    # Those that only some bills need, made when a batch first does.
    others: dict[Hashable, Query] = field(default_factory=dict)


class _Mapping:
    """Maps batch after batch, adding up what each tells. After an error nothing more is written, only checked."""

    def __init__(
        self, engine: Engine, steps: Steps, format_: Format, context: Context, staging: Path, told: Told
    ) -> None:
        self._engine = engine
        self._steps = steps
        self._format = format_
        self._context = context
        self._staging = staging
        self._told = told
        self._plans: dict[tuple[str, ...], _Plan] = {}
        self._items: list[dict[str, Any]] = []
        self._counted: dict[tuple[str, str, str | None], tuple[Check, int]] = {}
        self.audit = Audit()
        self.files: list[Path] = []
        self._writing: deque[Future[list[Path]]] = deque()
        self._written = 0

    def take(self, table: ir.Table) -> None:
        columns = tuple(table.columns)
        if columns not in self._plans:
            self._plans[columns] = self._plan(table)
        plan = self._plans[columns]
        with self._steps.step("check"):
            audit = plan.audit.read(self._engine.rows(plan.audit_query), partial(self._asked, plan))
            self._tell(plan, audit)
        self.audit = self.audit.plus(audit)
        self._steps.progress("check", self.audit.rows, 0)
        if self._told.is_bad():
            return
        if plan.open_items is not None:
            self._items += self._engine.rows(plan.open_items)
        self._write(plan.charges)

    def _plan(self, table: ir.Table) -> _Plan:
        raw, context, prepare = Raw.of(table), self._context, self._engine.prepare
        raw = replace(raw, names=self._format.names(sorted(raw.columns)))
        checked = with_control_amounts(self._format, raw)
        checks = self._format.checks(checked, context)
        query = AuditQuery(self._format, checked, context, checks)
        items = self._format.open_items(raw, context)
        return _Plan(
            checked,
            checks,
            query,
            prepare(query.table),
            prepare(self._format.charges(raw, context)),
            None if items is None else prepare(items),
        )

    def _tell(self, plan: _Plan, audit: Audit) -> None:
        for number, (check, count) in enumerate(zip(plan.checks, audit.bad, strict=True)):
            if not count:
                continue
            told = self._told.counts.get(check.code, 0)
            self._told.counts[check.code] = told + count
            if check.is_counted:
                self._count(plan, number, count)
            elif (room := KEPT_PER_CODE - told) > 0:
                rows = self._engine.rows(self._engine.prepare(bad_rows(check, plan.raw, room)))
                self._told.keep([placed(check, row) for row in rows])

    def _count(self, plan: _Plan, number: int, count: int) -> None:
        """Told once for the whole bill, however many batches it comes in."""
        check = plan.checks[number]
        rows: list[dict[str, Any]] = [{"value": None, "count": count}]
        if check.tells_values:
            rows = self._asked(plan, number, lambda: bad_values(check, plan.raw))
        for row in rows:
            key = (check.code, check.column, row["value"])
            before = self._counted.get(key, (check, 0))[1]
            self._counted[key] = (check, before + row["count"])

    def _asked(self, plan: _Plan, key: Hashable, make: Callable[[], ir.Table]) -> list[dict[str, Any]]:
        if key not in plan.others:
            plan.others[key] = self._engine.prepare(make())
        return self._engine.rows(plan.others[key])

    def _write(self, charges: Query) -> None:
        """Batches are written in their order, each while the next are read and checked."""
        self._settle(self._engine.writings - 1)
        self._writing.append(self._engine.write(charges, self._staging, f"{self._written:05}"))
        self._written += 1

    def _settle(self, left: int) -> None:
        """Wait until so many writings are left at most."""
        while len(self._writing) > left:
            with self._steps.step("map"):
                self.files += self._writing.popleft().result()

    def wait(self) -> None:
        """Until nothing is being written, also where something has gone wrong."""
        with self._steps.step("map"):
            wait(self._writing)
        self._settle(0)

    def finish(self) -> None:
        """What only the whole bill shows: what was counted, settled items and remarks."""
        self.wait()
        self._told.keep([counted(check, value, count) for (_, _, value), (check, count) in self._counted.items()])
        if self._told.is_bad():
            return
        settled = self._format.settle(self._items, self._context)
        self._told.extend(settled.findings)
        self.audit = self.audit.plus(Audit(split=settled.split))
        if settled.charges:
            self._write(self._engine.prepare(self._engine.table_of(settled.charges)))
            self.wait()
        self._told.extend(self._format.remarks(self.audit, self._context))


__all__ = ["Run", "note"]
