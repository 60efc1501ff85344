"""Roll-ups: the sums of one delivery's charges by fewer columns, from which most questions are answered.

They lie as Parquet in the lake, under the delivery they are made of, and are read only while that delivery is live: so
they can be missing or of no use, but never disagree with the charges. Sums are exact decimals, and a roll-up looks like
charges to `outlay.costs.query`: the same question gives the same answer to the last digit.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import ibis
import ibis.expr.types as ir

from outlay.costs.metrics import CURRENCY, METRICS, REAL, is_real
from outlay.costs.names import MAPS, Name
from outlay.costs.query import DAY, column, seconds_of
from outlay.engine import Engine
from outlay.errors import OutlayError
from outlay.focus.columns import BY_NAME, COSTS, DECIMAL, TEXT
from outlay.lake import Lake, Live, Partition
from outlay.storage.spool import spool

VERSION = 1
# Fewer charges than this are added up as quickly as their roll-ups would be.
SMALLEST = 20_000
# Keys of each map that get roll-ups, those on most charges; and those that are remembered at all.
MOST_KEYS = 20
MOST_KNOWN = 1_000
_DAY_SECONDS = 86400
# Charges that a sum of a month must hold on average, for those of a day to hold two or so.
REPEATS = 60
_log = logging.getLogger(__name__)

DAILY, MONTHLY = "day", "month"
QUANTITY = METRICS["quantity"]
SUMS = (*COSTS, QUANTITY.amount, REAL)

# Every roll-up has these: what a charge is added up with, and what nearly every question filters by.
ALWAYS = ("x_Connection", "x_BillingPeriod", "x_Delivery", CURRENCY, QUANTITY.unit, "ChargeCategory")
PROVIDER = ("ServiceProviderName", "HostProviderName", "ProviderName", "PublisherName", "InvoiceIssuerName")
SERVICE = ("ServiceName", "ServiceCategory", "ServiceSubcategory", "BillingAccountId", "BillingAccountName", *PROVIDER)
ACCOUNT = ("SubAccountId", "SubAccountName")
REGION = ("RegionId", "RegionName")
KIND_OF_CHARGE = ("ChargeClass", "ChargeFrequency", "PricingCategory", "CommitmentDiscountStatus")
RESOURCE = ("ResourceId", "ResourceName", "ResourceType")


@dataclass(frozen=True)
class Kind:
    """One sort of roll-up. `columns` are names as a question says them, besides those of `ALWAYS`."""

    name: str
    grain: str
    columns: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return (*ALWAYS, *self.columns)

    @property
    def schema(self) -> ibis.Schema:
        days = {DAY: "int64"} if self.grain == DAILY else {}
        texts = {name: BY_NAME[name].type if name in BY_NAME else TEXT for name in self.names}
        return ibis.schema({**texts, **days, **dict.fromkeys(SUMS, DECIMAL)})


USUAL = Kind("usual", DAILY, (*SERVICE, *ACCOUNT, *REGION, *KIND_OF_CHARGE))
MONTHS = Kind("months", MONTHLY, USUAL.columns)
# By fewer of the usual columns.
OF_USUAL = (
    Kind("services", DAILY, SERVICE),
    Kind("accounts", DAILY, (*SERVICE, *ACCOUNT)),
    Kind("regions", DAILY, (*SERVICE, *REGION)),
)
RESOURCES = Kind("resources", MONTHLY, (*SERVICE, *ACCOUNT, *REGION, *RESOURCE))


def of_key(number: int, name: str) -> Kind:
    """The roll-up of one key, such as `Tags.team`."""
    return Kind(f"key-{number:02}", DAILY, ("ServiceName", "ServiceCategory", *PROVIDER, name))


@dataclass(frozen=True)
class Rolled:
    """One roll-up of one delivery, as it lies in the lake."""

    kind: Kind
    rows: int
    address: str


@dataclass(frozen=True)
class Rollups:
    """All that a delivery has. `keys` are those of each map with how many charges have them.

    `knows_keys` names the maps whose every key is in `keys`.
    """

    tables: tuple[Rolled, ...] = ()
    keys: Mapping[str, Mapping[str, int]] | None = None
    knows_keys: frozenset[str] = frozenset()

    def lacks(self, name: Name) -> bool:
        """Is it certain that no charge has this key?"""
        known = name.key is not None and name.column.name in self.knows_keys
        return known and name.key not in (self.keys or {}).get(name.column.name, {})


def find(lake: Lake, partition: Partition, delivery: str) -> Rollups | None:
    """The roll-ups of a delivery; None when there are none, or those of another version of Outlay."""
    note = lake.rollups(partition, delivery)
    if note is None or note.get("version") != VERSION:
        return None
    tables = tuple(
        Rolled(Kind(told["name"], told["grain"], tuple(told["columns"])), told["rows"], address)
        for told, address in zip(note["tables"], note["files"], strict=True)
    )
    return Rollups(tables, note["keys"], frozenset(note["knows_keys"]))


@dataclass(frozen=True)
class Builder:
    """Makes the roll-ups of a partition. A partition of fewer than `smallest` charges gets none."""

    lake: Lake
    engine: Engine
    spool: Path
    smallest: int = SMALLEST
    repeats: int = REPEATS

    def build(self, partition: Partition) -> bool:
        """Make those of the delivery that is live, unless they are there. Was there anything to do?

        Raises what reading the lake and writing to it raise.
        """
        live = self.lake.seen().live.get(partition)
        if live is None or live.rows < self.smallest or find(self.lake, partition, live.delivery):
            return False
        with spool(self.spool, f"rollups-{partition.connection}-{partition.period.id}") as folder:
            self._make(partition, live, folder)
        return True

    def build_missing(self) -> Iterator[Partition]:
        """Make every roll-up that the lake lacks, one after another. Gives the partitions that got theirs.

        One that fails is logged and passed over: the charges answer in its stead.
        """
        for partition in sorted(self.lake.seen().live, reverse=True, key=lambda each: each.period):
            if self.try_build(partition):
                yield partition

    def try_build(self, partition: Partition) -> bool:
        """As `build`, but a failure is only logged."""
        try:
            return self.build(partition)
        except OutlayError as error:
            _log.warning("No roll-ups of %s %s: %s", partition.connection, partition.period.month, error)
            return False

    def _make(self, partition: Partition, live: Live, folder: Path) -> None:
        charges = self.engine.charges(live.files)
        known = {name: self._keys(charges, name) for name in MAPS}
        made = [*self._usual(charges, live.rows, folder), self._write(RESOURCES, charges, folder, by=("ResourceId",))]
        names = [f"{map_}.{key}" for map_, keys in known.items() for key in list(keys)[:MOST_KEYS]]
        made += [self._write(of_key(number, name), charges, folder) for number, name in enumerate(names)]
        kept = [(kind, rows, path) for kind, rows, path in made if rows * 2 <= live.rows or rows < self.smallest]
        note = {
            "version": VERSION,
            "tables": [
                {"name": kind.name, "grain": kind.grain, "columns": kind.columns, "rows": rows}
                for kind, rows, _ in kept
            ],
            "keys": known,
            "knows_keys": [name for name, keys in known.items() if len(keys) < MOST_KNOWN],
        }
        self.lake.keep_rollups(partition, live.delivery, [path for _, _, path in kept], note)

    def _usual(self, charges: ir.Table, count: int, folder: Path) -> Iterator[tuple[Kind, int, Path]]:
        months = self._write(MONTHS, charges, folder)
        yield months
        source = charges
        # By day there are up to 31 times as many sums: of few charges each, they would be of no use.
        if months[1] * self.repeats <= count:
            usual = self._write(USUAL, charges, folder)
            yield usual
            source = self.engine.charges([str(usual[2])])
        for kind in OF_USUAL:
            yield self._write(kind, source, folder)

    def _write(self, kind: Kind, table: ir.Table, folder: Path, by: Sequence[str] = ()) -> tuple[Kind, int, Path]:
        path = folder / f"{kind.name}.parquet"
        rolled = rolled_up(table, kind)
        self.engine.write_file(rolled.order_by(*by) if by else rolled, path, "parquet")
        written = self.engine.charges([str(path)])
        (found,) = self.engine.rows(self.engine.prepare(written.agg(rows=written.count())))
        return kind, int(found["rows"]), path

    def _keys(self, charges: ir.Table, name: str) -> dict[str, int]:
        """The keys of a map, those on most charges first."""
        rows = self.engine.rows(self.engine.prepare(keys(charges, name, MOST_KNOWN)))
        return {row["key"]: row["charges"] for row in sorted(rows, key=lambda row: (-row["charges"], row["key"]))}


def rolled_up(table: ir.Table, kind: Kind) -> ir.Table:
    """The sums of charges, or of a roll-up that has all of `kind`'s columns."""
    columns: dict[str, ir.Value] = {name: column(table, Name.parse(name)) for name in kind.names}
    if kind.grain == DAILY:
        columns[DAY] = table[DAY] if DAY in table.columns else seconds_of(table.ChargePeriodStart) // _DAY_SECONDS
    amounts = {name: _amount(table, name) for name in SUMS}
    rows = table.select(**columns, **amounts)
    return rows.group_by(list(columns)).agg(**{name: rows[name].sum().cast(DECIMAL) for name in SUMS})


def _amount(table: ir.Table, name: str) -> ir.Value:
    """Null where the charge does not count, so that a sum of none is null and no zero."""
    if name != REAL or REAL in table.columns:
        return table[name]
    return ibis.cases((is_real(table), table[METRICS[REAL].amount]))


def keys(charges: ir.Table, name: str, limit: int) -> ir.Table:
    """The keys that stand in a map, and on how many charges."""
    each = charges.select(key=charges[name].keys().unnest())
    counted = each.group_by("key").agg(charges=each.count())
    return counted.order_by(counted.charges.desc(), counted.key).limit(limit)


def added(many: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Counts by key, those of all partitions together."""
    found: dict[str, int] = {}
    for each in many:
        for key, count in each.items():
            found[key] = found.get(key, 0) + count
    return found


__all__ = ["Builder", "Kind", "Rolled", "Rollups", "added", "find", "keys", "rolled_up"]
