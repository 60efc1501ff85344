"""Rows as Arrow → a drop, and the drop → the lake: `python -m bench.publishing [rows]`.

Each is a whole process, measured from outside. The sums of both have to be equal to those of the rows.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa

from bench import results
from bench.measuring import DATA, Measured, run

ROWS = 5_000_000
MONTH = "2026-05"
_BATCH = 65_536
_SERVICES = ["Compute", "Object Storage", "Network", "Database", "Support, 24×7"]
_TEAMS = ["search", "checkout", "data", "platform", None]
_PUBLISH = """
import sys
import pyarrow as pa
import outlay
with pa.OSFile(sys.argv[1]) as file, pa.ipc.open_stream(file) as rows:
    outlay.publish(rows, to=sys.argv[2], period=sys.argv[3])
"""


def main() -> int:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    DATA.mkdir(exist_ok=True)
    path, cost = _rows(rows)
    with tempfile.TemporaryDirectory(dir=DATA) as scratch:
        published, ingested = _measured(path, Path(scratch), cost)
    report = _report(rows, [("`outlay.publish` from Arrow", published), ("`outlay ingest` of that drop", ingested)])
    results.write("Publishing", report)
    print(report, flush=True)
    return 0


def _rows(rows: int) -> tuple[Path, Decimal]:
    """A stream of record batches, made once, and what the rows cost in all."""
    path = DATA / f"rows-{rows}.arrow"
    costs = [_costs(start, min(_BATCH, rows - start)) for start in range(0, rows, _BATCH)]
    if not path.exists():
        print(f"writing {rows:,} rows …", file=sys.stderr)
        draft = path.with_suffix(".draft")
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        first = _batch(0, costs[0])
        with pa.OSFile(str(draft), "wb") as file, pa.ipc.new_stream(file, first.schema, options=options) as writer:
            for number, some in enumerate(costs):
                writer.write_batch(_batch(number * _BATCH, some))
        draft.rename(path)
    return path, Decimal(sum(int(some.sum()) for some in costs)).scaleb(-9)


def _costs(start: int, count: int) -> np.ndarray:
    """In billionths: half of them are what storage and requests cost, far below a cent."""
    chance = np.random.default_rng(start)
    return np.where(chance.random(count) < 0.5, chance.integers(0, 10**6, count), chance.integers(0, 10**11, count))


def _batch(start: int, costs: np.ndarray) -> pa.RecordBatch:
    number = np.arange(start, start + len(costs))
    hours = (np.datetime64(f"{MONTH}-01T00") + number % 744).astype("datetime64[s]")
    amounts = pa.array(costs, pa.int64()).cast(pa.decimal128(38, 0)).buffers()
    cost = pa.Array.from_buffers(pa.decimal128(38, 9), len(costs), amounts)

    def one_of(values: list[str | None], of: np.ndarray) -> pa.Array:
        return pa.array(values).take(pa.array(of % len(values)))

    return pa.RecordBatch.from_pydict(
        {
            "time/usage_start": pa.array(hours, pa.timestamp("s", "UTC")),
            "cost/cost": cost,
            "cost/amortized_cost": cost,
            "usage/amount": cost,
            "usage/units": one_of(["Hours", "GB"], number),
            "lineitem/id": pa.array([f"li-{each:012}" for each in number]),
            "lineitem/type": one_of(["Usage"], number),
            "resource/id": pa.array([f"vm/i-{each * 7919 % 50_000:08x}" for each in number]),
            "resource/service": one_of(_SERVICES, number),
            "resource/account": one_of([f"{123456789012 + each}" for each in range(40)], number // 3),
            "resource/region": one_of(["eu-west-1", "us-east-1"], number // 7),
            "resource/tag:team": one_of(_TEAMS, number // 11),
        }
    )


def _measured(path: Path, scratch: Path, cost: Decimal) -> tuple[Measured, Measured]:
    environ = {"OUTLAY_HOME": str(scratch / "home")}
    to = scratch / "drops"
    published = run([sys.executable, "-c", _PUBLISH, path, to, MONTH], environ)
    outlay = [sys.executable, "-m", "outlay.cli"]
    run([*outlay, "connections", "add", "anycost", "bench", "--cloud-provider", "Bench", "--location", to], environ)
    ingested = run([*outlay, "ingest", "--json"], environ)
    (listed,) = _asked([*outlay, "drop", "list", str(to), MONTH, "--json"], environ)
    (brought,) = _asked([*outlay, "sql", "select sum(BilledCost) as cost from charges", "--json"], environ)
    assert Decimal(listed["sums"]["cost/cost"]) == Decimal(brought["cost"]) == cost
    return published, ingested


def _asked(command: list[str], environ: dict[str, str]) -> list[dict]:
    done = subprocess.run(command, env={**os.environ, **environ}, check=True, capture_output=True)
    found: list[dict] = json.loads(done.stdout)
    return found


def _report(rows: int, table: list[tuple[str, Measured]]) -> str:
    lines = [
        (
            f"{os.cpu_count()} cores; {rows:,} rows × 12 columns, of which three are amounts. Whole processes, start "
            "included. The sums of the rows, of the drop and of the charges are equal."
        ),
        "",
        "| what | seconds | rows/s | peak memory |",
        "|---|---:|---:|---:|",
    ]
    lines += [
        f"| {what} | {each.seconds:.1f} | {rows / each.seconds:,.0f} | {each.memory:,.0f} MiB |" for what, each in table
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
