"""Real processes that commit at once: nothing is lost, nothing counts twice, nobody sees half of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from outlay.errors import Changed
from outlay.lake import Lake, open_lake
from outlay.settings import Settings
from tests.children import children
from tests.lake.deliveries import partition, stage, total

pytestmark = pytest.mark.xdist_group("races")

RACERS = 4
ROUNDS = 4


@dataclass(frozen=True)
class Racer:
    """What a child knows of itself and of the race."""

    settings: Settings
    number: int
    start: Barrier
    said: Any

    @property
    def spool(self) -> Path:
        return self.settings.spool / str(self.number)


class Race:
    """Processes that meet at a barrier; each says at its end what it saw."""

    def __init__(self, settings: Settings, run: Callable[[Racer], None], count: int = RACERS) -> None:
        # Kept here: a child that starts late finds neither when they are collected before.
        self._start, self._said = children.Barrier(count), children.SimpleQueue()
        racers = [Racer(settings, number, self._start, self._said) for number in range(count)]
        self._processes = [children.Process(target=run, args=(racer,)) for racer in racers]
        for process in self._processes:
            process.start()

    @property
    def is_on(self) -> bool:
        return any(process.is_alive() for process in self._processes)

    def end(self) -> list[Any]:
        """What each process said, as soon as all have ended well."""
        for process in self._processes:
            process.join(120)
        assert [process.exitcode for process in self._processes] == [0] * len(self._processes)
        return [self._said.get() for _ in self._processes]


def open_it(racer: Racer) -> None:
    racer.start.wait(60)
    lake = open_lake(racer.settings)
    racer.said.put(str(lake.table().metadata.table_uuid))
    lake.close()


def commit_own_months(racer: Racer) -> None:
    lake = open_lake(racer.settings)
    to = [partition(month, f"racer-{racer.number}") for month in range(1, ROUNDS + 1)]
    staged = [stage(lake, each, "d1", [1, racer.number], racer.spool) for each in to]
    for each, files in zip(to, staged, strict=True):
        racer.start.wait(60)
        lake.replace(each, "d1", files, expected=None)
    racer.said.put(racer.number)
    lake.close()


def commit_same_months(racer: Racer) -> None:
    """Each round two races for a month: while it is empty, and again over the winner's delivery."""
    lake = open_lake(racer.settings)
    won = []
    for month in range(1, ROUNDS + 1):
        to = partition(month)
        for race in ("empty", "over"):
            delivery = f"{race}-{racer.number}"
            files = stage(lake, to, delivery, [racer.number + 1] * 2, racer.spool)
            live = lake.live_of(to)
            racer.start.wait(60)
            try:
                lake.replace(to, delivery, files, expected=live.delivery if live else None)
                won.append((month, race, delivery))
            except Changed:
                pass
            racer.start.wait(60)
    racer.said.put(won)
    lake.close()


def commit_same_delivery(racer: Racer) -> None:
    """As two runs do that both saw the same new delivery: each has staged files of its own for it."""
    lake = open_lake(racer.settings)
    for month in range(1, ROUNDS + 1):
        to = partition(month)
        files = stage(lake, to, "d1", [1, 10], racer.spool)
        racer.start.wait(60)
        lake.replace(to, "d1", files, expected=None)
    racer.said.put(racer.number)
    lake.close()


SUMS = {"small": 1, "large": 1000}
TURNS = 24


def alternate(racer: Racer) -> None:
    """Two deliveries take turns, as when a user reverts back and forth."""
    lake = open_lake(racer.settings)
    to = partition()
    racer.start.wait(60)
    for turn in range(TURNS):
        before, after = ("small", "large") if turn % 2 == 0 else ("large", "small")
        lake.replace(to, after, lake.staged(to, after), expected=before)
    racer.said.put(racer.number)
    lake.close()


def test_processes_that_open_a_new_lake_at_once_share_one_table(settings: Settings) -> None:
    tables = Race(settings, open_it).end()
    assert len(set(tables)) == 1


def test_commits_of_different_periods_at_once_all_land(settings: Settings, lake: Lake) -> None:
    Race(settings, commit_own_months).end()
    live = lake.live()
    wanted = {partition(month, f"racer-{each}"): 1 + each for each in range(RACERS) for month in range(1, ROUNDS + 1)}
    assert {at: total(each.files) for at, each in live.items()} == wanted


def test_of_different_deliveries_for_a_period_one_wins_and_the_others_are_told(settings: Settings, lake: Lake) -> None:
    race = Race(settings, commit_same_months)
    while race.is_on:
        # It raises a Bug when a period holds two deliveries.
        lake.live()
    winners = [winner for won in race.end() for winner in won]
    races = [(month, over) for month in range(1, ROUNDS + 1) for over in ("empty", "over")]
    assert sorted((month, over) for month, over, _ in winners) == races
    live = lake.live()
    for month, over, delivery in winners:
        if over == "over":
            assert live[partition(month)].delivery == delivery
            assert total(live[partition(month)].files) == 2 * (int(delivery.removeprefix("over-")) + 1)
    assert len(live) == ROUNDS


def test_a_delivery_that_two_processes_commit_counts_once(settings: Settings, lake: Lake) -> None:
    Race(settings, commit_same_delivery, count=2).end()
    assert [(each.delivery, each.rows, total(each.files)) for each in lake.live().values()] == [("d1", 2, 11)] * ROUNDS


def test_readers_beside_a_writer_see_whole_deliveries_only(settings: Settings, lake: Lake, tmp_path: Path) -> None:
    to = partition()
    staged = {
        "small": stage(lake, to, "small", [-1, 1, 1], tmp_path / "spool"),
        "large": stage(lake, to, "large", [400, 400, 200], tmp_path / "spool"),
    }
    lake.replace(to, "small", staged["small"], expected=None)
    writer = Race(settings, alternate, count=1)
    seen = set()
    while writer.is_on:
        live = lake.live()[to]
        # What engines of others do: they plan with Iceberg and know nothing of deliveries.
        scanned = lake.table().scan(selected_fields=("BilledCost",)).to_arrow()
        seen |= {total(live.files), sum(each.as_py() for each in scanned["BilledCost"])}
        assert total(live.files) == SUMS[live.delivery]
    writer.end()
    assert seen == set(SUMS.values())
