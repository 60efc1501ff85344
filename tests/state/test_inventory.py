"""Who looks through which account, and when, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from outlay.errors import Changed, Denied
from outlay.settings import Settings

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ONE, TWO = "001122334455", "665544332211"

pytestmark = pytest.mark.usefixtures("state")


def test_an_account_is_looked_through_by_one_at_a_time() -> None:
    from outlay.state import inventory

    first = inventory.claim_due([ONE, TWO], NOW)
    second = inventory.claim_due([ONE, TWO], NOW)
    assert first
    assert second
    assert {first.account, second.account} == {ONE, TWO}
    assert inventory.claim_due([ONE, TWO], NOW) is None
    assert inventory.claim(ONE, NOW) is None
    inventory.release(first)
    again = inventory.claim_due([ONE, TWO], NOW)
    assert again
    assert again.account == first.account


def test_a_look_is_due_again_after_its_time_and_sooner_after_a_failure() -> None:
    from outlay.state import inventory

    lease = inventory.claim_due([ONE], NOW)
    assert lease
    inventory.finish(lease, NOW, 6 * HOUR, connection="one", seen=3, troubles=[])
    assert inventory.claim_due([ONE], NOW + 5 * HOUR) is None
    later = inventory.claim_due([ONE], NOW + 6 * HOUR)
    assert later
    inventory.fail(later, NOW + 6 * HOUR, 6 * HOUR, Denied("It may not.", next="Allow it."))
    (row,) = inventory.looks()
    assert (row.said, row.next, row.failures, row.seen) == ("It may not.", "Allow it.", 1, 3)
    after = inventory.claim_due([ONE], NOW + 6 * HOUR + timedelta(minutes=1))
    assert after
    assert after.failures == 1


def test_a_lease_that_ran_out_is_given_to_another_and_its_holder_is_told() -> None:
    from outlay.state import inventory

    lease = inventory.claim(ONE, NOW - HOUR)
    assert lease
    other = inventory.claim(ONE, NOW)
    assert other
    with pytest.raises(Changed, match="Another process"):
        lease.still()
    inventory.finish(lease, NOW, HOUR, connection="late", seen=1, troubles=[])
    assert inventory.looks()[0].connection == ""
    inventory.finish(other, NOW, HOUR, connection="one", seen=2, troubles=[])
    assert inventory.looks()[0].connection == "one"


def test_the_lease_of_a_process_that_is_gone_is_free_at_once(settings: Settings) -> None:
    from outlay.state import claims, inventory
    from outlay.state.models import InventoryLook

    assert inventory.claim(ONE, NOW)
    machine = claims.holder().partition(":")[0]
    # No process has this number.
    InventoryLook.objects.update(lease_holder=f"{machine}:{2**22 + 1}:x")
    assert inventory.claim(ONE, NOW)
