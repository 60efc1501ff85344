"""One run: a delivery is fetched, read, checked, mapped, reconciled and committed, or changes nothing."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from outlay.engine import Engine, Input, Query, Told
from outlay.findings import finding
from outlay.formats import FORMATS, Audit, Context, Format
from outlay.ingest import fetch
from outlay.ingest.reading import Plan, Reading
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
        mapping.read(inputs, fetch.limits(self.settings), folder)
        return mapping

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


class _Mapping(Reading):
    """Reads a bill and writes its charges. After an error nothing more is written, only checked."""

    def __init__(
        self, engine: Engine, steps: Steps, format_: Format, context: Context, staging: Path, told: Told
    ) -> None:
        super().__init__(engine, steps, format_, context, told)
        self._staging = staging
        self._items: list[dict[str, Any]] = []
        self.files: list[Path] = []
        self._writing: deque[Future[list[Path]]] = deque()
        self._written = 0

    def keep(self, plan: Plan) -> None:
        queries = self._queries(plan)
        if queries.open_items is not None:
            self._items += self._engine.rows(queries.open_items)
        self._write(queries.charges)

    def _queries(self, plan: Plan) -> _Queries:
        """What is asked of a batch that is good, worked out for its first batch."""
        if plan.more is None:
            prepare, items = self._engine.prepare, self._format.open_items(plan.bill, self._context)
            charges = prepare(self._format.charges(plan.bill, self._context))
            plan.more = _Queries(charges, None if items is None else prepare(items))
        queries: _Queries = plan.more
        return queries

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
        with self._steps.step("map"):
            wait(self._writing)
        self._settle(0)

    def close(self) -> None:
        settled = self._format.settle(self._items, self._context)
        self._told.extend(settled.findings)
        self.audit = self.audit.plus(Audit(split=settled.split))
        if settled.charges:
            self._write(self._engine.prepare(self._engine.table_of(settled.charges)))
            self.wait()


@dataclass(frozen=True)
class _Queries:
    charges: Query
    open_items: Query | None


__all__ = ["Run", "note"]
