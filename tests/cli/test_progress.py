from __future__ import annotations

import os
import subprocess

from tests.cli.conftest import OUTLAY, Outlay
from tests.cli.drops import Drops


def test_progress_is_shown_on_a_terminal_and_leaves_nothing_behind(outlay: Outlay, drops: Drops) -> None:
    drops.drop("2026-05", ["1"])
    outlay("connections", "add", "anycost", "acme", "--cloud-provider", "A", "--location", drops.folder)
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    command = ["script", "-qec", f"'{OUTLAY}' ingest", "/dev/null"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    assert "acme 2026-05: " in done.stdout or "acme: looking for bills" in done.stdout
    assert "committed" in done.stdout
    assert done.returncode == 0


def test_without_a_terminal_stderr_stays_empty(child: Outlay, outlay: Outlay, drops: Drops) -> None:
    drops.drop("2026-05", ["1"])
    outlay("connections", "add", "anycost", "acme", "--cloud-provider", "A", "--location", drops.folder)
    ran = child("ingest")
    assert (ran.code, ran.err) == (0, "")
