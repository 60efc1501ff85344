"""A drop as any reader of AnyCost buckets sees it, by the standard library alone, and rows to publish."""

from __future__ import annotations

import csv
import gzip
import io
import json
from decimal import Decimal
from typing import Any

from outlay.storage import Place

MAY, JUNE = "20260501-20260601", "20260601-20260701"


def row(cost: Any, item: str = "a", day: int = 3, month: int = 5, **more: Any) -> dict[str, Any]:
    """Names of columns are given with `__` for `/`."""
    named = {name.replace("__", "/"): value for name, value in more.items()}
    start = f"2026-{month:02}-{day:02}T10:00:00Z"
    return {"time/usage_start": start, "cost/cost": cost, "lineitem/id": item, **named}


def manifest(place: Place, period: str = MAY) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(place.read(f"{period}/manifest.json"))
    return read


def current(place: Place, period: str = MAY) -> str:
    return str(manifest(place, period)["current_drop_id"])


def rows_of(place: Place, period: str = MAY, drop_id: str = "") -> list[dict[str, str]]:
    """The rows of a drop, without blanks, in the order of its files."""
    drop_id = drop_id or current(place, period)
    found = []
    for file in place.list(f"{period}/{drop_id}"):
        assert file.name.endswith(".csv.gz")
        text = gzip.decompress(place.read(file.path)).decode("utf-8")
        found += [{k: v for k, v in each.items() if v} for each in csv.DictReader(io.StringIO(text, newline=""))]
    return found


def costs(place: Place, period: str = MAY, drop_id: str = "") -> list[str]:
    return sorted(each["cost/cost"] for each in rows_of(place, period, drop_id))


def total(place: Place, period: str = MAY) -> Decimal:
    return sum((Decimal(each["cost/cost"]) for each in rows_of(place, period)), Decimal(0))
