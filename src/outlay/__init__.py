"""Outlay: every cloud bill in one open lake, proved to the cent.

import outlay

with outlay.open() as o:
    o.costs(by=["ServiceName"], granularity="month").to_pandas()
    o.charges  # the Ibis table

outlay.publish(rows, to="s3://bucket/simple-cloud", period="2026-05")
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from outlay.app import Outlay
    from outlay.drops import Mode, Observer, Publication, Unknown
    from outlay.period import BillingPeriod
    from outlay.storage import Place

__version__ = "0.1.0"


def open(**settings: Any) -> Outlay:
    """Open the installation that the environment names; keyword arguments override single settings, such as `home`."""
    from outlay.app import Outlay
    from outlay.settings import Settings

    return Outlay(Settings.read(**settings))


def publish(
    rows: Any,
    to: str | Place,
    period: str | BillingPeriod | None = None,
    drop_id: str | None = None,
    *,
    mode: Mode = "replace",
    key: Sequence[str] = ("day", "lineitem/id"),
    floats: bool = False,
    unknown: Unknown = "refuse",
    observer: Observer | None = None,
) -> Publication:
    """Publish rows in CBF as an AnyCost drop: checked, split, compressed, uploaded, verified, and then made current.

    `rows` is an iterable of mappings, a table of pandas, Polars or Arrow (or a reader of record batches), the path of a
    CSV or Parquet file or of a folder of them, a list of such paths, a DuckDB relation, `outlay.drops.Sql("select …")`,
    or a database cursor. Its columns are those of CBF, such as `time/usage_start` and `cost/cost`. It is read once, as
    a stream: memory is bounded, whatever the size.

    `to` is `s3://bucket/path`, `az://…`, `gs://…` or a folder, which is made. `period` is a month such as `2026-05`,
    and rows of other months are an error then; without it each row goes to the month of its `time/usage_start` in UTC.
    Every month has a drop and a commit of its own: all are uploaded before the first becomes current, and when one
    cannot become current the others do, and PartlyPublished tells of both.

    `mode` "replace" makes the rows the whole month. "append" carries the rows of the current drop over, but for those
    with the `key` of a new row; `day` and `hour` in it are those of `time/usage_start` in UTC.

    Amounts are Decimal, int or text. Floats are refused, as binary fractions are no money; `floats=True` takes those in
    number columns by their shortest decimal text. `unknown` columns are an error, unless "drop" or "keep" says
    otherwise. A time without a zone is UTC.

    Raises DeliveryError with findings for rows that a reader would reject, before anything is uploaded; Overtaken when
    somebody else published the month meanwhile; UsageError, AccessError, SetupError and DiskFull. Whatever it raises,
    what was current stays current.
    """
    from outlay.drops import open_drops

    return open_drops(to, create=True).publish(
        rows,
        period,
        drop_id=drop_id,
        mode=mode,
        key=key,
        floats=floats,
        unknown=unknown,
        observer=observer,
    )
