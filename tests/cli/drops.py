"""AnyCost drops of a few rows."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from outlay.period import BillingPeriod
from outlay.storage import Place
from tests.ingest.world import as_csv

SERVICES = ("Compute", "Storage", "Network")


@dataclass(frozen=True)
class Drops:
    place: Place
    folder: Path

    def drop(self, month: str, costs: Sequence[str], drop_id: str = "d1", **more: str) -> None:
        """One row a cost, each of another service; `more` are columns of every row, with `__` for `/`."""
        period = BillingPeriod.parse(month)
        rows = [self._row(month, cost, service, more) for cost, service in zip(costs, SERVICES, strict=False)]
        self.place.write(f"{period.id}/{drop_id}/a.csv.gz", gzip.compress(as_csv(rows)))
        self.point(month, drop_id)

    def point(self, month: str, drop_id: str) -> None:
        manifest = {"version": "1.3.0", "current_drop_id": drop_id}
        self.place.write(f"{BillingPeriod.parse(month).id}/manifest.json", json.dumps(manifest).encode())

    @staticmethod
    def _row(month: str, cost: str, service: str, more: Mapping[str, str]) -> dict[str, str]:
        named = {name.replace("__", "/"): value for name, value in more.items()}
        return {"time/usage_start": f"{month}-03T10:00:00Z", "cost/cost": cost, "resource/service": service, **named}
