"""Which of the months that are live count: those within a connection's bounds, each of a line of connections once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from outlay.period import BillingPeriod

if TYPE_CHECKING:
    from outlay.lake import Partition

T = TypeVar("T")
# Bounds that no month is within.
NOTHING = ("9999-12", "0001-01")


@dataclass(frozen=True)
class Line:
    """Connections that go on with one another: the same bills, the oldest first; each with its first and last month.

    Of any month at most one counts: the one whose turn it is, and where that one does not hold it, the next before it
    that does, or else the next after it. So a change from one to another leaves no month out while the other has
    nothing yet, and counts none twice.
    """

    members: tuple[tuple[str, str, str], ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _, _ in self.members)

    def counting(self, period: BillingPeriod, holding: frozenset[str]) -> str:
        """Whose month it is, of those that hold it; blank when it is outside the bounds of all."""
        turn = next((at for at, (_, *bounds) in enumerate(self.members) if period.is_within(*bounds)), None)
        if turn is None:
            return ""
        names = self.names
        order = (names[turn], *reversed(names[:turn]), *names[turn + 1 :])
        return next((name for name in order if name in holding), "")


def counted(
    live: Mapping[Partition, T], months: Mapping[str, tuple[str, str]], lines: Iterable[Line] = ()
) -> dict[Partition, T]:
    """What of `live` counts. `months` are the bounds of connections; of one in a line those in the line go before."""
    line_of = {name: line for line in lines for name in line.names}
    return {partition: each for partition, each in live.items() if _counts(partition, live, months, line_of)}


def _counts(
    partition: Partition,
    live: Mapping[Partition, T],
    months: Mapping[str, tuple[str, str]],
    line_of: Mapping[str, Line],
) -> bool:
    name, period = partition
    line = line_of.get(name)
    if line is None:
        return period.is_within(*months.get(name, ("", "")))
    # Partitions are pairs: commands that ask for a status do without what reads the lake.
    return line.counting(period, frozenset(each for each in line.names if (each, period) in live)) == name
