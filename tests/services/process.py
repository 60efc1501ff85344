"""Servers as child processes: awaited by a probe, stopped by their own process id."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

START_SECONDS = 60
STOP_SECONDS = 20
PROBE_INTERVAL = 0.05


class DidNotStartError(Exception):
    pass


def free_port() -> int:
    """A port that was free a moment ago; the caller tries again if somebody was quicker."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_ready(process: subprocess.Popen[bytes], probe: Callable[[], T | None], log: Path) -> T:
    """The first answer of `probe` that is not None. Raises `DidNotStartError` with the log's end when there is none."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        answer = probe()
        if answer is not None:
            return answer
        time.sleep(PROBE_INTERVAL)
    state = "is still starting" if process.poll() is None else f"ended with {process.returncode}"
    raise DidNotStartError(f"{process.args!r} {state}:\n{log.read_text(errors='replace')[-2000:]}")


def stop(process: subprocess.Popen[bytes], signal: int) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
