"""A denial of the first five minutes is waited out: on the stand-in, with the worker's turns and a moved clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from outlay import connecting
from outlay.state.new import NewConnection
from outlay.worker.ending import Ending
from tests.aws_standin.delivering import deliver
from tests.aws_standin.organisation import EXTERNAL_ID, bill, report
from tests.payers import LAST, MAY, World, world
from tests.worker.place import Clock

MINUTE = timedelta(minutes=1)


@dataclass
class Fresh:
    """The connection `main`, just added, whose role may not list the bucket yet."""

    world: World
    clock: Clock
    worker: Any

    def check(self) -> None:
        """All that is due now."""
        while self.worker.check_one():
            pass

    @property
    def view(self) -> Any:
        return self.world.o.connection("main")

    @property
    def next_check_in(self) -> timedelta:
        at: datetime = self.view.row.next_check_at
        return at - self.clock.now()

    def timeline(self) -> list[str]:
        return [change.after for change in reversed(self.world.o.timeline("main"))]


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fresh]:
    with world(tmp_path) as made:
        for name, value in made.environ.items():
            monkeypatch.setenv(name, value)
        member = made.organisation.fernwick
        client = made.standin.client("cur", member.account)
        client.put_report_definition(ReportDefinition=report("daily", member.bucket))
        deliver(made.standin, member.account, "daily", MAY, bill(member.payer, MAY, LAST)[:50])
        made.standin.deny("s3:ListBucket")
        made.o.add(
            NewConnection("main", "aws", f"s3://{member.bucket}/cur", role_arn=member.role_arn, external_id=EXTERNAL_ID)
        )
        from outlay.worker.worker import Worker

        yield Fresh(made, Clock(monkeypatch), Worker(made.o, Ending()))


def _access(**fields: str) -> Any:
    from outlay.state.changing import Settings

    return Settings(keeps_access=False, **fields)


def test_a_new_connection_that_is_denied_waits_is_tried_each_minute_and_works_when_aws_lets_it(fresh: Fresh) -> None:
    for _ in range(4):
        fresh.check()
        status = fresh.view.status
        assert status.status == "pending-data"
        assert "AWS takes up to 5 minutes to let new permissions work" in status.reason
        assert "s3:ListBucket" in status.reason
        assert "tried again every minute" in status.next
        assert timedelta(seconds=30) <= fresh.next_check_in <= MINUTE
        fresh.clock.ahead += MINUTE
    fresh.world.standin.allow("s3:ListBucket")
    fresh.check()
    assert fresh.view.status.status == "healthy"
    assert fresh.timeline() == ["pending-data", "healthy"]


def test_what_is_still_denied_after_five_minutes_is_failing_and_tried_less_often(fresh: Fresh) -> None:
    fresh.check()
    fresh.clock.ahead = 4.9 * MINUTE
    fresh.check()
    # The five minutes are over, and the check that tells is about to come.
    fresh.clock.ahead = 5.5 * MINUTE
    assert fresh.view.status.status == "pending-data"
    fresh.clock.ahead = 6 * MINUTE
    fresh.check()
    status = fresh.view.status
    assert status.status == "failing"
    assert "5 minutes to let" not in status.reason
    assert "s3:ListBucket" in status.next
    assert fresh.timeline() == ["pending-data", "failing"]
    assert MINUTE < fresh.next_check_in <= 2 * MINUTE


def test_without_a_worker_it_is_failing_all_the_same(fresh: Fresh) -> None:
    list(fresh.world.o.ingest(["main"]))
    assert fresh.view.status.status == "pending-data"
    fresh.clock.ahead = 8 * MINUTE
    assert fresh.view.status.status == "failing"


def test_another_access_is_new_again_and_tried_at_once(fresh: Fresh) -> None:
    fresh.clock.ahead = timedelta(hours=2)
    fresh.check()
    assert fresh.view.status.status == "failing"
    member = fresh.world.organisation.fernwick
    access = _access(role_arn=member.role_arn, external_id="not-yet-in-the-trust-policy")
    assert connecting.change(fresh.world.o, "main", access, untested=True) == ["access"]
    fresh.check()
    status = fresh.view.status
    assert status.status == "pending-data"
    assert "assume the role" in status.reason


def test_who_borrows_an_access_that_was_changed_waits_too(fresh: Fresh) -> None:
    member = fresh.world.organisation.fernwick
    fresh.world.o.add(NewConnection("borrows", "aws", f"s3://{member.bucket}/other", access_of="main"))
    fresh.clock.ahead = timedelta(hours=1)
    access = _access(role_arn=member.role_arn, external_id=EXTERNAL_ID)
    connecting.change(fresh.world.o, "main", access, untested=True)
    fresh.check()
    assert fresh.world.o.connection("borrows").status.status == "pending-data"
    assert "5 minutes to let" in fresh.world.o.connection("borrows").status.reason


def test_a_wrong_key_is_failing_at_once(fresh: Fresh) -> None:
    fresh.world.standin.allow("s3:ListBucket")
    access = _access(access_key_id="AKIAZZZZZZZZZZZZZZZZ", secret_access_key="x" * 40)
    connecting.change(fresh.world.o, "main", access, untested=True)
    fresh.check()
    assert fresh.view.status.status == "failing"
    assert "does not know the access key" in fresh.view.status.reason


def test_a_new_linked_account_waits_too(fresh: Fresh) -> None:
    role = fresh.world.role(next(iter(fresh.world.organisation.fernwick.payer.accounts)), "later")
    fresh.world.o.add(NewConnection("web", "linked", "", role_arn=role, external_id="not-yet"))
    fresh.check()
    status = fresh.world.o.connection("web").status
    assert status.status == "pending-data"
    assert "5 minutes to let" in status.reason
