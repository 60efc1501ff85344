"""`outlay up` with real processes: whatever is ended or killed, none is left over."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.worker.place import PATIENCE, Installation, processes, start, until

_ADDRESS = re.compile(r"Outlay is up: http://127\.0\.0\.1:(\d+)")


class Up:
    """A running `outlay up`, with a stand-in for the site."""

    def __init__(self, home: Path, which: str = "light", *words: str, port: int = 0) -> None:
        self.home = home
        self.process = start(home, "tests.worker.upping", str(port), which, *words)
        self.said: list[str] = []

    def ready(self) -> int:
        """The port on which it says that it is up."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if found := _ADDRESS.search(line):
                return int(found[1])
        raise AssertionError("".join(self.said))

    def hears(self, text: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if text in line:
                return
        raise AssertionError("".join(self.said))

    def child(self, name: str) -> int | None:
        return next((number for number, words in processes(self.home).items() if name in words), None)

    def killed(self) -> None:
        for number in processes(self.home):
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        self.process.communicate()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def up(home: Path) -> Iterator[Any]:
    started: list[Up] = []

    def begin(*words: str, **more: Any) -> Up:
        started.append(Up(home, *words, **more))
        return started[-1]

    yield begin
    for each in started:
        each.killed()


def nothing_left(home: Path) -> bool:
    return not processes(home)


def test_the_real_worker_and_preparation_end_with_it(up: Any, home: Path) -> None:
    one = up("real")
    one.ready()
    one.hears("worker: ready")
    one.process.send_signal(signal.SIGINT)
    assert one.process.wait(PATIENCE) == 0
    assert nothing_left(home)


@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT], [signal.SIGINT] * 2, [signal.SIGHUP]])
def test_a_signal_ends_all_of_it(up: Any, home: Path, signals: list[signal.Signals]) -> None:
    one = up()
    one.ready()
    assert one.child("outlay.worker")
    assert one.child("time.sleep(600)")
    for number in signals:
        one.process.send_signal(number)
    assert one.process.wait(PATIENCE) == 0
    assert nothing_left(home)
    assert (home / "up.lock").read_text() == ""


def test_a_killed_supervisor_leaves_no_orphan_and_can_be_started_again(up: Any, home: Path) -> None:
    first = up("real")
    port = first.ready()
    first.process.kill()
    first.process.wait()
    second = up("real", port=port)
    assert second.ready() == port
    until(lambda: len(processes(home)) == 4, "end of what the first had started")


@pytest.mark.parametrize(("name", "said"), [("tests.worker.site", "The site"), ("outlay.worker", "The worker")])
def test_a_killed_child_is_started_again_and_told_and_leaves_no_orphan(
    up: Any, home: Path, name: str, said: str
) -> None:
    one = up()
    one.ready()
    victim, beneath = one.child(name), one.child("time.sleep(600)")
    os.kill(victim, signal.SIGKILL)
    one.hears(f"{said} ended by SIGKILL. It is started again in 2 seconds.")
    until(lambda: one.child(name) not in (None, victim), "new child")
    if name == "tests.worker.site":
        until(lambda: one.child("time.sleep(600)") not in (None, beneath), "new child's own")
        assert beneath not in processes(home)
    one.process.terminate()
    assert one.process.wait(PATIENCE) == 0
    assert nothing_left(home)


def test_the_link_for_the_first_administrator_is_told_with_its_address(up: Any) -> None:
    one = up()
    port = one.ready()
    one.hears(f"http://127.0.0.1:{port}/link/token")


def test_a_second_one_on_the_same_home_is_refused_with_the_reason(up: Any, home: Path) -> None:
    port = up().ready()
    second = up()
    said, _ = second.process.communicate(timeout=PATIENCE)
    assert second.process.returncode == 1
    assert f"Outlay is up on {home} already: process " in said
    assert f"http://127.0.0.1:{port}" in said


@pytest.mark.parametrize("option", [None, socket.SO_REUSEPORT])
def test_a_port_in_use_is_refused_with_the_reason(up: Any, home: Path, option: int | None) -> None:
    with socket.socket() as taken:
        if option is not None:
            taken.setsockopt(socket.SOL_SOCKET, option, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said, _ = up(port=port).process.communicate(timeout=PATIENCE)
    assert f"127.0.0.1:{port} cannot be listened on: Address already in use." in said
    assert "--port" in said
    assert nothing_left(home)


def test_a_signal_while_it_is_being_prepared_ends_it(up: Any, home: Path) -> None:
    one = up("real", "--demo")
    until(lambda: one.child("outlay.cli.preparing"), "preparation")
    one.process.terminate()
    one.process.wait(PATIENCE)
    until(lambda: nothing_left(home), "end of the preparation")


def test_sample_bills_are_connected_once_and_to_an_empty_home_only(tmp_path: Path, home: Path) -> None:
    from outlay.cli.preparing import connect_samples

    place = Installation(tmp_path)
    assert "was written" in connect_samples(place.o, months=1)
    names = [view.row.name for view in place.o.connections()]
    assert names == ["fernwick-aws", "loftline-aws", "nordlicht", "simple-cloud"]
    place.o.remove("nordlicht")
    assert connect_samples(place.o) == ""
    assert len(place.o.connections()) == 3
    place.o.close()
    other = Installation(tmp_path / "other")
    other.folder.mkdir()
    other.add("mine")
    assert "connections already (mine)" in connect_samples(other.o)
    assert [view.row.name for view in other.o.connections()] == ["mine"]
    other.o.close()


@pytest.mark.parametrize("port", ["-1", "65536", "eighty"])
def test_a_port_that_is_none_is_wrong_usage(home: Path, port: str) -> None:
    process = start(home, "outlay.cli", "up", "--port", port)
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "error: " in said
