"""A bill is read batch by batch, and each batch checked: what an ingest and `outlay check` have in common.

An ingest goes on with what is good, in `keep` and `close`; a check does not, so that both find the same errors.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import ibis.expr.types as ir

from outlay.engine import Engine, Input, Limits, Query, Shape, Told
from outlay.findings import KEPT_PER_CODE
from outlay.formats import Audit, Check, Context, Format
from outlay.formats.raw import Raw
from outlay.ingest.audit import AuditQuery, bad_rows, bad_values, counted, placed, with_control_amounts
from outlay.ingest.steps import Steps


@dataclass
class Plan:
    """The queries for batches of one set of columns: worked out once, run on each of them.

    `bill` is the raw table, `raw` the same with the format's control amounts. `more` is for who goes on with a batch.
    """

    bill: Raw
    raw: Raw
    checks: Sequence[Check]
    audit: AuditQuery
    audit_query: Query
    # Those that only some bills need, made when a batch first does.
    others: dict[Hashable, Query] = field(default_factory=dict)
    more: Any = None


class Reading:
    """Checks batch after batch, adding up what each tells."""

    def __init__(self, engine: Engine, steps: Steps, format_: Format, context: Context, told: Told) -> None:
        self._engine = engine
        self._steps = steps
        self._format = format_
        self._context = context
        self._told = told
        self._plans: dict[tuple[str, ...], Plan] = {}
        self._counted: dict[tuple[str, str, str | None, str], tuple[Check, int]] = {}
        self.audit = Audit()

    def read(self, inputs: Sequence[Input], limits: Limits, spool: Path) -> None:
        """All files of a delivery, in their order."""
        batches = self._engine.batches(
            inputs,
            shape(self._format),
            limits,
            spool,
            self._told,
            lambda done, total: self._steps.progress("read", done, total),
        )
        try:
            while (table := self._next(batches)) is not None:
                self._take(table)
            self._finish()
        finally:
            # Nothing may write into a spool that is gone, whatever has happened.
            try:
                self.wait()
            finally:
                batches.close()

    def look(self, plan: Plan) -> None:
        """For what is to be seen of each batch, be the bill good or not."""

    def keep(self, plan: Plan) -> None:
        """For what is done with a batch as long as nothing was wrong."""

    def close(self) -> None:
        """For what only the whole bill shows, when nothing was wrong."""

    def wait(self) -> None:
        """Until nothing is being written, also where something has gone wrong."""

    def _next(self, batches: Iterator[ir.Table]) -> ir.Table | None:
        with self._steps.step("read"):
            return next(batches, None)

    def _take(self, table: ir.Table) -> None:
        columns = tuple(table.columns)
        if columns not in self._plans:
            self._plans[columns] = self._plan(table)
        plan = self._plans[columns]
        with self._steps.step("check"):
            audit = plan.audit.read(self._engine.rows(plan.audit_query), partial(self._asked, plan))
            self._tell(plan, audit)
            self.look(plan)
        self.audit = self.audit.plus(audit)
        self._steps.progress("check", self.audit.rows, 0)
        if not self._told.is_bad():
            self.keep(plan)

    def _plan(self, table: ir.Table) -> Plan:
        raw, context = Raw.of(table), self._context
        raw = replace(raw, names=self._format.names(sorted(raw.columns)))
        checked = with_control_amounts(self._format, raw)
        checks = self._format.checks(checked, context)
        query = AuditQuery(self._format, checked, context, checks)
        return Plan(raw, checked, checks, query, self._engine.prepare(query.table))

    def _tell(self, plan: Plan, audit: Audit) -> None:
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

    def _count(self, plan: Plan, number: int, count: int) -> None:
        """Told once for the whole bill, however many batches it comes in."""
        check = plan.checks[number]
        rows: list[dict[str, Any]] = [{"value": None, "count": count}]
        if check.tells_values:
            rows = self._asked(plan, number, lambda: bad_values(check, plan.raw))
        for row in rows:
            key = (check.code, check.column, row["value"], repr(sorted(check.fields.items())))
            before = self._counted.get(key, (check, 0))[1]
            self._counted[key] = (check, before + row["count"])

    def _asked(self, plan: Plan, key: Hashable, make: Callable[[], ir.Table]) -> list[dict[str, Any]]:
        if key not in plan.others:
            plan.others[key] = self._engine.prepare(make())
        return self._engine.rows(plan.others[key])

    def _finish(self) -> None:
        """What only the whole bill shows: what was counted, settled items and remarks."""
        self.wait()
        self._told.keep([counted(check, key[2], count) for key, (check, count) in self._counted.items()])
        if self._told.is_bad():
            return
        self.close()
        self._told.extend(self._format.remarks(self.audit, self._context))


def shape(format_: Format) -> Shape:
    return Shape(
        header=format_.header,
        wanted=format_.wanted,
        json=format_.json_columns,
        details=format_.details,
        detail_key=format_.detail_key,
        tags=format_.tags,
        max_rows_a_file=format_.max_rows_a_file,
        many_rows_a_file=format_.many_rows_a_file,
    )
