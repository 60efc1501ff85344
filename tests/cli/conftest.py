"""The command in this process, which is fast, and as a child, where streams, signals and start-up matter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from outlay.cli.failing import run
from outlay.storage import open_place
from tests.cli.drops import Drops

OUTLAY = Path(sys.executable).with_name("outlay")


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Outlay = Callable[..., Ran]


@pytest.fixture
def outlay(capsys: pytest.CaptureFixture[str], outlay_home: Path, monkeypatch: pytest.MonkeyPatch) -> Outlay:
    """`outlay("costs", "--json")` in this process."""
    monkeypatch.setenv("COLUMNS", "140")

    def call(*words: object) -> Ran:
        capsys.readouterr()
        code = run([str(word) for word in words])
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return call


@pytest.fixture
def child(outlay_home: Path) -> Outlay:
    """The same as a process of its own, as users run it."""

    def call(*words: object, **environ: str) -> Ran:
        done = subprocess.run(
            [OUTLAY, *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **environ},
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def drops(tmp_path: Path) -> Drops:
    """A folder of AnyCost drops, empty so far."""
    return Drops(open_place(str(tmp_path / "bills" / "acme"), create=True), tmp_path / "bills" / "acme")


@pytest.fixture
def acme(outlay: Outlay, drops: Drops) -> Drops:
    """The connection `acme` with two months of charges: 1.10 and 2.20 USD in May, 3.30 in June."""
    drops.drop("2026-05", ["1.10", "2.20"])
    drops.drop("2026-06", ["3.30"])
    outlay("connections", "add", "anycost", "acme", "--cloud-provider", "Acme Cloud", "--location", drops.folder)
    assert outlay("ingest").code == 0
    return drops
