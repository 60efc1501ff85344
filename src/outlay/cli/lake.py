"""`outlay lake where`, `outlay lake tidy` and `outlay lake roll-up`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from cyclopts import Parameter

import outlay
from outlay.cli.options import Json
from outlay.cli.output import count, facts, print_json, say
from outlay.errors import UsageError

CATALOG, TABLE = "outlay", "outlay.charges"


def where(*, json: Json = False) -> None:
    """Say where the charges lie, and how other engines read them.

    For example:

    outlay lake where
    """
    from outlay.lake import described

    with outlay.open() as o:
        catalog = described(o.settings)
        metadata = o.lake.table().metadata_location
        location = str(o.lake.place.location)
    if json:
        print_json(
            {"location": location, "catalog": {"name": CATALOG, **catalog}, "table": TABLE, "metadata": metadata}
        )
        return
    facts([("location", location), ("catalog", catalog.get("uri", catalog["type"])), ("table", TABLE)])
    say()
    say("The table is Apache Iceberg: any engine that knows the catalog reads it, such as Python:")
    say()
    say("  from pyiceberg.catalog import load_catalog")
    say("  catalog = load_catalog(")
    say(f"      {CATALOG!r},")
    for name, value in catalog.items():
        say(f"      {name}={value!r},")
    say("  )")
    say(f"  catalog.load_table('{TABLE}').scan().to_pandas()")
    say()
    say("Others read the table as it is now by its newest metadata file, such as DuckDB with its iceberg extension:")
    say()
    say(f"  SELECT * FROM iceberg_scan('{metadata}')")  # noqa: S608 - shown, not run


def tidy(
    *,
    older_than: Annotated[
        float, Parameter("--older-than", metavar="HOURS", help="Leave alone what is younger.", show_default=True)
    ] = 24,
    json: Json = False,
) -> None:
    """Expire old snapshots, and remove files that no snapshot and no revert needs.

    Kept are the last 3 deliveries of a period, the last of each of the past 7 days, and the first one that was final.

    For example:

    outlay lake tidy --older-than 48
    """
    if not 0 <= older_than <= 1_000_000:
        raise UsageError(f"{older_than} is no age in hours.", next="Give a number such as 24.")
    with outlay.open() as o:
        done = o.tidy(grace=timedelta(hours=older_than))
    if json:
        print_json(
            {
                "snapshots_expired": done.snapshots_expired,
                "deliveries_removed": [
                    {"connection": partition.connection, "period": partition.period.id, "delivery": delivery}
                    for partition, delivery in done.deliveries_removed
                ],
                "files_removed": done.files_removed,
                "bytes_removed": done.bytes_removed,
                "bytes_kept": done.kept_bytes,
            }
        )
        return
    removed = f"{count(len(done.deliveries_removed), 'delivery', 'deliveries')}, {count(done.files_removed, 'file')}"
    say(f"{count(done.snapshots_expired, 'snapshot')} expired; {removed} and {_size(done.bytes_removed)} removed.")
    say(f"The lake takes {_size(done.kept_bytes)} now.")


def roll_up(*, json: Json = False) -> None:
    """Make the roll-ups that are missing, from which questions about many charges are answered sooner.

    A worker makes them when it has brought a bill in; without one they are made here.

    For example:

    outlay lake roll-up
    """
    with outlay.open() as o:
        done = list(o.roll_up())
    if json:
        print_json([{"connection": connection, "period": period.id} for connection, period in done])
        return
    for connection, period in done:
        say(f"{connection} {period.month}")
    say(f"Roll-ups of {count(len(done), 'billing period')} made.")


def _size(number: int) -> str:
    for unit, size in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if number >= size:
            return f"{number / size:,.1f} {unit}"
    return count(number, "byte")
