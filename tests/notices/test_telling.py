"""From what happens to a connection to what a channel tells of it, by the worker's own step."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from outlay.ingest.result import RunResult
from outlay.ingest.steps import Quiet, Step
from outlay.notices.event import KINDS
from outlay.storage import open_place
from outlay.worker.ending import Ending
from tests.ingest.world import put_drop, row
from tests.notices.receivers import Receiver, http, smtp
from tests.worker.place import JUNE, Clock, Installation, until

SECRET = "a-secret-that-nobody-sees"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    made.add(expect_every=24)
    yield made
    made.o.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http() as started:
        yield started


@pytest.fixture
def tell(place: Installation) -> Callable[[], bool]:
    """The worker's step: did it find a notice that was due?"""
    from outlay.worker.worker import Worker

    return Worker(place.o, Ending()).tell_notice


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def channel(place: Installation, url: str, events: Sequence[str] = tuple(KINDS), name: str = "hook") -> int:
    from outlay.state import noticing

    new = noticing.NewChannel("webhook", name, {}, {"url": url, "secret": SECRET}, events)
    return int(noticing.add(new, place.o.keyring).pk)


def deliver(place: Installation, cost: str, drop: str, **more: str) -> None:
    charge = row(cost, time__usage_start=f"{JUNE.month}-03T10:00:00Z", **more)
    put_drop(open_place(str(place.folder / "acme")), [charge], drop, JUNE)
    list(place.o.ingest(["acme"]))


def told(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(posted.body) for posted in receiver.posted]


def notices() -> list[Any]:
    from outlay.state import noticing

    return noticing.log(100)


def make_due() -> None:
    from django.utils import timezone

    from outlay.state.models import Notice

    Notice.objects.exclude(due_at=None).update(due_at=timezone.now())


def test_turning_late_failing_and_healthy_again_is_told(
    place: Installation, receiver: Receiver, tell: Callable[[], bool], clock: Clock
) -> None:
    from outlay.state import changes

    channel(place, receiver.url)
    deliver(place, "1.5", "d1")
    assert not tell()
    clock.ahead = timedelta(hours=25)
    changes.note_all(clock.now())
    changes.note_all(clock.now())
    put_drop(open_place(str(place.folder / "acme")), [row("not a number")], "d2", JUNE)
    list(place.o.ingest(["acme"]))
    deliver(place, "2", "d3")
    while tell():
        pass
    said = [(each["event"], each["subject"]) for each in told(receiver)]
    assert sorted(said) == [
        ("failing", "acme is failing"),
        ("late", "acme is late"),
        ("recovered", "acme is healthy again"),
        ("rejected", "A delivery of acme for 2026-06 was rejected"),
    ]
    assert all(each["next"] or each["findings"] or each["event"] == "recovered" for each in told(receiver))


def test_a_rejected_delivery_is_told_with_its_findings(
    place: Installation, receiver: Receiver, tell: Callable[[], bool]
) -> None:
    channel(place, receiver.url, ["rejected"])
    put_drop(open_place(str(place.folder / "acme")), [row("not a number")] * 7, "d1", JUNE)
    list(place.o.ingest(["acme"]))
    assert tell()
    (said,) = told(receiver)
    assert (said["month"], len(said["findings"]), said["finding_count"] >= 7) == ("2026-06", 5, True)
    assert "not a number" in said["text"]


def reject(place: Installation, months: int) -> None:
    """Drops that will be rejected, for so many months up to June."""
    for ago in range(months):
        put_drop(open_place(str(place.folder / "acme")), [row("not a number")], "d1", JUNE.shift(-ago))


def test_what_one_check_rejects_is_one_notice(
    place: Installation, receiver: Receiver, tell: Callable[[], bool]
) -> None:
    channel(place, receiver.url, ["rejected"])
    reject(place, 3)
    list(place.o.ingest(["acme"]))
    assert tell()
    assert not tell()
    (said,) = told(receiver)
    assert said["subject"] == "3 deliveries of acme were rejected"
    assert (said["month"], said["months"]) == (None, ["2026-06", "2026-05", "2026-04"])
    assert [each[:8] for each in said["findings"]] == [f"{month}:" for month in said["months"]]
    assert said["finding_count"] >= 3
    assert "2026-06, 2026-05, 2026-04" in said["text"]


def test_what_another_check_rejects_is_another_notice(
    place: Installation, receiver: Receiver, tell: Callable[[], bool]
) -> None:
    place.add("other")
    channel(place, receiver.url, ["rejected"])
    reject(place, 2)
    put_drop(open_place(str(place.folder / "other")), [row("not a number")], "d1", JUNE)
    list(place.o.ingest())
    while tell():
        pass
    assert [each["subject"] for each in told(receiver)] == [
        "2 deliveries of acme were rejected",
        "A delivery of other for 2026-06 was rejected",
    ]


def test_notices_are_told_while_the_worker_still_checks_other_months(
    place: Installation, receiver: Receiver, clock: Clock
) -> None:
    """Newest first: the check waits in April until May has been told, though it is not at its end."""
    from outlay.state import claims
    from outlay.state.checking import Watch
    from outlay.worker.worker import Worker

    channel(place, receiver.url, ["rejected"])
    reject(place, 4)

    class InApril(Quiet):
        def begins(self, connection: str, period: str, step: Step) -> None:
            if period == JUNE.shift(-2).id and step == "plan":
                assert receiver.posted == []
                clock.ahead = timedelta(seconds=30)
                until(lambda: receiver.posted, "notice")

    with Worker(place.o, Ending()).beside():
        claim = claims.claim("acme", claims.holder(), clock.now())
        assert claim is not None
        list(place.o.check(Watch(claim, InApril())))
        until(lambda: len(receiver.posted) == 2, "second notice")
    assert [each["months"] for each in told(receiver)] == [["2026-06", "2026-05"], ["2026-04", "2026-03"]]


def test_what_a_killed_worker_had_gathered_is_told_in_time(
    place: Installation, receiver: Receiver, clock: Clock
) -> None:
    from outlay.state import noticing
    from outlay.state.models import Connection

    channel(place, receiver.url, ["rejected"])
    Connection.objects.update(lease_holder="elsewhere:1:x")
    for month in (JUNE, JUNE.previous()):
        place.o.memory.record(RunResult("acme", "rejected", month))
    assert noticing.take(clock.now()) is None
    taken = noticing.take(clock.now() + timedelta(seconds=21))
    assert taken is not None
    assert taken.event.months == ("2026-06", "2026-05")
    # What comes after it has been taken is not lost in it.
    place.o.memory.record(RunResult("acme", "rejected", JUNE.shift(-2)))
    assert noticing.take(clock.now() + timedelta(minutes=4)) is None
    noticing.over(taken.number, "")
    later = noticing.take(clock.now() + timedelta(hours=1, seconds=1))
    assert later is not None
    assert later.event.month == "2026-04"


def test_a_final_month_that_changes_is_told_with_the_difference_by_service(
    place: Installation, receiver: Receiver, tell: Callable[[], bool]
) -> None:
    channel(place, receiver.url, ["final-changed"])
    deliver(place, "1.5", "d1")
    deliver(place, "2", "d2", bill__invoice_id="I1")
    assert not tell()
    deliver(place, "2.25", "d3", bill__invoice_id="I1")
    assert tell()
    (said,) = told(receiver)
    assert said["subject"] == "The final month 2026-06 of acme changed"
    (service,) = said["difference"]["services"]
    assert (service["name"], service["before"], service["after"], service["change"]) == ("Compute", "2", "2.25", "0.25")
    assert "Compute: 2 → 2.25 USD (+0.25)" in said["text"]


def test_a_final_month_that_somebody_reverts_is_told(
    place: Installation, receiver: Receiver, tell: Callable[[], bool]
) -> None:
    deliver(place, "2", "d1", bill__invoice_id="I1")
    deliver(place, "3", "d2", bill__invoice_id="I1")
    channel(place, receiver.url, ["final-changed"])
    (view,) = place.o.periods("acme")
    place.o.revert("acme", "2026-06", view.earlier[0])
    assert tell()
    assert told(receiver)[0]["difference"]["totals"][0]["change"] == "-1"


def test_what_fails_is_tried_again_with_growing_waits_then_given_up(
    place: Installation, receiver: Receiver, tell: Callable[[], bool]
) -> None:
    from outlay.state.noticing import WAITS

    channel(place, receiver.url, ["rejected"])
    receiver.status = 500
    put_drop(open_place(str(place.folder / "acme")), [row("x")], "d1", JUNE)
    list(place.o.ingest(["acme"]))
    waits = []
    while tell():
        assert not tell()
        (notice,) = notices()
        if notice.due_at:
            waits.append(notice.due_at - datetime.fromisoformat(notice.tries[-1]["at"]))
        make_due()
    (notice,) = notices()
    assert waits == list(WAITS)
    assert len(notice.tries) == len(WAITS) + 1
    assert all("answered 500" in each["error"] for each in notice.tries)
    assert (notice.due_at, notice.told_at) == (None, None)
    assert sorted(WAITS) == list(WAITS)
    assert {each["id"] for each in told(receiver)} == {str(notice.pk)}


def test_one_that_failed_is_told_when_its_receiver_is_back(
    place: Installation, receiver: Receiver, tell: Callable[[], bool]
) -> None:
    number = channel(place, receiver.url)
    receiver.status = 503
    from outlay.state import noticing

    noticing.test(number, place.o.keyring)
    assert tell()
    receiver.status = 200
    make_due()
    assert tell()
    (notice,) = notices()
    assert [bool(each["error"]) for each in notice.tries] == [True, False]
    assert notice.told_at is not None
    make_due()
    assert not tell()


def test_two_workers_tell_a_notice_once(place: Installation, receiver: Receiver) -> None:
    from django.utils import timezone

    from outlay.state import noticing

    noticing.test(channel(place, receiver.url), place.o.keyring)
    now = timezone.now()
    first, second = noticing.take(now), noticing.take(now)
    assert first is not None
    assert second is None
    # The one who took it was killed.
    assert noticing.take(now + timedelta(minutes=6)) is not None


def test_a_channel_tells_what_was_chosen_for_it_while_it_is_on(
    place: Installation, receiver: Receiver, tell: Callable[[], bool]
) -> None:
    from outlay.state import noticing

    channel(place, f"{receiver.url}/late", ["late"], "late")
    off = channel(place, f"{receiver.url}/off", ["rejected"], "off")
    channel(place, f"{receiver.url}/on", ["rejected"], "on")
    noticing.switch(off, on=False)
    put_drop(open_place(str(place.folder / "acme")), [row("x")], "d1", JUNE)
    list(place.o.ingest(["acme"]))
    while tell():
        pass
    assert [posted.path for posted in receiver.posted] == ["/on"]
    noticing.remove(off)
    assert [each.name for each in noticing.channels()] == ["late", "on"]


def test_a_notice_that_cannot_be_made_does_not_end_the_worker(
    place: Installation, receiver: Receiver, tell: Callable[[], bool]
) -> None:
    from outlay.state import noticing
    from outlay.state.models import NoticeChannel

    noticing.test(channel(place, receiver.url), place.o.keyring)
    NoticeChannel.objects.update(settings={"nothing": "known"})
    assert not tell()
    assert receiver.posted == []


def test_secrets_of_channels_are_sealed_and_opened_under_a_new_key(
    place: Installation, receiver: Receiver, tell: Callable[[], bool]
) -> None:
    from outlay.state import noticing

    number = channel(place, receiver.url)
    row = noticing.channel(number)
    assert SECRET not in row.sealed
    assert SECRET not in json.dumps(row.settings)
    assert place.o.reseal(drop_old=True) == 1
    assert noticing.channel(number).sealed != row.sealed
    noticing.test(number, place.o.keyring)
    assert tell()
    assert len(receiver.posted) == 1


def test_a_mail_is_told_by_a_channel_of_mail(place: Installation, tell: Callable[[], bool]) -> None:
    from outlay.state import noticing

    with smtp(password=SECRET) as box:
        told = {
            "host": "127.0.0.1",
            "port": box.port,
            "security": "none",
            "sender": "outlay@example.com",
            "recipients": ["ada@example.com", "bo@example.com"],
            "username": "outlay",
        }
        added = noticing.add(noticing.NewChannel("email", "mail", told, {"password": SECRET}, []), place.o.keyring)
        noticing.test(added.pk, place.o.keyring)
        assert tell()
    assert box.sign_ins == [("outlay", SECRET)]
    assert box.mails[0]["To"] == "ada@example.com, bo@example.com"


def test_notices_that_are_over_are_forgotten_in_time(place: Installation, receiver: Receiver) -> None:
    from django.utils import timezone

    from outlay.state import noticing

    noticing.test(channel(place, receiver.url), place.o.keyring)
    (notice,) = notices()
    noticing.over(notice.pk, "")
    assert noticing.sweep(timezone.now() + timedelta(days=89)) == 0
    assert noticing.sweep(timezone.now() + timedelta(days=91)) == 1


def test_notices_are_kept_and_told_on_postgresql_too(tmp_path: Path, postgres_url: str, receiver: Receiver) -> None:
    from outlay import notifying

    place = Installation(tmp_path, database_url=postgres_url)
    place.add()
    try:
        channel(place, receiver.url, ["rejected"])
        put_drop(open_place(str(place.folder / "acme")), [row("x")], "d1", JUNE)
        list(place.o.ingest(["acme"]))
        assert notifying.tell_next(place.o) is not None
        assert notifying.tell_next(place.o) is None
        assert [each["event"] for each in told(receiver)] == ["rejected"]
    finally:
        place.o.close()


def test_a_final_month_that_was_made_live_again_and_then_changes_is_told(
    place: Installation, receiver: Receiver, tell: Callable[[], bool]
) -> None:
    channel(place, receiver.url, ["final-changed"])
    deliver(place, "1", "d1", bill__invoice_id="INV-1")
    first = place.o.periods("acme")[0].delivery
    assert first is not None
    deliver(place, "2", "d2")
    assert tell()
    place.o.revert("acme", JUNE.month, first)
    assert not tell()
    deliver(place, "3", "d3")
    assert tell()
    assert [each["subject"] for each in told(receiver)] == ["The final month 2026-06 of acme changed"] * 2
    assert first in told(receiver)[1]["text"]


def test_what_nobody_expected_is_a_try_like_any_other(
    place: Installation, receiver: Receiver, tell: Callable[[], bool]
) -> None:
    from outlay.state.models import NoticeChannel
    from outlay.state.noticing import WAITS

    channel(place, receiver.url, ["rejected"])
    # As no code of ours writes them.
    NoticeChannel.objects.update(settings={"unheard": "of"})
    deliver(place, "x", "d1")
    for tried in range(len(WAITS) + 1):
        make_due()
        assert not tell()
        assert len(notices()[0].tries) == tried + 1
    (notice,) = notices()
    assert notice.due_at is None
    assert notice.tries[0]["error"] == "Outlay failed unexpectedly: TypeError."
    assert SECRET not in str(notice.tries)
