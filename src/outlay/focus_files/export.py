"""The lake's charges as FOCUS datasets, one file per billing period and connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from outlay.errors import UsageError
from outlay.focus.columns import DECIMAL, MAP, TIME, VERSIONS, Column, of_version
from outlay.focus_files import values as focus_values
from outlay.period import BillingPeriod

FileFormat = Literal["parquet", "csv"]
_END_ZEROS = r"\.?0+$"


class Engine(Protocol):
    """What an export needs of the engine that holds the lake's charges; see `engine.base.Engine`."""

    def prepare(self, table: ir.Table) -> Any: ...

    def rows(self, query: Any) -> list[dict[str, Any]]: ...

    def write_file(self, table: ir.Table, path: Path, format: str) -> None: ...


@ibis.udf.scalar.builtin(name="to_json")  # type: ignore[untyped-decorator]
def _to_json(entries: dt.Map[str, str]) -> dt.JSON: ...


def check_version(version: str) -> None:
    if version not in VERSIONS:
        raise UsageError(f"There is no FOCUS {version}.", next=f"Choose one of {', '.join(VERSIONS)}.")


def focus_dataset(charges: ir.Table, version: str) -> ir.Table:
    """The columns of one FOCUS version, in alphabetical order, with values as FOCUS wants them.

    Decimals and times keep their types; key-value columns are JSON text. Raises UsageError for an unknown version.
    """
    check_version(version)
    filled = focus_values.apply(charges)
    return filled.select(*(_typed(filled, column) for column in of_version(version)))


def _typed(table: ir.Table, column: Column) -> ir.Value:
    value = table[column.name]
    return (_json(value) if column.type == MAP else value).name(column.name)


def _json(value: ir.MapValue) -> ir.StringValue:
    return ibis.cases((value.length() > 0, _to_json(value).cast("string")))


def as_text(dataset: ir.Table) -> ir.Table:
    """The same for a CSV file: times as FOCUS writes them, decimals without the zeros that only fill places."""
    write: dict[str, Callable[[Any], ir.StringValue]] = {
        DECIMAL: lambda value: value.cast("string").re_replace(_END_ZEROS, ""),
        # Letters between the fields mean something to Spark.
        TIME: lambda value: value.strftime("%Y-%m-%d") + "T" + value.strftime("%H:%M:%S") + "Z",
    }
    texts = {name: write[str(type_)](dataset[name]) for name, type_ in dataset.schema().items() if str(type_) in write}
    return dataset.mutate(**texts)


def export(charges: ir.Table, engine: Engine, version: str, format: FileFormat, directory: Path) -> list[Path]:
    """Write `<directory>/<YYYY-MM>/<connection>.<format>` for each period and connection; returns the files.

    A folder of FOCUS files is what Outlay itself can read. Files of the same names are replaced, each in one step.
    """
    check_version(version)
    names = ("x_BillingPeriod", "x_Connection")
    return [
        _write(engine, focus_dataset(_part(charges, part), version), format, directory / _path(part, format))
        for part in engine.rows(engine.prepare(charges.select(*names).distinct().order_by(*names)))
    ]


def _part(charges: ir.Table, part: Mapping[str, Any]) -> ir.Table:
    return charges.filter(*(charges[name] == value for name, value in part.items()))


def _path(part: Mapping[str, Any], format: FileFormat) -> str:
    return f"{BillingPeriod.parse(part['x_BillingPeriod']).month}/{part['x_Connection']}.{format}"


def _write(engine: Engine, dataset: ir.Table, format: FileFormat, path: Path) -> Path:
    """Beside its place first, so that whoever reads the folder never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        engine.write_file(as_text(dataset) if format == "csv" else dataset, unfinished, format)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path
