from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from outlay.aws.inventory.base import Kind, Resource
from outlay.aws.inventory.collecting import Piece, Trouble
from outlay.aws.inventory.kinds import KINDS
from outlay.engine import Engine, Session, open_engine
from outlay.inventory.asking import Change, Seen, Wanted, count_and_list, history, key_of
from outlay.inventory.keeping import Outcome, keep
from outlay.lake import Lake, open_lake
from outlay.lake.resources import Resources
from outlay.settings import Settings

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
BY_NAME: dict[str, Kind] = {kind.name: kind for kind in KINDS}
ACCOUNT, OTHER = "001122334455", "665544332211"


def volume(id: str = "vol-1", *, account: str = ACCOUNT, region: str = "eu-west-1", **changes: Any) -> Resource:
    """Of 30 GiB, made a year ago."""
    arn = f"arn:aws:ec2:{region}:{account}:volume/{id}"
    made = datetime(2025, 11, 1, tzinfo=UTC)
    whole = Resource("ec2-volume", account, region, id, arn, "", "in-use", made, {"team": "web"}, {"gib": 30})
    return replace(whole, **changes)


def piece(*resources: Resource, kind: str = "ec2-volume", region: str = "eu-west-1") -> Piece:
    return Piece(BY_NAME[kind], region, resources)


def refused(kind: str = "ec2-volume", region: str = "eu-west-1") -> Piece:
    trouble = Trouble(kind, region, "ec2:DescribeVolumes", "It may not.", "Allow it.")
    return Piece(BY_NAME[kind], region, None, (trouble,))


@dataclass
class Stock:
    lake: Lake
    engine: Engine

    @property
    def table(self) -> Resources:
        return Resources(self.lake)

    def keep(self, *pieces: Piece, account: str = ACCOUNT, at: datetime = NOW, **more: Any) -> Outcome:
        return keep(self.table, account, pieces, at, **more)

    @contextmanager
    def asking(self) -> Iterator[tuple[Session, Sequence[str]]]:
        with self.engine.asking() as session:
            yield session, self.table.files()

    def there(self, **wanted: Any) -> list[Seen]:
        with self.asking() as (session, files):
            count, found = count_and_list(session, files, Wanted(**wanted))
        assert count >= len(found)
        return found

    def data(self) -> list[str]:
        """The Parquet files of the table that lie in the lake, be they needed or not."""
        return [file.path for file in self.lake.place.list("resources") if file.path.endswith(".parquet")]

    def ids(self, **wanted: Any) -> list[str]:
        return [each.id for each in self.there(**wanted)]

    def changes(self, id: str) -> list[Change]:
        """Of the one resource of that id, the oldest first."""
        with self.asking() as (session, files):
            (found,), changes = history(session, files, id)
        return changes[key_of(found)][::-1]


@pytest.fixture
def stock(tmp_path: Path, outlay_home: Path) -> Iterator[Stock]:
    settings = Settings.read(home=tmp_path / "home of ä", threads=1)
    settings.spool.mkdir(parents=True)
    lake, engine = open_lake(settings), open_engine(settings)
    yield Stock(lake, engine)
    engine.close()
    lake.close()
