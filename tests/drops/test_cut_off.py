"""However a publish is cut off, and whoever publishes at once: readers see the former drop or the new one, whole."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from multiprocessing.context import ForkServerProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from outlay.drops.drops import Drops, open_drops
from outlay.drops.packing import Sizes
from outlay.drops.steps import STEPS, Step
from outlay.errors import Overtaken
from outlay.settings import Settings
from tests.children import children
from tests.drops.reading import current, row, rows_of, total
from tests.layouts.conftest import set_all
from tests.services.s3 import S3, S3Server, moto_application

pytestmark = pytest.mark.xdist_group("kills")

# (step, what of it): its beginning, its end, or the so manieth time that it says how far it has come.
At = tuple[Step, str]
_STEPS: list[At] = [(step, edge) for step in STEPS for edge in ("begins", "ends")]
POINTS: list[At] = [*_STEPS, ("upload", "1"), ("upload", "2"), ("verify", "1")]
COMMITTED: list[At] = [("commit", "ends")]
MOMENTS = 20


class KillAt:
    """SIGKILL to itself."""

    def __init__(self, at: At) -> None:
        self._at = at

    def begins(self, period: str, step: Step) -> None:
        self._maybe(step, "begins")

    def progress(self, period: str, step: Step, done: int) -> None:
        self._maybe(step, str(done))

    def ends(self, period: str, step: Step) -> None:
        self._maybe(step, "ends")

    def _maybe(self, step: Step, edge: str) -> None:
        if (step, edge) == self._at:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Site:
    """Where a child publishes: what it needs to know fits in a message to it."""

    to: str
    home: Path
    environ: dict[str, str]

    def open(self) -> Drops:
        drops = open_drops(self.to, settings=Settings.read(home=self.home, threads=1), create=True)
        # Files of three rows, so that a drop has several.
        return replace(drops, sizes=Sizes(rows=3))


def publish(site: Site, cost: int, at: At | None) -> None:
    """Ten rows that add up to `cost`; the day is sent again and again."""
    os.environ.update(site.environ)
    rows = [row(Decimal(cost) / 10, f"item-{number}") for number in range(10)]
    observer = KillAt(at) if at else None
    site.open().publish(rows, "2026-05", mode="append", observer=observer)


def child(site: Site, cost: int, at: At | None = None) -> ForkServerProcess:
    process = children.Process(target=publish, args=(site, cost, at))
    process.start()
    return process


@pytest.fixture(scope="module")
def atomic() -> Iterator[S3Server]:
    """moto looks at the condition of a write and then writes, where S3 does both at once: here nobody comes between."""
    application, lock = moto_application(), threading.Lock()

    def one_at_a_time(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "PUT":
            return application(environ, start_response)
        with lock:
            return [b"".join(application(environ, start_response))]

    server = S3Server(one_at_a_time)
    yield server
    server.close()


@pytest.fixture(params=["folder", "s3"])
def site(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    if request.param == "folder":
        yield Site(str(tmp_path / "drops"), tmp_path / "home", {})
        return
    s3 = S3(request.getfixturevalue("atomic"))
    set_all(s3.environ, monkeypatch)
    yield Site(s3.url("acme"), tmp_path / "home", s3.environ)


def test_a_publish_that_is_killed_at_any_step_leaves_the_former_drop_current(site: Site) -> None:
    publish(site, 10, None)
    drops, live = site.open(), 10
    for number, at in enumerate(POINTS, start=2):
        before = current(drops.place)
        process = child(site, 10 * number, at)
        process.join(60)
        assert process.exitcode == -signal.SIGKILL, at
        if at in COMMITTED:
            live = 10 * number
        else:
            assert current(drops.place) == before, at
        assert (total(drops.place), len(rows_of(drops.place))) == (Decimal(live), 10), at
    publish(site, 7, None)
    assert total(drops.place) == 7
    _only_whole_drops_can_come_back(drops)


def test_a_publish_that_is_killed_at_any_moment_leaves_the_former_drop_or_the_new_one(site: Site) -> None:
    chance = random.Random(20260519)
    began = time.monotonic()
    child(site, 10).join(60)
    lasts = time.monotonic() - began
    drops, live = site.open(), 10
    assert total(drops.place) == live
    for number in range(2, MOMENTS + 2):
        process = child(site, 10 * number)
        process.join(chance.uniform(0, lasts))
        process.kill()
        process.join(60)
        found = total(drops.place)
        assert found in (live, 10 * number)
        assert len(rows_of(drops.place)) == 10
        live = int(found)
    publish(site, 7, None)
    assert total(drops.place) == 7
    _only_whole_drops_can_come_back(drops)


def _only_whole_drops_can_come_back(drops: Drops) -> None:
    """Each leftover is seen for what it is; all but the current one go."""
    listed = drops.of("2026-05")
    for each in listed:
        assert each.contents is not None
        assert each.drop.state == "unfinished" or (each.contents.rows, each.contents.findings) == (10, ())
    assert [each.drop.id for each in listed if each.drop.state == "current"] == [current(drops.place)]
    gone = list(drops.prune([each.drop for each in listed]))
    assert len(gone) == len(listed) - 1
    assert [each.drop.state for each in drops.of("2026-05")] == ["current"]
    assert [each for each in drops.settings.spool.iterdir() if each.is_dir()] == []


RACERS, ROUNDS = 3, 3


def race(site: Site, number: int, start: Barrier, said: Any) -> None:
    os.environ.update(site.environ)
    drops = site.open()
    won, lost = [], 0
    for turn in range(ROUNDS):
        start.wait(60)
        try:
            (done,) = drops.publish([row(number + 1, f"{number}-{turn}")], "2026-05").drops
            won.append((done.drop_id, done.before))
        except Overtaken:
            lost += 1
    said.put((won, lost))


def add_until_done(site: Site, number: int, start: Barrier, said: Any) -> None:
    os.environ.update(site.environ)
    drops = site.open()
    start.wait(60)
    lost = 0
    for turn in range(ROUNDS):
        while True:
            try:
                drops.publish([row(1, f"{number}-{turn}")], "2026-05", mode="append")
                break
            except Overtaken:
                lost += 1
    said.put(lost)


def _raced(site: Site, target: Any) -> list[Any]:
    start, said = children.Barrier(RACERS), children.SimpleQueue()
    processes = [children.Process(target=target, args=(site, number, start, said)) for number in range(RACERS)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * RACERS
    return [said.get() for _ in processes]


def test_of_publishers_at_once_each_wins_or_is_told_that_it_lost(site: Site) -> None:
    publish(site, 10, None)
    drops = site.open()
    first = current(drops.place)
    told = _raced(site, race)
    assert sum(len(won) + lost for won, lost in told) == RACERS * ROUNDS
    replaced = {before: drop_id for won, _ in told for drop_id, before in won}
    # Each winner replaced another drop, in one line from the first to the current one: nobody was run over.
    assert len(replaced) == sum(len(won) for won, _ in told)
    at, line = first, 0
    while at in replaced:
        at, line = replaced[at], line + 1
    assert (at, line) == (current(drops.place), len(replaced))


def test_appends_at_once_lose_nothing_when_each_tries_until_it_wins(site: Site) -> None:
    _raced(site, add_until_done)
    items = sorted(each["lineitem/id"] for each in rows_of(site.open().place))
    assert items == sorted(f"{number}-{turn}" for number in range(RACERS) for turn in range(ROUNDS))
