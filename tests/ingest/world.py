"""A whole installation in a temporary folder, without a database: bills go in, answers come out."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from outlay.engine import Engine, open_engine
from outlay.ingest.ingest import Ingest
from outlay.ingest.result import Decided, RunResult, Source
from outlay.ingest.steps import Observer, Quiet
from outlay.lake import Lake, open_lake
from outlay.period import BillingPeriod
from outlay.settings import Settings
from outlay.storage import Place, StoredFile

MAY = BillingPeriod(2026, 5)
Row = Mapping[str, str]


class DictMemory:
    """What is remembered, for as long as the test runs."""

    def __init__(self) -> None:
        self._decided: dict[tuple[str, BillingPeriod], Decided] = {}
        self._files: dict[tuple[str, str, str], frozenset[BillingPeriod]] = {}
        self.results: list[RunResult] = []

    def decided(self, connection: str) -> Mapping[BillingPeriod, Decided]:
        return {period: each for (name, period), each in self._decided.items() if name == connection}

    def record(self, result: RunResult) -> None:
        self.results.append(result)
        if result.outcome in ("committed", "rejected") and result.period and result.delivery:
            rows = result.reconciliation.rows_out if result.reconciliation else 0
            key = (result.connection, result.period)
            self._decided[key] = Decided(result.delivery, result.fingerprint, result.outcome, rows)

    def saw(self, connection: str, period: BillingPeriod, fingerprint: str) -> None:
        before = self._decided[(connection, period)]
        self._decided[(connection, period)] = Decided(before.delivery, fingerprint, before.outcome, before.rows_out)

    def periods_of(self, connection: str, file: StoredFile) -> frozenset[BillingPeriod] | None:
        return self._files.get((connection, file.path, file.etag))

    def remember_periods(self, connection: str, file: StoredFile, periods: frozenset[BillingPeriod]) -> None:
        self._files[(connection, file.path, file.etag)] = periods


class World:
    def __init__(self, home: Path, place: Place, kind: str = "anycost", **settings: Any) -> None:
        self.settings = Settings.read({}, home=home, threads=2, **settings)
        self.place = place
        self.memory = DictMemory()
        self.source = Source("acme", kind, place.location, None, "Acme Cloud")
        self.engine: Engine = open_engine(self.settings)
        self.lake: Lake = open_lake(self.settings)

    def close(self) -> None:
        self.engine.close()

    def check(self, observer: Observer | None = None, *, accept_empty: bool = False) -> list[RunResult]:
        work = Ingest(self.settings, self.lake, self.engine, self.memory, observer or Quiet(), accept_empty)
        return list(work.check(self.source, self.place))

    def one(self, observer: Observer | None = None) -> RunResult:
        (result,) = self.check(observer)
        return result

    def total(self, column: str = "BilledCost") -> Decimal:
        """What the lake says now, over everything."""
        files = [file for live in self.lake.live().values() for file in live.files]
        charges = self.engine.charges(files)
        (row,) = self.engine.rows(self.engine.prepare(charges.aggregate(total=charges[column].sum())))
        return row["total"] or Decimal(0)

    def rows(self) -> list[dict[str, Any]]:
        files = [file for live in self.lake.live().values() for file in live.files]
        return self.engine.rows(self.engine.prepare(self.engine.charges(files).order_by("x_SourceFile", "x_SourceRow")))

    def drop(self, rows: Sequence[Row], drop_id: str = "d1", period: BillingPeriod = MAY) -> None:
        put_drop(self.place, rows, drop_id, period)

    def point(self, drop_id: str, period: BillingPeriod = MAY) -> None:
        point(self.place, drop_id, period)


def put_drop(place: Place, rows: Sequence[Row], drop_id: str, period: BillingPeriod = MAY) -> None:
    """Upload an AnyCost drop and point the manifest at it."""
    place.write(f"{period.id}/{drop_id}/a.csv.gz", gzip.compress(as_csv(rows)))
    point(place, drop_id, period)


def point(place: Place, drop_id: str, period: BillingPeriod = MAY) -> None:
    manifest = {"version": "1.3.0", "current_drop_id": drop_id}
    place.write(f"{period.id}/manifest.json", json.dumps(manifest).encode())


def as_csv(rows: Sequence[Row]) -> bytes:
    columns = list(dict.fromkeys(name for row in rows for name in row)) or ["time/usage_start", "cost/cost"]
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def row(cost: str, **more: str) -> dict[str, str]:
    """One row of CBF; names of columns are given with `__` for `/`."""
    named = {name.replace("__", "/"): value for name, value in more.items()}
    return {"time/usage_start": "2026-05-03T10:00:00Z", "cost/cost": cost, "resource/service": "Compute", **named}
