"""A drop of CBF, large: files of 500,000 rows × 24 columns, as many rows as asked for. The same rows every time."""

from __future__ import annotations

import gzip
import json
import random
from datetime import datetime, timedelta
from pathlib import Path

PERIOD = "20261001-20261101"
DROP = "20261103T040000Z"
FILE_ROWS = 500_000
_START, _HOURS = datetime(2026, 10, 1), 744
COLUMNS = (
    *("lineitem/id", "lineitem/type", "lineitem/description", "time/usage_start", "time/usage_end", "resource/id"),
    *("resource/service", "resource/account", "resource/region", "resource/usage_family", "action/operation"),
    *("action/usage_type", "usage/amount", "usage/units", "cost/cost", "cost/discounted_cost", "cost/amortized_cost"),
    *("cost/discounted_amortized_cost", "cost/on_demand_cost", "bill/invoice_id"),
    *(f"resource/tag:{key}" for key in ("team", "env", "app", "cost-center")),
)
_TYPES = [*["Usage"] * 94, "Tax", "Fee", "Credit", "Discount", "Support", ""]
_SERVICES = [f"Service {number}" for number in range(40)]


def write(home: Path, rows: int, seed: int = 11) -> None:
    """Write the drop below `home`, then its manifest."""
    chance = random.Random(seed)
    folder = home / PERIOD / DROP
    folder.mkdir(parents=True, exist_ok=True)
    for number, first in enumerate(range(0, rows, FILE_ROWS), start=1):
        with gzip.open(folder / f"data_export-{number:04}.csv.gz", "wb", compresslevel=6) as packed:
            packed.write((",".join(COLUMNS) + "\n").encode())
            last = min(rows, first + FILE_ROWS)
            for begin in range(first, last, 20_000):
                packed.write("".join(_row(chance, each) for each in range(begin, min(last, begin + 20_000))).encode())
    manifest = {"version": "1.3.0", "current_drop_id": DROP}
    (home / PERIOD / "manifest.json").write_text(json.dumps(manifest))


def _row(chance: random.Random, number: int) -> str:
    hour = _START + timedelta(hours=chance.randrange(_HOURS))
    start, end = (f"{each:%Y-%m-%dT%H}:00:00Z" for each in (hour, hour + timedelta(hours=1)))
    service, type_ = chance.randrange(40), _TYPES[number % len(_TYPES)]
    amount = f"{chance.random() * 20:.6f}"
    cost = f"{'-' if type_ in ('Credit', 'Discount') else ''}{chance.random() * 5:.10f}"
    tags = ",".join(chance.choice(("web", "data", "platform", "", '"a, b"')) for _ in range(4))
    return (
        f'li-{number:09},{type_},"{service} hours, on demand",{start},{end},vm/i-{chance.randrange(50_000):08x},'
        f"{_SERVICES[service]},account-{chance.randrange(50):03},region-{service % 9},Compute,Run,type-{service % 25},"
        f"{amount},Hours,{cost},{cost},{cost},{cost},{cost},,{tags}\n"
    )
