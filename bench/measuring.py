"""What is measured of a command: a whole process, from outside."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MIB = 1024
# What is made for the benchmarks, and may be used again.
DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Measured:
    """Wall seconds and peak memory (MiB) of a process, the median of several rounds."""

    seconds: float
    memory: float


def run(command: Sequence[str | Path], environ: dict[str, str] | None = None, *, check: bool = True) -> Measured:
    began = time.monotonic()
    process = subprocess.Popen(
        [str(part) for part in command],
        env={**os.environ, **(environ or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    if check and status:
        raise SystemExit(f"{command} failed: {said.decode()[-2000:]}")
    return Measured(seconds, used.ru_maxrss / MIB)


def median(runs: Sequence[Measured]) -> Measured:
    return Measured(statistics.median(run.seconds for run in runs), max(run.memory for run in runs))
