"""Every way in which a bill can lie, brought in from a folder and a real S3 API: a first delivery and the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest

from outlay.demo import (
    AWS_FOCUS,
    FERNWICK,
    LOFTLINE,
    NORDLICHT,
    anycost_month,
    aws_month,
    focus_month,
    write_aws_focus,
    write_cur2,
    write_drop,
    write_focus_folder,
    write_legacy_cur,
)
from outlay.demo.files import Row
from outlay.demo.ledger import billed
from outlay.storage import open_place
from tests.ingest.world import MAY, World
from tests.services.s3 import S3

PREFIX = "billing/bills"


@dataclass(frozen=True)
class Variant:
    """How to make a month's rows, how to lay them down, and how to add them up without Outlay."""

    kind: str
    rows: Callable[[], list[Row]]
    write: Callable[[Path, list[Row], int], object]
    total: Callable[[list[Row]], Decimal]
    currency: str = "USD"


def _cbf_total(rows: list[Row]) -> Decimal:
    return sum((Decimal(str(row["cost/cost"])) for row in rows), Decimal(0))


def _aws_total(rows: list[Row]) -> Decimal:
    return sum((billed(row) for row in rows), Decimal(0))


def _focus_total(rows: list[Row]) -> Decimal:
    return sum((Decimal(str(row["BilledCost"])) for row in rows), Decimal(0))


def _aws(writer: Callable[..., object], provider: Callable[[], list[Row]], **how: str) -> Variant:
    """An export named `daily`; `how` tells its writer what sets the variant apart, such as its compression."""

    def write(directory: Path, rows: list[Row], number: int) -> object:
        # The next delivery has fewer parts: in overwrite mode a stale one stays behind.
        return writer(directory, rows, prefix=PREFIX, period=MAY, parts=3 - number, **how)

    return Variant("aws", provider, write, _focus_total if writer is write_aws_focus else _aws_total)


def _legacy(**how: str) -> Variant:
    return _aws(write_legacy_cur, lambda: aws_month(FERNWICK, MAY), report="daily", **how)


def _cur2(**how: str) -> Variant:
    return _aws(write_cur2, lambda: aws_month(LOFTLINE, MAY), export="daily", **how)


def _aws_focus(**how: str) -> Variant:
    return _aws(write_aws_focus, lambda: focus_month(AWS_FOCUS, MAY), export="daily", **how)


def _drop(directory: Path, rows: list[Row], number: int) -> object:
    return write_drop(directory / PREFIX, rows, period=MAY, drop_id=f"drop-{number}", parts=3 - number)


def _folder(directory: Path, rows: list[Row], number: int) -> object:
    return write_focus_folder(directory / PREFIX, rows, name="bill", period=MAY)


VARIANTS: dict[str, Variant] = {
    "AnyCost drop": Variant("anycost", lambda: anycost_month(MAY), _drop, _cbf_total),
    "FOCUS folder": Variant("focus", lambda: focus_month(NORDLICHT, MAY), _folder, _focus_total, "EUR"),
    **{
        f"legacy CUR, {compression}, {versioning}": _legacy(compression=compression, versioning=versioning)
        for compression in ("gzip", "zip", "none", "parquet")
        for versioning in ("overwrite", "new")
    },
    **{
        f"CUR 2.0, {compression}, {versioning}": _cur2(compression=compression, versioning=versioning)
        for compression in ("gzip", "parquet")
        for versioning in ("overwrite", "new")
    },
    **{
        f"FOCUS {version} export, {compression}, {versioning}": _aws_focus(
            version=version, compression=compression, versioning=versioning
        )
        for version in ("1.0", "1.2")
        for compression in ("gzip", "parquet")
        for versioning in ("overwrite", "new")
    },
}


@dataclass(frozen=True)
class Shelf:
    """Where the variant lies: `publish` brings what was written in the folder to where it is read."""

    folder: Path
    url: str
    publish: Callable[[], None]


@pytest.fixture(params=["folder", "s3"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    folder = tmp_path / "bucket"
    (folder / PREFIX).mkdir(parents=True)
    if request.param == "folder":
        yield Shelf(folder, str(folder / PREFIX), lambda: None)
        return
    s3: S3 = request.getfixturevalue("s3")
    for name, value in s3.environ.items():
        monkeypatch.setenv(name, value)

    def publish() -> None:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                s3.put(path.relative_to(folder).as_posix(), path.read_bytes())

    yield Shelf(folder, s3.url(PREFIX), publish)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_bill_comes_in_to_the_cent_and_its_next_delivery_replaces_it(name: str, shelf: Shelf, tmp_path: Path) -> None:
    variant = VARIANTS[name]
    rows = variant.rows()
    # The first delivery of a month lacks what comes later; leaving out usage keeps negations and their usage together.
    first = [row for number, row in enumerate(rows) if number % 7 or not _is_plain_usage(row)]
    world: World | None = None
    for number, delivered in enumerate((first, rows)):
        variant.write(shelf.folder, delivered, number)
        shelf.publish()
        if world is None:
            world = World(tmp_path / "home", open_place(shelf.url), variant.kind)
            world.source = replace(world.source, currency=variant.currency)
        result = next(each for each in world.check() if each.period == MAY)
        assert result.outcome == "committed", result.findings
        assert result.reconciliation is not None
        assert result.reconciliation.holds
        assert result.reconciliation.rows_in == len(delivered)
        assert world.total() == variant.total(delivered)
        assert {each.outcome for each in world.check()} == {"unchanged"}
    assert world is not None
    world.close()


def _is_plain_usage(row: Row) -> bool:
    kind = row.get("line_item_line_item_type") or row.get("lineitem/type") or row.get("ChargeCategory")
    return kind == "Usage"
