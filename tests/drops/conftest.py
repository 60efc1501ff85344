from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from outlay.drops.drops import Drops, open_drops
from outlay.settings import Settings
from outlay.storage import Place, open_place
from tests.layouts.conftest import azure_shelf, folder_shelf, s3_shelf, shelf
from tests.layouts.shelf import Shelf

__all__ = ["azure_shelf", "folder_shelf", "s3_shelf", "shelf"]


@dataclass
class Clock:
    """Stands still, so that drops of one test have the ids that it names."""

    at: datetime = field(default_factory=lambda: datetime(2026, 5, 19, 15, 45, 16, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.at

    def on(self, **delta: float) -> None:
        self.at += timedelta(**delta)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings(outlay_home: Path) -> Settings:
    return Settings.read(threads=2)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return open_place(str(tmp_path / "drops"), create=True)


@pytest.fixture
def drops(place: Place, settings: Settings, clock: Clock) -> Drops:
    """In a folder."""
    return open_drops(place, settings=settings, now=clock)


@pytest.fixture
def anywhere(shelf: Shelf, settings: Settings, clock: Clock) -> Drops:
    """In a folder, on S3 and on Azure."""
    return open_drops(shelf.place, settings=settings, now=clock)


@pytest.fixture
def a_second_at_a_time(drops: Drops) -> Callable[[], Drops]:
    """The same drops, later."""
    moment = datetime(2026, 5, 20, tzinfo=UTC)

    def later() -> Drops:
        nonlocal moment
        moment += timedelta(seconds=1)
        return replace(drops, now=lambda: moment)

    return later
