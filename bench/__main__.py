"""Run the benchmarks: `python -m bench [rows] [charges a month] [rows to publish]`.

What is measured is a whole process, from outside.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import bill, checking, results
from bench.measuring import DATA, Measured, median, run

HERE = Path(__file__).parent
ROUNDS = 3
# Its own pins are too loose: these are the newest that it works with.
PEER = ["focus-converter==1.0.0", "multimethod<2", "pyarrow<23", "click<8.2"]


def main() -> int:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    packed = _bill(rows)
    with tempfile.TemporaryDirectory(dir=DATA) as scratch:
        table = _ingest(packed, Path(scratch), rows)
    report = _report(table, packed, rows)
    results.write("Bringing in", report)
    print(report, flush=True)
    checking.main(rows)
    # In processes of their own, which hold nothing of what was measured here.
    others = (["bench.publishing", *sys.argv[3:4]], ["bench.questions", *sys.argv[2:3]])
    return max(subprocess.run([sys.executable, "-m", *each], check=False).returncode for each in others)


def _bill(rows: int) -> Path:
    folder = DATA / f"bill-{rows}" / "report" / bill.PERIOD
    packed = folder / "report-00001.csv.gz"
    if not packed.exists():
        folder.mkdir(parents=True, exist_ok=True)
        print(f"writing a bill of {rows:,} rows …", file=sys.stderr)
        draft = packed.with_suffix(".draft")
        bill.write(draft, rows)
        draft.rename(packed)
    return packed


def _ingest(packed: Path, scratch: Path, rows: int) -> list[tuple[str, Measured, str]]:
    """Outlay and its yardsticks in turn, so that a change in the machine's speed touches all of them alike."""
    runs: dict[str, list[Measured]] = {"gzip": [], "ingest": [], "again": []}
    peer = _peer()
    if peer:
        runs["peer"] = []
    for number in range(ROUNDS):
        home = scratch / f"home-{number}"
        outlay = [sys.executable, "-m", "outlay.cli"]
        environ = {"OUTLAY_HOME": str(home)}
        location = packed.parents[2].as_uri()
        run([*outlay, "connections", "add", "aws", "bench", "--location", location], environ)
        runs["gzip"].append(run(["sh", "-c", f"gzip -dc '{packed}' | wc -c"]))
        runs["ingest"].append(run([*outlay, "ingest", "--json"], environ))
        runs["again"].append(run([*outlay, "ingest", "--json"], environ))
        if peer and number == 0:
            runs["peer"].append(run([*peer, packed, scratch / "peer"], check=False))
        shutil.rmtree(home)
    middle = {name: median(each) for name, each in runs.items() if each}
    base = middle["gzip"].seconds
    described = {
        "gzip": f"`gzip -dc FILE | wc -c`, {rows:,} rows × 128 columns",
        "ingest": "`outlay ingest`: read, checked, mapped, reconciled, committed",
        "again": "`outlay ingest` with nothing new",
        "peer": "focus_converters on the same file",
    }
    return [(described[name], each, f"{each.seconds / base:.1f} ×") for name, each in middle.items()]


def _peer() -> list[str] | None:
    """focus_converters, when it can be had; it wants libraries of its own, so it gets an environment of its own."""
    folder = DATA / "peer"
    command = folder / "bin" / "focus-converter"
    if not command.exists():
        made = subprocess.run([sys.executable, "-m", "venv", str(folder)], check=False, capture_output=True)
        install = [str(folder / "bin" / "pip"), "install", "--quiet", *PEER]
        if made.returncode or subprocess.run(install, check=False, capture_output=True).returncode:
            return None
    if not command.exists():
        return None
    return [sys.executable, str(HERE / "peer.py"), str(command)]


def _report(table: list[tuple[str, Measured, str]], packed: Path, rows: int) -> str:
    lines = [
        (
            f"{os.cpu_count()} cores; the bill packs to {packed.stat().st_size / 1e6:,.0f} MB. Whole processes, start "
            f"included; the median of {ROUNDS} rounds in turn, peak memory the largest. Ratios are to the first line."
        ),
        "",
        "| what | seconds | ratio | peak memory |",
        "|---|---:|---:|---:|",
    ]
    lines += [f"| {what} | {each.seconds:.1f} | {ratio} | {each.memory:,.0f} MiB |" for what, each, ratio in table]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
