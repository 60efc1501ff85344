"""For tests of an adaptor: its periods and rows are read as a run reads them, published into a folder, and published
again, as a run that is repeated must count nothing twice.

    def test_the_gateway_gives_a_bill(tmp_path):
        tried = try_out(Gateway(), tmp_path)
        assert tried.months["2026-10"].cost == Decimal("31.40")
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from outlay.adaptor.adaptor import Adaptor
from outlay.adaptor.state import State
from outlay.drops.drops import open_drops
from outlay.drops.reading import Contents
from outlay.period import BillingPeriod
from outlay.settings import Settings


@dataclass(frozen=True)
class Tried:
    """What an adaptor published, by month such as `2026-10`: rows, sums, services and columns as they lie there."""

    months: dict[str, Contents]
    location: Path

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self.months.values())

    @property
    def cost(self) -> Decimal:
        return sum((each.cost for each in self.months.values()), Decimal(0))


def try_out(adaptor: Adaptor, folder: Path) -> Tried:
    """Run an adaptor into a folder, twice. Its own target, home and state are left alone; nothing is waited for.

    Raises AssertionError when the second run gives other rows or sums than the first, or no period is given; and what
    the run raises: DeliveryError with findings for rows that no reader would take.
    """
    one, other = folder / "once", folder / "twice"
    settings = replace(adaptor.settings, home=folder / "home", spool=folder / "spool")
    first = _published(adaptor, one, settings, times=1)
    if not first:
        raise AssertionError(f"{adaptor.name} gives no period: periods() is empty.")
    second = _published(adaptor, other, settings, times=2)
    for month, before in first.items():
        after = second[month]
        if (before.rows, before.sums) != (after.rows, after.sums):
            raise AssertionError(
                f"{month} of {adaptor.name} has {before.rows} rows and {_shown(before)} after one run, but "
                f"{after.rows} rows and {_shown(after)} after two: what comes again has to have the same key, "
                f"{', '.join(adaptor.key)}, and rows(period) has to give the whole period with mode replace."
            )
    return Tried(first, one)


def _published(adaptor: Adaptor, folder: Path, settings: Settings, *, times: int) -> dict[str, Contents]:
    """What lies in the folder after so many runs."""
    was = dict(vars(adaptor))
    lent: dict[str, object] = {
        "to": str(folder),
        "settings": settings,
        "credentials": None,
        "retries": replace(adaptor.retries, pause=lambda seconds: None),
        "state": State(folder / "state.json", str(folder)),
    }
    vars(adaptor).update(lent)
    try:
        periods: set[BillingPeriod | None] = set()
        for _ in range(times):
            periods |= {outcome.period for outcome in adaptor.run(again=True).outcomes}
    finally:
        for name in lent:
            vars(adaptor).pop(name)
        vars(adaptor).update({name: was[name] for name in lent if name in was})
    drops = open_drops(str(folder), settings=settings) if periods else None
    found = {each.month: drops.show(each).contents for each in sorted(filter(None, periods))} if drops else {}
    return {month: contents for month, contents in found.items() if contents is not None}


def _shown(contents: Contents) -> str:
    return ", ".join(f"{name} {amount:f}" for name, amount in contents.sums.items())
