"""Bills of one payer and month that several connections hold: which of them counts. Pure.

Two bills of a payer that share no account are parts of it, and both count. Where they share any, one counts for the
other: the one that was chosen, or else that of the older connection. It is so month by month: where the chosen
connection holds nothing, the next one counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from typing import Any

from outlay.costs.answer import EXACT, plain, sums
from outlay.costs.metrics import DEFAULT
from outlay.costs.only import LeftOut
from outlay.lake import Partition
from outlay.period import BillingPeriod

# What is kept of each bill: metrics, and the columns that they add up.
COLUMNS = {"billed": "BilledCost", "effective": "EffectiveCost"}
# No connection has such a name.
BOTH = "(both)"
# Of one that was removed before that was written down.
_LONG_AGO = datetime.min.replace(tzinfo=UTC)

Costs = Mapping[str, Mapping[str, Decimal]]


@dataclass(frozen=True)
class Bill:
    """What a connection holds of one payer in a month. `costs` are by metric, then by currency.

    `accounts` are those that have charges; a charge that names none is its payer's.
    """

    partition: Partition
    payer: str
    costs: Costs
    accounts: frozenset[str] = frozenset()

    @property
    def connection(self) -> str:
        return self.partition.connection


# Of a delivery: its bills by payer; a blank one is of charges that name no payer.
Held = Mapping[Partition, Mapping[str, Bill]]


@dataclass(frozen=True)
class Choices:
    """Who counts first. `since` says when each connection was added; one that it lacks is older than all.

    `first` is the connection that was chosen for a payer; `both` has a payer with two connections whose bills are
    different ones, so that neither counts for the other. Connections that go on with one another are as old as the
    first of them, and what is said of one holds for all: `lines` has that first one of each that goes on with another.
    """

    since: Mapping[str, datetime] = field(default_factory=dict)
    first: Mapping[str, str] = field(default_factory=dict)
    both: frozenset[tuple[str, frozenset[str]]] = frozenset()
    lines: Mapping[str, str] = field(default_factory=dict)

    def in_order(self, bills: Iterable[Bill]) -> list[Bill]:
        return sorted(bills, key=lambda each: (*self._is_behind(each), *self.age(each)))

    def _is_behind(self, bill: Bill) -> tuple[bool, bool]:
        first = self.first.get(bill.payer, "")
        return self._line(first) != self._line(bill.connection), first != bill.connection

    def age(self, bill: Bill) -> tuple[datetime, datetime, str]:
        name = bill.connection
        return self.since.get(self._line(name), _LONG_AGO), self.since.get(name, _LONG_AGO), name

    def said(self, payer: str, connections: Iterable[str]) -> str:
        """What was chosen of two connections: one of them, `BOTH`, or nothing."""
        pair = frozenset(connections)
        if self._pair(pair) in {self._pair(each) for of, each in self.both if of == payer}:
            return BOTH
        chosen = self.first.get(payer, "")
        if chosen in pair:
            return chosen
        return next((each for each in sorted(pair) if self._line(each) == self._line(chosen)), "")

    def together(self, connection: str) -> frozenset[str]:
        """With those that it goes on with, and that go on with it."""
        line = self._line(connection)
        return frozenset({connection, line, *(name for name, first in self.lines.items() if first == line)})

    def _line(self, connection: str) -> str:
        return self.lines.get(connection, connection)

    def _pair(self, connections: frozenset[str]) -> frozenset[str]:
        firsts = frozenset(map(self._line, connections))
        return firsts if len(firsts) == len(connections) else connections


@dataclass(frozen=True)
class Pair:
    """Two bills that share accounts. `counted` has the one that counts, or both where that was chosen."""

    counted: tuple[Bill, ...]
    left_out: Bill | None

    @property
    def bills(self) -> tuple[Bill, ...]:
        return self.counted if self.left_out is None else (*self.counted, self.left_out)


def pairs(held: Held, choices: Choices) -> tuple[Pair, ...]:
    """By payer and month. A bill that is left out stands in one pair, with the first that counts in its place."""
    return tuple(pair for bills in _together(held) for pair in _decided(choices.in_order(bills), choices))


def shared(live: Iterable[Partition]) -> frozenset[Partition]:
    """Those of months that several connections hold: in others nothing overlaps."""
    by_period: dict[BillingPeriod, set[Partition]] = {}
    for each in live:
        by_period.setdefault(each.period, set()).add(each)
    return frozenset(each for its in by_period.values() if len(its) > 1 for each in its)


def candidates(held: Held) -> list[Bill]:
    """Bills that may overlap, as far as payer and month tell."""
    return [bill for bills in _together(held) for bill in bills]


def _together(held: Held) -> Iterator[list[Bill]]:
    found: dict[tuple[str, BillingPeriod], list[Bill]] = {}
    for partition, bills in held.items():
        for payer, bill in bills.items():
            if payer:
                found.setdefault((payer, partition.period), []).append(bill)
    return (bills for _, bills in sorted(found.items(), key=lambda each: each[0]) if len(bills) > 1)


def _decided(bills: list[Bill], choices: Choices) -> Iterator[Pair]:
    counted: list[Bill] = []
    for bill in bills:
        same = [each for each in counted if each.accounts & bill.accounts]
        are_both = {
            each.connection: choices.said(bill.payer, (each.connection, bill.connection)) == BOTH for each in same
        }
        instead = next((each for each in same if not are_both[each.connection]), None)
        if instead is not None:
            yield Pair((instead,), bill)
            continue
        yield from (Pair((each, bill), None) for each in same)
        counted.append(bill)


@dataclass(frozen=True)
class Twice:
    """What is left out because it counts elsewhere: deliveries as a whole, and payers' charges of others."""

    whole: frozenset[Partition] = frozenset()
    some: frozenset[LeftOut] = frozenset()


def twice(held: Held, found: Iterable[Pair]) -> Twice:
    out: dict[Partition, set[str]] = {}
    for pair in found:
        if pair.left_out is not None:
            out.setdefault(pair.left_out.partition, set()).add(pair.left_out.payer)
    whole = frozenset(each for each, payers in out.items() if payers >= set(held[each]))
    some = (LeftOut(each.connection, each.period.id, frozenset(out[each])) for each in out.keys() - whole)
    return Twice(whole, frozenset(some))


# As it is told


@dataclass(frozen=True)
class Month:
    """One that both hold: what each came to, by connection as `Bill.costs`, and which of them count."""

    month: str
    costs: Mapping[str, Costs]
    counted: tuple[str, ...]

    @property
    def left_out(self) -> Mapping[str, Decimal]:
        """By currency; nothing where both count."""
        return sums(
            (currency, amount)
            for name in self.costs.keys() - set(self.counted)
            for currency, amount in self.costs[name].get(DEFAULT, {}).items()
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            "month": self.month,
            "counted": list(self.counted),
            "costs": {
                name: {metric: _plain(amounts) for metric, amounts in its.items()} for name, its in self.costs.items()
            },
            "left_out": _plain(self.left_out),
        }


@dataclass(frozen=True)
class Line:
    """A month and currency of an overlap, effective: what the older came to, and the newer."""

    month: str
    currency: str
    older: Decimal
    newer: Decimal
    counted: tuple[str, ...]

    @property
    def difference(self) -> Decimal:
        with localcontext(EXACT):
            return self.newer - self.older


@dataclass(frozen=True)
class Overlap:
    """Two connections that hold bills of the same payer and months. `choice` is as `Choices.said`."""

    payer: str
    older: str
    newer: str
    choice: str
    months: tuple[Month, ...]

    @property
    def connections(self) -> tuple[str, str]:
        return self.older, self.newer

    @property
    def left_out(self) -> dict[str, Decimal]:
        """Over all months, by currency."""
        return dict(sorted(sums(each for month in self.months for each in month.left_out.items()).items()))

    @property
    def lines(self) -> tuple[Line, ...]:
        """Newest month first."""
        return tuple(
            Line(
                month.month,
                currency,
                _of(month.costs[self.older], currency),
                _of(month.costs[self.newer], currency),
                month.counted,
            )
            for month in reversed(self.months)
            for currency in sorted({each for its in month.costs.values() for each in its.get(DEFAULT, {})})
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            "payer": self.payer,
            "older": self.older,
            "newer": self.newer,
            "chosen": None if self.choice in ("", BOTH) else self.choice,
            "both": self.choice == BOTH,
            "left_out": _plain(self.left_out),
            "months": [each.as_dict() for each in self.months],
        }


def overlaps(found: Iterable[Pair], choices: Choices) -> tuple[Overlap, ...]:
    """The pairs of bills by payer and connections, their months in order."""
    months: dict[tuple[str, str, str], list[Month]] = {}
    for pair in found:
        older, newer = sorted(pair.bills, key=choices.age)
        month = Month(
            older.partition.period.month,
            {each.connection: each.costs for each in (older, newer)},
            tuple(each.connection for each in pair.counted),
        )
        months.setdefault((older.payer, older.connection, newer.connection), []).append(month)
    return tuple(
        Overlap(payer, older, newer, choices.said(payer, (older, newer)), tuple(its))
        for (payer, older, newer), its in sorted(months.items())
    )


def left_out(found: Iterable[Overlap], *, month: str = "") -> dict[str, dict[str, Decimal]]:
    """What is left out of each connection, by currency: of one month, or of all."""
    by_connection: dict[str, list[tuple[str, Decimal]]] = {}
    for overlap in found:
        for each in overlap.months:
            if month in ("", each.month):
                for name in each.costs.keys() - set(each.counted):
                    by_connection.setdefault(name, []).extend(each.costs[name].get(DEFAULT, {}).items())
    return {name: dict(sorted(sums(amounts).items())) for name, amounts in sorted(by_connection.items())}


def _of(costs: Costs, currency: str) -> Decimal:
    return costs.get(DEFAULT, {}).get(currency, Decimal(0))


def _plain(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {currency: plain(amount) for currency, amount in sorted(amounts.items())}
