"""Loose FOCUS files belong to the months that their rows name."""

from __future__ import annotations

from pathlib import Path

import pytest

from outlay.period import BillingPeriod
from outlay.storage import open_place
from tests.ingest.bills import FOCUS_ROW
from tests.ingest.world import MAY, World, as_csv


@pytest.mark.parametrize("spelling", [str, str.lower])
def test_a_loose_file_comes_in_under_its_month_however_its_columns_are_spelled(tmp_path: Path, spelling: type) -> None:
    world = World(tmp_path / "home", open_place(str(tmp_path / "bills"), create=True), "focus")
    try:
        world.place.write("some bill.csv", as_csv([{spelling(name): value for name, value in FOCUS_ROW.items()}]))
        result = world.one()
        assert (result.outcome, result.period) == ("committed", MAY)
    finally:
        world.close()


def test_a_loose_file_that_is_not_focus_is_told_under_the_month_it_was_changed_in(tmp_path: Path) -> None:
    world = World(tmp_path / "home", open_place(str(tmp_path / "bills"), create=True), "focus")
    try:
        world.place.write("a.csv", b"a,b\n1,2\n")
        (file,) = world.place.list()
        result = world.one()
        assert (result.outcome, result.period) == ("rejected", BillingPeriod.of(file.modified))
        assert "column-missing" in result.counts
    finally:
        world.close()
