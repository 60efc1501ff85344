from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from outlay.settings import Settings
from outlay.state.new import NewConnection

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
FAR = "elsewhere/12345678:42:x"


@pytest.fixture
def workers(state: Settings) -> Any:
    from outlay.state import workers

    return workers


def names(workers: Any, at: datetime = NOW) -> list[str]:
    return [each.name for each in workers.running(at)]


def test_a_worker_is_there_while_it_says_so_and_until_it_leaves(workers: Any) -> None:
    workers.beat(FAR, NOW)
    workers.beat("elsewhere/12345678:43:y", NOW + timedelta(seconds=40))
    (first, _) = workers.running(NOW + timedelta(seconds=44))
    assert (first.name, first.said, first.began) == (FAR, "process 42 on elsewhere", NOW)
    assert names(workers, NOW + timedelta(seconds=45)) == ["elsewhere/12345678:43:y"]
    workers.beat(FAR, NOW + timedelta(seconds=50))
    assert workers.running(NOW + timedelta(seconds=50))[0].began == NOW
    workers.leave(FAR)
    assert names(workers, NOW + timedelta(seconds=50)) == ["elsewhere/12345678:43:y"]


def test_a_beat_is_one_statement(workers: Any) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    workers.beat(FAR, NOW)
    with CaptureQueriesContext(connection) as asked:
        workers.beat(FAR, NOW + workers.BEAT)
    assert [each["sql"].partition(" ")[0] for each in asked.captured_queries] == ["UPDATE"]


def test_a_worker_that_was_killed_on_this_machine_is_gone_at_once(workers: Any) -> None:
    from outlay.state import claims

    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    machine = claims.holder().partition(":")[0]
    workers.beat(f"{machine}:{gone.pid}:x", NOW)
    workers.beat(f"{machine}:{os.getpid()}:x", NOW)
    assert names(workers) == [f"{machine}:{os.getpid()}:x"]


def test_rows_of_workers_that_never_came_back_are_forgotten(workers: Any) -> None:
    from outlay.state.models import WorkerBeat

    workers.beat(FAR, NOW)
    workers.beat("elsewhere/12345678:43:y", NOW + timedelta(days=2))
    assert [each.name for each in WorkerBeat.objects.all()] == ["elsewhere/12345678:43:y"]


def test_a_worker_is_missing_when_something_waits_for_one_and_none_is_there(workers: Any) -> None:
    from outlay.state import claims, connections
    from outlay.state.models import Connection

    connections.add(NewConnection("acme", "focus", "/bills/acme"))
    Connection.objects.update(created_at=NOW)
    soon = NOW + timedelta(seconds=21)
    assert (workers.is_missing(NOW), workers.is_missing(soon)) == (False, True)
    workers.beat(FAR, soon)
    assert not workers.is_missing(soon)
    workers.leave(FAR)
    claim = claims.claim_due(FAR, NOW)
    assert claim is not None
    assert not workers.is_missing(soon)
    claims.finish(claim, NOW, is_well=True, fields={})
    assert not workers.is_missing(soon)
    connections.want("acme")
    Connection.objects.update(wanted_at=NOW)
    assert workers.is_missing(soon)
    connections.pause("acme")
    assert not workers.is_missing(soon)
