"""Workers as processes of their own: they are asked to end, killed, and race."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.worker.place import PATIENCE, Installation, start, until

MONTHS = 4
# Who gets a claim is decided by the database.
on_both = pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)

Start = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def worker(place: Installation) -> Iterator[Start]:
    """Starts a worker on the installation; whatever is left of them is killed afterwards."""
    started: list[subprocess.Popen[str]] = []

    def begin() -> subprocess.Popen[str]:
        started.append(start(place.home, "outlay.worker", environ=place.environ))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def busy(place: Installation) -> Installation:
    """Drops that nobody has brought in."""
    place.add()
    place.deliver_months(MONTHS)
    return place


def is_within(place: Installation) -> bool:
    """Is a month in, and are others still to come?"""
    return bool(place.row().lease_holder) and 0 < len(place.commits()) < MONTHS - 1


def running() -> list[int]:
    """The ids of the processes of workers that say they are there."""
    from django.utils import timezone

    from outlay.state import workers

    return [int(each.name.split(":")[1]) for each in workers.running(timezone.now())]


def ended(process: subprocess.Popen[str]) -> int:
    process.communicate(timeout=PATIENCE)
    return process.returncode


def test_a_worker_that_is_asked_to_end_gives_its_lease_back_and_ends_well(busy: Installation, worker: Start) -> None:
    process = worker()
    until(lambda: is_within(busy), "month within a check")
    process.terminate()
    assert ended(process) == 0
    assert not busy.row().lease_holder
    done = busy.commits()
    assert 0 < len(done) < MONTHS
    assert busy.total() == len(done)
    assert not list((busy.home / "spool").glob("acme-*"))
    worker()
    until(lambda: len(busy.commits()) == MONTHS, "second worker's end")
    assert sorted(busy.commits()) == sorted(busy.months())


def test_an_idle_worker_ends_at_once(place: Installation, worker: Start) -> None:
    place.add()
    process = worker()
    until(lambda: place.row().next_check_at, "first check")
    assert running() == [process.pid]
    process.send_signal(signal.SIGINT)
    assert ended(process) == 0
    assert running() == []


@on_both
def test_what_a_killed_worker_had_begun_is_taken_over(busy: Installation, worker: Start) -> None:
    process = worker()
    until(lambda: is_within(busy), "month within a check")
    process.kill()
    ended(process)
    assert busy.row().lease_holder
    assert running() == []
    worker()
    until(lambda: busy.row().next_check_at, "second worker's end")
    assert busy.total() == MONTHS
    assert len(busy.commits()) == len(set(busy.commits())) == MONTHS


@on_both
def test_two_workers_bring_each_month_in_once(place: Installation, worker: Start) -> None:
    names = ["acme", "bravo", "coral"]
    for name in names:
        place.add(name)
        place.deliver_months(3, name)
    for _ in range(2):
        worker()
    until(lambda: all(place.row(name).next_check_at for name in names), "end of both")
    assert place.total() == 9
    for name in names:
        assert len(place.commits(name)) == len(set(place.commits(name))) == 3


def test_a_worker_ends_when_its_supervisor_is_gone(place: Installation) -> None:
    place.add()
    # As if the one that started it had died before it looked.
    process = start(place.home, "outlay.worker", environ={"OUTLAY_PARENT": str(os.getpid() + 1)})
    assert ended(process) == 0


def test_a_worker_whose_lake_cannot_be_opened_says_so_and_ends(place: Installation) -> None:
    place.add()
    (place.home / "lake" / "catalog.db").write_bytes(b"no database" * 1000)
    process = start(place.home, "outlay.worker")
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "The lake's catalog" in said
    assert "Traceback" not in said


def test_the_command_is_the_worker_itself(busy: Installation) -> None:
    process = start(busy.home, "outlay.cli", "worker")
    until(lambda: busy.commits(), "first month")
    assert f":{process.pid}:" in busy.row().lease_holder
    process.terminate()
    assert ended(process) == 0
