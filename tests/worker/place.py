"""An installation with AnyCost connections whose bills lie in folders, for workers in this process and in others."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import outlay
from outlay.app import Outlay
from outlay.period import BillingPeriod
from outlay.state.new import NewConnection
from outlay.storage import open_place
from tests.ingest.world import put_drop, row

T = TypeVar("T")
PATIENCE = 60.0
JUNE = BillingPeriod(2026, 6)


class Installation:
    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.o: Outlay = outlay.open(home=self.home, threads=1, **settings)
        self.environ = {"DATABASE_URL": settings["database_url"]} if "database_url" in settings else {}

    def add(self, name: str = "acme", **more: Any) -> None:
        (self.folder / name).mkdir(exist_ok=True)
        self.o.add(NewConnection(name, "anycost", str(self.folder / name), "Acme Cloud", **more))

    def deliver(
        self, cost: str, period: BillingPeriod = JUNE, name: str = "acme", drop: str = "d1", count: int = 1
    ) -> None:
        """A drop of `count` rows, alike."""
        charge = row(cost, time__usage_start=f"{period.month}-03T10:00:00Z")
        put_drop(open_place(str(self.folder / name), create=True), [charge] * count, drop, period)

    def deliver_months(self, number: int, name: str = "acme") -> list[str]:
        """A drop for each of `number` months up to June 2026, of 1 USD each; the months, newest first."""
        periods = [JUNE.shift(-ago) for ago in range(number)]
        for period in periods:
            self.deliver("1", period, name)
        return [period.month for period in periods]

    def row(self, name: str = "acme") -> Any:
        return self.o.connection(name).row

    def change(self, name: str = "acme", **fields: Any) -> None:
        from outlay.state.models import Connection

        assert Connection.objects.filter(name=name).update(**fields) == 1

    def months(self, name: str = "acme") -> list[str]:
        return [view.period.month for view in self.o.periods(name)]

    def commits(self, name: str = "acme") -> list[str]:
        """The month of every run that committed, in order."""
        from outlay.state.models import Run

        runs = Run.objects.filter(connection_id=name, outcome="committed").order_by("id")
        return [BillingPeriod.parse(run.period).month for run in runs]

    def total(self) -> Decimal:
        (found,) = self.o.sql("select coalesce(sum(BilledCost), 0) as total from charges").to_pylist()
        return Decimal(found["total"])

    def timeline(self, name: str = "acme") -> list[str]:
        """The statuses, oldest first."""
        return [change.after for change in reversed(self.o.timeline(name))]


class Clock:
    """The time that everything in this process goes by."""

    def __init__(self, monkeypatch: Any) -> None:
        self.ahead = timedelta(0)
        clock = self

        class Moved(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return datetime.now(tz) + clock.ahead

        monkeypatch.setattr("django.utils.timezone.now", lambda: datetime.now(UTC) + self.ahead)
        monkeypatch.setattr("outlay.app.datetime", Moved)
        monkeypatch.setattr("outlay.ingest.ingest.datetime", Moved)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def until(condition: Callable[[], T | None], what: str) -> T:
    """What `condition` gives as soon as it gives something."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"In {PATIENCE:.0f} seconds there was no {what}.")


def start(home: Path, *words: str, environ: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """`python -m words` on that home, in a session of its own."""
    ours = {"OUTLAY_HOME": str(home), "OUTLAY_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", *words],
        env={**os.environ, **ours, **(environ or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def processes(home: Path) -> dict[int, str]:
    """Every live process of this machine that was started for that home, by its id."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environ = (entry / "environ").read_bytes().split(b"\0")
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if f"OUTLAY_HOME={home}".encode() in environ and words:
            found[int(entry.name)] = words
    return found
