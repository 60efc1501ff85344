"""However a run is cut off and tried again, the lake holds the old bill or the new, and at last the new one, once."""

from __future__ import annotations

import os
import random
import signal
import time
from decimal import Decimal
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

import outlay
from outlay.app import Outlay
from outlay.ingest.steps import STEPS, Quiet, Step
from outlay.state.new import NewConnection
from outlay.storage import Place, open_place
from tests.children import children
from tests.ingest.world import put_drop, row


class KillAt(Quiet):
    """SIGKILL to itself when a step of the new delivery's run begins or has ended."""

    def __init__(self, step: Step, edge: str) -> None:
        self._at = (step, edge)

    def begins(self, connection: str, period: str, step: Step) -> None:
        self._maybe(step, "begins")

    def ends(self, connection: str, period: str, step: Step) -> None:
        self._maybe(step, "ends")

    def _maybe(self, step: Step, edge: str) -> None:
        if (step, edge) == self._at:
            os.kill(os.getpid(), signal.SIGKILL)


def ingest(home: Path, step: Step | None, edge: str) -> None:
    with outlay.open(home=home, threads=1) as o:
        for _ in o.ingest(observer=KillAt(step, edge) if step else None):
            pass


def child(home: Path, step: Step | None = None, edge: str = "") -> ForkServerProcess:
    process = children.Process(target=ingest, args=(home, step, edge))
    process.start()
    return process


class Installation:
    """A home with one connection. Each delivery has a cost of its own, so that the total tells which one is live."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.place: Place = open_place(str(folder / "bills" / "acme"), create=True)
        self.live = Decimal(0)
        self._drops = 0
        with self.open() as o:
            o.add(NewConnection("acme", "anycost", str(self.place.location), "Acme Cloud"))

    def open(self) -> Outlay:
        return outlay.open(home=self.home, threads=1)

    def deliver(self) -> Decimal:
        """Lay down a new drop; what it costs."""
        self._drops += 1
        cost = Decimal(self._drops) + Decimal("0.25")
        put_drop(self.place, [row(str(self._drops)), row("0.25")], f"d{self._drops}")
        return cost

    def total(self) -> Decimal:
        with self.open() as o:
            charges = o.charges
            (found,) = o.engine.rows(o.engine.prepare(charges.aggregate(total=charges.BilledCost.sum())))
            total: Decimal = found["total"] or Decimal(0)
            return total

    def finish(self, cost: Decimal) -> None:
        """The next run completes: the new bill is live, once, recorded and proved, and nothing is left lying about."""
        with self.open() as o:
            assert not any(result.is_bad for result in o.ingest())
            assert [result.outcome for result in o.ingest()] == ["unchanged"]
            (period,) = o.periods("acme")
        assert self.total() == cost
        assert period.reconciliation is not None
        assert period.reconciliation.holds
        assert str(period.delivery).startswith(f"d{self._drops}-")
        assert [each for each in (self.home / "spool").iterdir() if each.is_dir()] == []


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation(tmp_path_factory.mktemp("killed"))


@pytest.mark.xdist_group("kills")
@pytest.mark.parametrize("edge", ["begins", "ends"])
@pytest.mark.parametrize("step", STEPS)
def test_a_run_killed_twice_at_a_step_leaves_the_old_or_the_new_bill(
    installation: Installation, step: Step, edge: str
) -> None:
    old = installation.total()
    new = installation.deliver()
    committed = STEPS.index(step) > STEPS.index("commit") or (step, edge) == ("commit", "ends")
    for _ in range(2):
        process = child(installation.home, step, edge)
        process.join(60)
        # After a commit the next run has nothing to do but to record it, so it may come to its end.
        assert process.exitcode == -signal.SIGKILL or (committed and process.exitcode == 0)
    assert installation.total() == (new if committed else old)
    installation.finish(new)


@pytest.mark.xdist_group("kills")
def test_runs_killed_at_any_moment_leave_the_old_or_the_new_bill(tmp_path: Path) -> None:
    chance = random.Random(20260521)
    installation = Installation(tmp_path)
    live = installation.deliver()
    began = time.monotonic()
    child(installation.home).join(60)
    lasts = time.monotonic() - began
    assert installation.total() == live
    new = live
    for _ in range(30):
        old, new = live, installation.deliver()
        process = child(installation.home)
        process.join(chance.uniform(0, lasts))
        process.kill()
        process.join(60)
        live = installation.total()
        assert live in (old, new)
    installation.finish(new)
