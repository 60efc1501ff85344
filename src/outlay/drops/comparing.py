"""What differs between two drops of a period: sums by service, and rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from outlay.drops.checking import ITEM, START
from outlay.drops.reading import Contents, Staged, stage
from outlay.drops.shelf import Drop
from outlay.drops.values import added, plain
from outlay.engine.querying import listed, stream
from outlay.settings import Settings
from outlay.storage import Place

_NOTHING = (0, Decimal(0))


@dataclass(frozen=True)
class ByService:
    """Rows and cost of a service in the first drop and in the second; "" are rows that name none."""

    service: str
    rows: tuple[int, int]
    cost: tuple[Decimal, Decimal]

    @property
    def change(self) -> Decimal:
        return added([self.cost[1], self.cost[0].copy_negate()])


@dataclass(frozen=True)
class Difference:
    """From a first drop to a second. `gone` rows are only in the first, `new` ones only in the second, as often as.

    `changed` counts line items (a UTC day and `lineitem/id`) that have both, so something in them is another.
    """

    first: Drop
    second: Drop
    contents: tuple[Contents, Contents]
    gone: int
    new: int
    changed: int

    @property
    def same(self) -> int:
        return self.contents[0].rows - self.gone

    def services(self) -> list[ByService]:
        """Those that differ, the largest change first."""
        one, other = (each.services for each in self.contents)
        found = [
            ByService(name, (before[0], after[0]), (before[1], after[1]))
            for name in {**one, **other}
            if (before := one.get(name, _NOTHING)) != (after := other.get(name, _NOTHING))
        ]
        return sorted(found, key=lambda each: (-abs(each.change), each.service))

    def as_dict(self) -> dict[str, Any]:
        return {
            "period": self.first.period.id,
            "first": _told(self.first, self.contents[0]),
            "second": _told(self.second, self.contents[1]),
            "rows": {"same": self.same, "gone": self.gone, "new": self.new},
            "changed_items": self.changed,
            "services": [
                {
                    "service": each.service or None,
                    "rows": list(each.rows),
                    "cost": [plain(amount) for amount in each.cost],
                    "change": plain(each.change),
                }
                for each in self.services()
            ],
        }


def _told(drop: Drop, contents: Contents) -> dict[str, Any]:
    sums = {name: plain(amount) for name, amount in contents.sums.items()}
    return {"drop_id": drop.id, "rows": contents.rows, "sums": sums}


def compare(place: Place, first: Drop, second: Drop, settings: Settings, scratch: Path) -> Difference:
    """Raises DeliveryError for a drop that an ingest would reject, and Changed for one that goes meanwhile."""
    columns: list[str] = []
    staged = [Staged(scratch / name, columns) for name in ("first", "second")]
    one = stage(place, first, settings, scratch, staged[0])
    other = stage(place, second, settings, scratch, staged[1])
    counts = next(_counts(staged, columns, scratch, settings), (0, 0, 0))
    return Difference(first, second, (one, other), *counts)


def _counts(
    staged: list[Staged], columns: list[str], scratch: Path, settings: Settings
) -> Iterator[tuple[int, int, int]]:
    sides = [
        f"SELECT {sign} AS sign, * FROM read_parquet({listed(each.files)}, union_by_name = true)"  # noqa: S608
        for sign, each in zip((-1, 1), staged, strict=True)
        if each.files
    ]
    if not sides:
        return
    own = [f"c{number}" for number in range(len(columns))]
    item = f"c{columns.index(ITEM)}" if ITEM in columns else "NULL"
    # By the hash of a row, as that is all that has to be held of each.
    query = f"""
        WITH rows AS ({" UNION ALL BY NAME ".join(sides)}),
        net AS (
            SELECT md5_number(json_array({", ".join(own)})::VARCHAR) AS hash, sum(sign)::BIGINT AS n,
                any_value(left(c{columns.index(START)}, 10)) AS day, any_value({item}) AS item
            FROM rows GROUP BY hash HAVING n <> 0
        ),
        items AS (
            SELECT bool_or(n < 0) AND bool_or(n > 0) AS is_changed FROM net WHERE item IS NOT NULL GROUP BY day, item
        )
        SELECT coalesce(sum(-n) FILTER (n < 0), 0)::BIGINT AS gone, coalesce(sum(n) FILTER (n > 0), 0)::BIGINT AS new,
            (SELECT count(*) FROM items WHERE is_changed)::BIGINT AS changed
        FROM net
    """  # noqa: S608 - columns and files of its own naming
    for batch in stream(query, scratch, threads=settings.threads):
        for row in batch.to_pylist():
            yield row["gone"], row["new"], row["changed"]
