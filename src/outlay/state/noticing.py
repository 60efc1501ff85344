"""Notices that wait to be told: kept in the transaction of what they tell of, so that none is lost or made up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from django.utils import timezone

from outlay.errors import SetupError, UnknownName, UsageError
from outlay.ingest.result import RunResult
from outlay.notices import event as kinds
from outlay.notices.event import Event
from outlay.notices.message import message
from outlay.notices.sending import KINDS, Channel
from outlay.period import BillingPeriod
from outlay.state import acts
from outlay.state.models import Connection, Notice, NoticeChannel, Run, StatusChange
from outlay.state.secrets import Keyring, Secret

if TYPE_CHECKING:
    # Every command reads and writes state, few ask the lake.
    from outlay.costs.overlap import Overlap

# After each try that failed; after the last one it is given up.
WAITS = tuple(timedelta(minutes=each) for each in (1, 5, 15, 60, 180, 360, 720))
# While it is being told nobody else takes it; who is killed meanwhile has it told again after this.
_LEASE = timedelta(minutes=5)
# What is rejected waits for what else is rejected in the same check: the first notice not long, so that it does not
# come when a check of many months is over, the one after it until that end, or for this time when it never comes.
_FIRST_GROUP, _LATER_GROUP = timedelta(seconds=20), timedelta(hours=1)
# Kept after they are over.
_KEPT = timedelta(days=90)


# What is to be told


def of_change(change: StatusChange) -> None:
    kind = kinds.of_status(change.before, change.after)
    if kind:
        _keep(Event(kind, change.at.isoformat(), change.connection_id, reason=change.reason, next=change.next))


def of_run(run: Run, result: RunResult) -> None:
    """Of one that was rejected; of one that was committed when what was live until then was final, and another."""
    at, month = run.finished_at.isoformat(), result.period.month if result.period else ""
    if result.outcome == "rejected":
        _keep(
            _rejected(at, month, result),
            Connection.objects.values_list("lease_holder", flat=True).get(pk=run.connection_id),
        )
    elif result.outcome == "committed" and result.replaced:
        was = _commit_of(run.connection_id, run.period, result.replaced)
        if was is not None:
            _of_final(was, run.delivery, at)


def of_revert(connection: str, period: BillingPeriod, before: str, after: str) -> list[Notice]:
    """When a user makes `after` live in place of `before`, which is final."""
    was = _commit_of(connection, period.id, before)
    return _of_final(was, after, timezone.now().isoformat()) if was else []


def of_overlap(overlap: Overlap) -> list[Notice]:
    """Told of the newer connection, once."""
    left_out = " and ".join(f"{amount:,.2f} {currency}" for currency, amount in overlap.left_out.items())
    reason = (
        f"Its bills of payer {overlap.payer} are those of {overlap.older} in {len(overlap.months)} "
        f"month{'' if len(overlap.months) == 1 else 's'}. They count once; {left_out or 'nothing'} is left out."
    )
    following = f"Choose which of the two counts: outlay overlaps {overlap.older} {overlap.newer}, or on the site."
    return _keep(Event(kinds.OVERLAP, timezone.now().isoformat(), overlap.newer, reason=reason, next=following))


def _commit_of(connection: str, period: str, delivery: str) -> Run | None:
    """The last run that committed it."""
    runs = Run.objects.filter(connection_id=connection, period=period, delivery=delivery, outcome="committed")
    return runs.order_by("-id").first()


def _rejected(at: str, month: str, result: RunResult) -> Event:
    errors = [finding for finding in result.findings if finding.is_error]
    first = [f"{finding.message} {finding.next}" for finding in errors[: kinds.MOST_FINDINGS]]
    # Those past the first hundred of a kind are counted, not kept.
    count = sum(result.counts.get(code, 0) for code in {finding.code for finding in errors})
    return Event(kinds.REJECTED, at, result.connection, month, findings=first, finding_count=max(count, len(errors)))


def _of_final(was: Run, delivery: str, at: str) -> list[Notice]:
    if was.state != "final" or was.delivery == delivery:
        return []
    month = BillingPeriod.parse(was.period).month
    return _keep(Event(kinds.FINAL_CHANGED, at, was.connection_id, month, before=was.delivery, after=delivery))


def _keep(event: Event, check: str = "") -> list[Notice]:
    """With a `check`, the holder of its lease, together with what else is told of it."""
    return [
        _make(channel, event, check)
        for channel in NoticeChannel.objects.filter(is_on=True)
        if event.kind in channel.events and not (check and _joined(channel, event, check))
    ]


def _joined(channel: NoticeChannel, event: Event, check: str) -> bool:
    """Put into the notice of the check that is still open. False: there is none."""
    for row in Notice.objects.filter(channel=channel, check_id=check, is_open=True):
        both = Event.from_dict(row.event).together_with(event)
        # One statement: who takes it to be told closes it.
        if Notice.objects.filter(pk=row.pk, is_open=True).update(event=both.as_dict()):
            return True
    return False


def _make(channel: NoticeChannel, event: Event, check: str = "") -> Notice:
    now = timezone.now()
    wait = timedelta(0)
    if check:
        is_later = Notice.objects.filter(channel=channel, check_id=check).exists()
        wait = _LATER_GROUP if is_later else _FIRST_GROUP
    return Notice.objects.create(
        channel=channel, event=event.as_dict(), made_at=now, due_at=now + wait, check_id=check, is_open=bool(check)
    )


def check_is_over(check: str) -> None:
    """What was gathered of it is told now."""
    Notice.objects.filter(check_id=check, is_open=True).update(is_open=False, due_at=timezone.now())


# Telling


@dataclass(frozen=True)
class Taken:
    """A notice that this process tells now."""

    number: int
    kind: str
    settings: Mapping[str, Any]
    sealed: str
    channel: str
    event: Event

    def opened(self, ring: Keyring) -> Channel:
        return _opened(self.kind, self.settings, self.sealed, self.channel, ring)


def take(at: datetime | None = None) -> Taken | None:
    """The notice that has been due the longest; None when none is. Of two that come at once, one gets it."""
    at = at or timezone.now()
    due = Notice.objects.filter(due_at__lte=at, channel__is_on=True).order_by("due_at", "id")
    for number, was_due in due.values_list("pk", "due_at")[:10]:
        if Notice.objects.filter(pk=number, due_at=was_due).update(due_at=at + _LEASE, is_open=False):
            return _taken(Notice.objects.select_related("channel").get(pk=number))
    return None


def take_test(number: int, ring: Keyring, *, by: str = "") -> Taken:
    """A test of a channel, taken by this process already. As `test`."""
    with transaction.atomic():
        row = test(number, ring, by=by)
        row.due_at = row.made_at + _LEASE
        row.save(update_fields=["due_at"])
    return _taken(row)


def _taken(row: Notice) -> Taken:
    channel = row.channel
    return Taken(row.pk, channel.kind, channel.settings, channel.sealed, channel.name, Event.from_dict(row.event))


@transaction.atomic
def over(number: int, error: str) -> bool:
    """A try has come to its end; `error` is blank when it was told. Is it tried again?"""
    at = timezone.now()
    row = Notice.objects.select_for_update().filter(pk=number).first()
    if row is None:
        return False
    row.tries = [*row.tries, {"at": at.isoformat(), "error": error}]
    again = bool(error) and len(row.tries) <= len(WAITS)
    row.due_at = at + WAITS[len(row.tries) - 1] if again else None
    row.told_at = None if error else at
    row.save(update_fields=["tries", "due_at", "told_at"])
    return again


def sweep(at: datetime) -> int:
    """Forget those that were over long ago; returns how many."""
    return Notice.objects.filter(due_at=None, made_at__lt=at - _KEPT).delete()[0]


# Channels


@dataclass(frozen=True)
class NewChannel:
    """`settings` may be shown, `secrets` may not; together they are what `notices.sending` makes the kind of."""

    kind: str
    name: str
    settings: Mapping[str, Any]
    secrets: Mapping[str, str]
    events: Sequence[str]

    def __repr__(self) -> str:
        return f"NewChannel({self.kind!r}, {self.name!r})"


def channels() -> list[NoticeChannel]:
    return list(NoticeChannel.objects.all())


def channel(number: int) -> NoticeChannel:
    """Raises UnknownName."""
    row = NoticeChannel.objects.filter(pk=number).first()
    if row is None:
        raise UnknownName(f"There is no channel {number}.", next="See which there are.")
    return row


def add(new: NewChannel, ring: Keyring, *, by: str = "") -> NoticeChannel:
    """Raises UsageError for a name that is taken."""
    try:
        with transaction.atomic():
            row = NoticeChannel.objects.create(
                kind=new.kind,
                name=new.name,
                settings=dict(new.settings),
                sealed=ring.seal(Secret(json.dumps(dict(new.secrets)))),
                events=[kind for kind in kinds.KINDS if kind in new.events],
                made_at=timezone.now(),
            )
            acts.note("", by, "channel-added", said=f"{new.name}.")
            return row
    except IntegrityError as error:
        raise UsageError(
            f"There is a channel {new.name} already.", next="Choose another name.", field="name"
        ) from error


@transaction.atomic
def switch(number: int, *, on: bool, by: str = "") -> NoticeChannel:
    """What waits while it is off is told when it is on again. Raises UnknownName."""
    if NoticeChannel.objects.filter(pk=number).exclude(is_on=on).update(is_on=on):
        acts.note("", by, "channel-switched", said=f"{channel(number).name} {'on' if on else 'off'}.")
    return channel(number)


@transaction.atomic
def remove(number: int, *, by: str = "") -> str:
    """With its log; returns its name. Raises UnknownName."""
    row = channel(number)
    row.delete()
    acts.note("", by, "channel-removed", said=f"{row.name}.")
    return row.name


def test(number: int, ring: Keyring, *, by: str = "") -> Notice:  # noqa: PT028 - a test of a channel
    """A test, told by the next worker that looks. Raises UnknownName, and SetupError when its secrets do not open."""
    row = channel(number)
    _opened(row.kind, row.settings, row.sealed, row.name, ring)
    acts.note("", by, "channel-tested", said=f"{row.name}.")
    return _make(row, Event(kinds.TEST, timezone.now().isoformat()))


def log(limit: int, offset: int = 0) -> list[Notice]:
    """The newest notices, with their channels."""
    return list(Notice.objects.select_related("channel").order_by("-id")[offset : offset + limit])


def count() -> int:
    """How many notices are kept."""
    return Notice.objects.count()


def notice(number: int) -> Notice:
    """With its channel. Raises UnknownName."""
    row = Notice.objects.select_related("channel").filter(pk=number).first()
    if row is None:
        raise UnknownName(f"There is no notice {number}.", next="See which there are.")
    return row


def named(name: str) -> NoticeChannel:
    """Raises UnknownName."""
    row = NoticeChannel.objects.filter(name=name).first()
    if row is None:
        raise UnknownName(f"There is no channel {name!r}.", next="See which there are with outlay notices list.")
    return row


# As JSON


def channel_told(row: NoticeChannel, ring: Keyring) -> dict[str, Any]:
    """Nothing of it is secret. `where` is null when no key opens its address."""
    try:
        place = where(row, ring)
    except SetupError:
        place = None
    return {
        "id": row.pk,
        "name": row.name,
        "kind": row.kind,
        "where": place,
        "events": list(row.events),
        "on": row.is_on,
        "added": row.made_at.isoformat(),
    }


def where(row: NoticeChannel, ring: Keyring) -> str:
    """Where it tells: of an address its host alone. Raises SetupError."""
    opened = secrets_of(row, ring)
    host = urlsplit(opened["url"]).hostname if "url" in opened else row.settings.get("host", "")
    to = ", ".join(row.settings.get("recipients", []))
    return f"{to} by {host}" if to else str(host)


def notice_told(row: Notice) -> dict[str, Any]:
    """What it is about, and what came of each try."""
    event = Event.from_dict(row.event)
    return {
        "id": row.pk,
        "channel": row.channel.name,
        "event": event.kind,
        "connection": event.connection or None,
        "months": list(event.months or filter(None, [event.month])),
        "subject": message(str(row.pk), event, None, None).subject,
        "made": row.made_at.isoformat(),
        "state": "told" if row.told_at else "waiting" if row.due_at else "given-up",
        "next_try": row.due_at.isoformat() if row.due_at else None,
        "told": row.told_at.isoformat() if row.told_at else None,
        "tries": [{"at": each["at"], "error": each["error"] or None} for each in row.tries],
    }


def reseal(ring: Keyring) -> int:
    """Seal the secrets of every channel under the first key; returns how many."""
    rows = channels()
    for row in rows:
        NoticeChannel.objects.filter(pk=row.pk).update(sealed=ring.reseal(row.sealed, f"the channel {row.name}"))
    return len(rows)


def secrets_of(row: NoticeChannel, ring: Keyring) -> Mapping[str, str]:
    """The settings that may not be shown. Raises SetupError when no key opens them."""
    return _unsealed(row.sealed, row.name, ring)


def _opened(kind: str, settings: Mapping[str, Any], sealed: str, name: str, ring: Keyring) -> Channel:
    return KINDS[kind]({**settings, **_unsealed(sealed, name, ring)})


def _unsealed(sealed: str, name: str, ring: Keyring) -> dict[str, str]:
    found: dict[str, str] = json.loads(ring.open(sealed, f"the channel {name}").reveal())
    return found
