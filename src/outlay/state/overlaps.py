"""Bills that several connections hold: what was added up of them, and which of them a user wants to count."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q

from outlay.costs import overlap
from outlay.costs.answer import plain
from outlay.costs.overlap import Bill, Choices, Overlap, Pair, Twice
from outlay.errors import UsageError
from outlay.lake import Live, Partition
from outlay.period import BillingPeriod
from outlay.state import noticing
from outlay.state.faults import translated
from outlay.state.models import Connection, CountedBoth, CountedFirst, HeldBill, RemovedConnection, ToldOverlap

# Deliveries that are added up at once: a bill may name thousands of accounts.
_AT_ONCE = 12

Measure = Callable[[Mapping[Partition, Live]], Mapping[Partition, Mapping[str, Bill]]]


class Overlaps:
    """Of one process. Any thread may ask; what no process has added up yet is added up by `measure`, once.

    Only months that several connections hold are looked at, so whoever has one bill a month pays nothing.
    """

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self._lock = threading.Lock()
        self._held: dict[Partition, tuple[str, dict[str, Bill]]] = {}
        self._last: _Decided | None = None

    def twice(self, live: Mapping[Partition, Live]) -> Twice:
        """What of these deliveries, all those that count, is left out because it counts elsewhere."""
        return self._decided(live).twice

    def of(self, live: Mapping[Partition, Live]) -> tuple[Overlap, ...]:
        decided = self._decided(live)
        return overlap.overlaps(decided.pairs, decided.choices or Choices())

    def _decided(self, live: Mapping[Partition, Live]) -> _Decided:
        """Questions ask again and again, and seldom is there anything new."""
        wanted = {each: live[each] for each in overlap.shared(live)}
        last = self._last
        if last is None or not last.is_of(wanted):
            held = self._found(wanted)
            last = _Decided(wanted, held, bool(overlap.candidates(held)))
        if last.may_overlap and (now := choices()) != last.choices:
            last = replace(last, choices=now, pairs=(found := overlap.pairs(last.held, now)))
            last = replace(last, twice=overlap.twice(last.held, found))
        self._last = last
        return last

    def _found(self, live: Mapping[Partition, Live]) -> overlap.Held:
        """What each delivery holds of each payer."""
        contents = {partition: content(each) for partition, each in live.items()}
        with self._lock:
            missing = {each for each, its in contents.items() if self._held.get(each, ("",))[0] != its}
            if missing:
                self._learn({each: live[each] for each in missing}, contents)
            return {each: self._held[each][1] for each in contents}

    def _learn(self, live: Mapping[Partition, Live], contents: Mapping[Partition, str]) -> None:
        found = kept(live, contents)
        missing = sorted(live.keys() - found.keys())
        for start in range(0, len(missing), _AT_ONCE):
            measured = self._measure({each: live[each] for each in missing[start : start + _AT_ONCE]})
            keep(measured, contents)
            found.update({each: dict(bills) for each, bills in measured.items()})
        self._held.update({each: (contents[each], bills) for each, bills in found.items()})


@dataclass(frozen=True)
class _Decided:
    """What was found of these deliveries. Without choices nothing was decided yet."""

    live: Mapping[Partition, Live]
    held: overlap.Held
    may_overlap: bool
    choices: Choices | None = None
    pairs: tuple[Pair, ...] = ()
    twice: Twice = field(default_factory=Twice)

    def is_of(self, live: Mapping[Partition, Live]) -> bool:
        """By identity, as one snapshot has the same ones; those of another are looked at."""
        return self.live.keys() == live.keys() and all(self.live[each] is its for each, its in live.items())


def content(live: Live) -> str:
    """Names of files are new each time: the same delivery brought in anew has others."""
    return min(file.rpartition("/")[2] for file in live.files)


@translated
def kept(live: Iterable[Partition], contents: Mapping[Partition, str]) -> dict[Partition, dict[str, Bill]]:
    """What was added up before, by any process, of these deliveries."""
    wanted = set(live)
    rows = HeldBill.objects.filter(connection__in={each.connection for each in wanted})
    found: dict[Partition, dict[str, Bill]] = {}
    for row in rows.iterator():
        partition = Partition(row.connection, BillingPeriod.parse(row.period))
        if partition in wanted and contents[partition] == row.content:
            bill = Bill(partition, row.payer, _read(row.costs), frozenset(map(sys.intern, row.accounts)))
            found.setdefault(partition, {})[row.payer] = bill
    return found


@translated
@transaction.atomic
def keep(measured: Mapping[Partition, Mapping[str, Bill]], contents: Mapping[Partition, str]) -> None:
    """In place of what was kept of these billing periods."""
    for partition in measured:
        HeldBill.objects.filter(connection=partition.connection, period=partition.period.id).delete()
    HeldBill.objects.bulk_create(
        HeldBill(
            connection=partition.connection,
            period=partition.period.id,
            content=contents[partition],
            payer=payer,
            costs=_told(bill.costs),
            accounts=sorted(bill.accounts),
        )
        for partition, bills in measured.items()
        for payer, bill in bills.items()
    )


def _told(costs: overlap.Costs) -> dict[str, Any]:
    return {metric: {unit: plain(amount) for unit, amount in its.items()} for metric, its in costs.items()}


def _read(costs: Mapping[str, Mapping[str, str]]) -> overlap.Costs:
    return {metric: {unit: Decimal(amount) for unit, amount in its.items()} for metric, its in costs.items()}


@translated
def may_overlap(connection: str) -> bool:
    """Cheap: false when no other connection holds any bill of the same payer, as far as bills were added up."""
    payers = HeldBill.objects.filter(connection=connection).exclude(payer="").values("payer")
    return HeldBill.objects.filter(payer__in=payers).exclude(connection=connection).exists()


@translated
@transaction.atomic
def tell(found: Iterable[Overlap]) -> None:
    """Notices of those that were not told of yet and that nobody has chosen of."""
    for each in found:
        one, other = sorted(each.connections)
        _, is_new = ToldOverlap.objects.get_or_create(payer=each.payer, one=one, other=other)
        if is_new and not each.choice:
            noticing.of_overlap(each)


# What a user chose


@translated
def choices() -> Choices:
    """With the age of every connection, of removed ones, too."""
    removed = RemovedConnection.objects.values_list("pk", "created_at")
    rows = list(Connection.objects.values_list("pk", "created_at", "moved_from"))
    old = {name: before for name, _, before in rows if before}
    return Choices(
        {name: at for name, at in removed if at} | {name: at for name, at, _ in rows},
        dict(CountedFirst.objects.values_list("payer", "connection")),
        frozenset(
            (payer, frozenset((one, other)))
            for payer, one, other in CountedBoth.objects.values_list("payer", "one", "other")
        ),
        {name: _first(name, old) for name in old},
    )


def _first(name: str, old: Mapping[str, str]) -> str:
    while name in old:
        name = old[name]
    return name


@translated
@transaction.atomic
def count(payer: str, connections: tuple[str, str], choice: str) -> bool:
    """Was that a change? `choice` is one of the two, `BOTH`, or blank for the older. Raises UsageError."""
    if choice not in (*connections, overlap.BOTH, ""):
        raise UsageError(
            f"{choice} is none of the two that hold bills of {payer}.",
            next=f"Choose {connections[0]}, {connections[1]}, or that both count.",
            field="count",
        )
    now = choices()
    if now.said(payer, connections) == choice:
        return False
    one, other = sorted(connections)
    ones, others = now.together(one), now.together(other)
    if ones == others:
        ones, others = frozenset({one}), frozenset({other})
    is_of = Q(one__in=ones, other__in=others) | Q(one__in=others, other__in=ones)
    CountedBoth.objects.filter(is_of, payer=payer).delete()
    CountedFirst.objects.filter(payer=payer, connection__in=ones | others).delete()
    if choice == overlap.BOTH:
        CountedBoth.objects.create(payer=payer, one=one, other=other)
    elif choice:
        CountedFirst.objects.update_or_create(payer=payer, defaults={"connection": choice})
    return True


@transaction.atomic
def hand_on(gone: Connection) -> None:
    """Before a connection goes: that both count stays said of it and of those beside it that go on with one another."""
    now = choices()
    line = now.together(gone.name)
    heirs = {gone.name, *filter(None, [gone.moved_from_id]), *gone.moved_to.values_list("pk", flat=True)}
    for payer, pair in now.both:
        if len(pair & line) == 1:
            (other,) = pair - line
            for heir in heirs:
                one, two = sorted((heir, other))
                CountedBoth.objects.get_or_create(payer=payer, one=one, other=two)


def hand_on_first(gone: Connection) -> None:
    """With its bills goes that it counts first: so does the one that counts its months."""
    heir = gone.moved_from_id or gone.moved_to.values_list("pk", flat=True).first()
    if heir:
        CountedFirst.objects.filter(connection=gone.name).update(connection=heir)
