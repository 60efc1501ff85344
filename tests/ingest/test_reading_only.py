"""Nothing is ever written to the place of the bills: a whole ingest lists and reads, and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from outlay.storage import Place, open_place
from tests.ingest.bills import CUR_ROW, FOCUS_ROW, put_cur, put_focus
from tests.ingest.world import World, as_csv, point, put_drop, row
from tests.services.s3 import S3

READING = {"ListObjectsV2", "GetObject", "HeadObject"}


def anycost(place: Place) -> Iterator[str]:
    put_drop(place, [row("12")], "d1")
    yield "committed"
    put_drop(place, [row("one dollar")], "d2")
    yield "rejected"
    point(place, "gone")
    yield "rejected"
    put_drop(place, [], "d3")
    yield "committed"


def aws(place: Place) -> Iterator[str]:
    put_cur(place, [CUR_ROW])
    yield "committed"
    put_cur(place, [CUR_ROW, CUR_ROW], "a2")
    yield "committed"


def focus(place: Place) -> Iterator[str]:
    put_focus(place, [FOCUS_ROW])
    yield "committed"


def loose_focus(place: Place) -> Iterator[str]:
    """Looked into to learn its month."""
    place.write("some bill.csv", as_csv([FOCUS_ROW]))
    yield "committed"


@pytest.mark.parametrize(
    ("kind", "bills"), [("anycost", anycost), ("aws", aws), ("focus", focus), ("focus", loose_focus)]
)
def test_an_ingest_only_reads_the_bucket_of_the_bills(
    s3: S3,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    bills: Callable[[Place], Iterator[str]],
) -> None:
    for name, value in s3.environ.items():
        monkeypatch.setenv(name, value)
    world = World(tmp_path / "home", open_place(s3.url("bills/acme")), kind)
    try:
        for outcome in bills(world.place):
            for expected in (outcome, "unchanged"):
                with s3.recorded() as requests:
                    assert world.one().outcome == expected
                assert requests
                assert {request.bucket for request in requests} == {s3.bucket}
                assert {request.method for request in requests} <= {"GET", "HEAD"}
                assert {request.kind for request in requests} <= READING
    finally:
        world.close()
