"""A database that cannot go on: told with what to do, whatever was asked of it."""

from __future__ import annotations

import inspect
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from outlay.errors import DiskFull, SetupError
from outlay.findings import Finding
from outlay.ingest.result import RunResult
from outlay.period import BillingPeriod
from outlay.settings import Settings
from outlay.state.new import NewConnection
from outlay.state.opening import close_state, open_state
from tests.services.disk import fill, small_disk

MAY = BillingPeriod(2026, 5)
# These ask the database nothing.
SILENT = {"check_every", "check_name", "expected_hours", "faults", "month", "source", "reconciliation_of"}


def memory() -> Any:
    from outlay.state import connections
    from outlay.state.memory import DatabaseMemory

    connections.add(NewConnection("acme", "focus", "/bills/acme"))
    return DatabaseMemory()


def large(delivery: str) -> RunResult:
    told = tuple(Finding("x", "error", "m" * 10_000, "n", row=number) for number in range(100))
    return RunResult("acme", "committed", MAY, delivery, findings=told)


def on(disk: Path) -> Settings:
    return Settings.read({}, home=disk, database_url=f"sqlite:///{disk}/state.db")


def test_a_run_that_the_database_has_no_room_for_is_told_and_not_half_recorded(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "size=2m") as disk:
        open_state(on(disk))
        try:
            known = memory()
            fill(disk / "filler")
            with pytest.raises(DiskFull) as raised:
                known.record(large("d1"))
            assert raised.value.message == f"The database {disk}/state.db has no space left to grow."
            assert raised.value.next
            assert known.decided("acme") == {}
            (disk / "filler").unlink()
            known.record(large("d1"))
            assert known.decided("acme")[MAY].delivery == "d1"
        finally:
            close_state()


def test_a_database_that_may_grow_no_more_is_told(tmp_path: Path) -> None:
    open_state(on(tmp_path))
    from django.db import connection

    known = memory()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA max_page_count = 1")
    with pytest.raises(DiskFull):
        known.record(large("d1"))
    close_state()


def test_a_new_database_without_room_is_told(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "size=64k") as disk:
        fill(disk / "filler")
        with pytest.raises(DiskFull, match="has no space left"):
            open_state(on(disk))
        close_state()


def test_a_database_that_is_read_only_is_told(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "size=2m") as disk:
        open_state(on(disk))
        memory()
        close_state()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(SetupError) as raised:
            open_state(on(disk))
        assert raised.value.next
        close_state()


def test_a_server_that_takes_no_more_writes_is_told(state: Settings) -> None:
    from django.db import connection

    from outlay.state import connections

    known = memory()
    read_only = {"sqlite": "PRAGMA query_only = on", "postgresql": "SET default_transaction_read_only = on"}
    with connection.cursor() as cursor:
        cursor.execute(read_only[connection.vendor])
    writes: list[Callable[[], object]] = [lambda: known.record(large("d1")), lambda: connections.pause("acme")]
    for write in writes:
        with pytest.raises(SetupError, match=r"^The database .* cannot be written to\.") as raised:
            write()
        assert raised.value.next
    assert known.decided("acme") == {}


def test_whatever_asks_the_database_translates_its_errors(state: Settings) -> None:
    from outlay.state import connections, facts, keeping, memory

    asking = [
        function
        for of in (connections, facts, keeping, memory, memory.DatabaseMemory)
        for name, function in inspect.getmembers(of, inspect.isfunction)
        if not name.startswith("_") and name not in (*SILENT, "translated")
        if function.__module__.startswith("outlay.state.")
    ]
    assert len(asking) > 15
    assert [each.__qualname__ for each in asking if not hasattr(each, "__wrapped__")] == []
