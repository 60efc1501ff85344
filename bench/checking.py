"""A drop of CBF checked and brought in: `python -m bench.checking [rows]`, in turn, each a whole process."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from bench import cbf, results
from bench.measuring import DATA, Measured, median, run

ROUNDS = 3


def main(rows: int = 1_000_000) -> int:
    home = _drop(rows)
    with tempfile.TemporaryDirectory(dir=DATA) as scratch:
        table = _measured(home, Path(scratch))
    report = _report(table, rows)
    results.write("Checking", report)
    print(report, flush=True)
    return 0


def _drop(rows: int) -> Path:
    home = DATA / f"drop-{rows}"
    if not (home / cbf.PERIOD / "manifest.json").exists():
        print(f"writing a drop of {rows:,} rows …", file=sys.stderr)
        cbf.write(home, rows)
    return home


def _measured(drop: Path, scratch: Path) -> dict[str, Measured]:
    files = drop / cbf.PERIOD / cbf.DROP
    outlay = [sys.executable, "-m", "outlay.cli"]
    runs: dict[str, list[Measured]] = {"gzip": [], "check": [], "ingest": []}
    for number in range(ROUNDS):
        home = scratch / f"home-{number}"
        environ = {"OUTLAY_HOME": str(home)}
        add = ["connections", "add", "anycost", "bench", "--cloud-provider", "Bench", "--location", drop.as_uri()]
        run([*outlay, *add], environ)
        runs["gzip"].append(run(["sh", "-c", f"gzip -dc '{files}'/*.csv.gz | wc -c"]))
        runs["check"].append(run([*outlay, "check", drop], environ))
        runs["ingest"].append(run([*outlay, "ingest", "--json"], environ))
        shutil.rmtree(home)
    return {name: median(each) for name, each in runs.items()}


def _report(table: dict[str, Measured], rows: int) -> str:
    base = table["ingest"].seconds
    described = {
        "gzip": f"`gzip -dc FILES | wc -c`, {rows:,} rows × {len(cbf.COLUMNS)} columns",
        "check": "`outlay check`: read, checked, nothing kept",
        "ingest": "`outlay ingest`: read, checked, mapped, reconciled, committed",
    }
    lines = [
        (
            f"{os.cpu_count()} cores; a drop of CBF. Whole processes, start included; the median of {ROUNDS} rounds in "
            "turn, peak memory the largest. Ratios are to the ingest."
        ),
        "",
        "| what | seconds | ratio | peak memory |",
        "|---|---:|---:|---:|",
    ]
    lines += [
        f"| {described[name]} | {each.seconds:.1f} | {each.seconds / base:.2f} × | {each.memory:,.0f} MiB |"
        for name, each in table.items()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:2])))
