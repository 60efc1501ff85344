from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from outlay.settings import Settings
from outlay.state.new import NewConnection
from outlay.state.opening import close_state

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
SOON = timedelta(seconds=1)


@pytest.fixture
def claims(state: Settings) -> Any:
    from outlay.state import claims, connections

    connections.add(NewConnection("acme", "focus", "/bills/acme"))
    return claims


def row(name: str = "acme") -> Any:
    from outlay.state import connections

    return connections.named(name)


def change(**fields: Any) -> None:
    from outlay.state.models import Connection

    Connection.objects.filter(name="acme").update(**fields)


def test_a_new_connection_is_due_and_is_claimed_once(claims: Any) -> None:
    claim = claims.claim_due("far:1:a", NOW)
    assert (claim.connection, claim.failures) == ("acme", 0)
    assert claims.claim_due("far:2:b", NOW) is None
    assert claims.claim("acme", "far:2:b", NOW) is None
    assert row().lease_until == NOW + claims.LEASE


def test_a_lease_that_was_not_renewed_is_taken_over_and_its_first_holder_learns_of_it(claims: Any) -> None:
    first = claims.claim_due("far:1:a", NOW)
    assert claims.claim_due("far:2:b", NOW + claims.LEASE - SOON) is None
    second = claims.claim_due("far:2:b", NOW + claims.LEASE)
    assert second.connection == "acme"
    assert not claims.renew(first, NOW + claims.LEASE)
    assert not claims.release(first)
    assert not claims.finish(first, NOW + claims.LEASE, is_well=True, fields={})
    assert row().lease_holder == "far:2:b"


def test_a_renewed_lease_is_not_taken_over(claims: Any) -> None:
    claim = claims.claim_due("far:1:a", NOW)
    for beat in range(1, 5):
        assert claims.renew(claim, NOW + beat * claims.LEASE / 2)
    assert claims.claim_due("far:2:b", NOW + 2 * claims.LEASE) is None


def test_a_released_connection_stays_due(claims: Any) -> None:
    claims.release(claims.claim_due("far:1:a", NOW))
    assert claims.claim_due("far:2:b", NOW + SOON) is not None


@pytest.mark.parametrize("minutes", [5, 60, 1440])
def test_after_a_good_check_the_next_comes_as_often_as_is_set(claims: Any, minutes: int) -> None:
    change(check_every_minutes=minutes, failures=3)
    assert claims.finish(claims.claim_due("far:1:a", NOW), NOW, is_well=True, fields={})
    assert (row().failures, row().next_check_at) == (0, NOW + timedelta(minutes=minutes))
    assert claims.claim_due("far:1:a", NOW + timedelta(minutes=minutes) - SOON) is None
    assert claims.claim_due("far:1:a", NOW + timedelta(minutes=minutes)) is not None


def test_after_failures_the_waits_grow_to_the_usual_one_and_never_past_it(claims: Any) -> None:
    waits, at = [], NOW
    for failures in range(1, 10):
        assert claims.finish(claims.claim_due("far:1:a", at), at, is_well=False, fields={})
        assert row().failures == failures
        waits.append(row().next_check_at - at)
        at = row().next_check_at
    minutes = [1, 2, 4, 8, 16, 32, 60, 60, 60]
    for wait, most in zip(waits, minutes, strict=True):
        assert timedelta(minutes=most) * 0.75 <= wait <= timedelta(minutes=most)


def test_what_failed_together_is_not_tried_again_together(claims: Any) -> None:
    waits = {claims.wait_after(4, timedelta(hours=1)) for _ in range(20)}
    assert len(waits) > 10


def test_what_somebody_asked_for_comes_first(claims: Any) -> None:
    from outlay.state import connections

    connections.add(NewConnection("zebra", "focus", "/bills/zebra"))
    change(next_check_at=NOW - timedelta(days=1))
    connections.want("zebra")
    assert claims.claim_due("far:1:a", NOW).connection == "zebra"


def test_a_wish_that_comes_during_a_check_is_granted_by_another(claims: Any) -> None:
    change(wanted_at=NOW - SOON)
    claim = claims.claim_due("far:1:a", NOW)
    change(wanted_at=NOW + SOON)
    claims.finish(claim, NOW + 2 * SOON, is_well=True, fields={})
    second = claims.claim_due("far:1:a", NOW + 3 * SOON)
    assert second is not None
    claims.finish(second, NOW + 4 * SOON, is_well=True, fields={})
    assert row().wanted_at is None
    assert claims.claim_due("far:1:a", NOW + 5 * SOON) is None


def test_a_paused_connection_is_never_due_but_can_be_claimed_by_name(claims: Any) -> None:
    change(paused_at=NOW, wanted_at=NOW)
    assert claims.claim_due("far:1:a", NOW) is None
    assert claims.claim("acme", "far:1:a", NOW) is not None


def test_the_lease_of_a_dead_process_of_this_machine_is_free_at_once(claims: Any) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    machine = claims.holder().partition(":")[0]
    for holder, is_free in ((f"{machine}:{gone.pid}:x", True), (f"{machine}:{os.getpid()}:x", False)):
        change(lease_holder=holder, lease_until=NOW + claims.LEASE)
        assert (claims.claim_due("far:1:a", NOW) is not None) == is_free
        change(lease_holder="", lease_until=None)


def test_the_lease_of_a_killed_process_that_nobody_has_buried_is_free(claims: Any) -> None:
    killed = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    killed.kill()
    os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)
    machine = claims.holder().partition(":")[0]
    change(lease_holder=f"{machine}:{killed.pid}:x", lease_until=NOW + claims.LEASE)
    assert claims.claim_due("far:1:a", NOW) is not None
    killed.wait()


def test_a_process_of_another_machine_is_not_thought_dead(claims: Any) -> None:
    change(lease_holder="elsewhere/12345678:999999:x", lease_until=NOW + claims.LEASE)
    assert claims.claim_due("far:1:a", NOW) is None


def test_a_check_that_broke_off_after_its_lease_is_put_off(claims: Any) -> None:
    claim = claims.claim_due("far:1:a", NOW)
    claims.release(claim)
    claims.put_off(claim, NOW)
    assert row().failures == 1
    assert claims.claim_due("far:1:a", NOW + SOON) is None


RACER = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from outlay.settings import Settings
from outlay.state.opening import open_state
open_state(Settings.read({}, home=Path(sys.argv[1]), database_url=sys.argv[2]))
from outlay.state import claims
print("ready", flush=True)
sys.stdin.readline()
now = datetime(2026, 6, 15, 12, tzinfo=UTC)
while claim := claims.claim_due(sys.argv[3] + ":1:x", now):
    print(claim.connection, flush=True)
    claims.finish(claim, now, is_well=True, fields={})
"""


def test_two_processes_that_race_claim_each_connection_once(claims: Any, settings: Settings, tmp_path: Path) -> None:
    from outlay.state import connections

    names = [f"acme-{number}" for number in range(40)]
    for name in names:
        connections.add(NewConnection(name, "focus", "/bills/acme"))
    close_state()
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(tmp_path), settings.database_url, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("\n")
        racer.stdin.flush()
    claimed = [racer.communicate(timeout=60)[0].split() for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0]
    assert sorted(claimed[0] + claimed[1]) == sorted([*names, "acme"])
