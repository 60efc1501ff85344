"""`outlay sql`."""

from __future__ import annotations

import csv
import math
import sys
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

import outlay
from outlay.cli.options import HowToPrint, Json, chosen
from outlay.cli.output import Column, count, print_json, say, table
from outlay.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

_SHOWN_ROWS = 200


def sql(
    query: Annotated[
        str | None, Parameter(help="One SELECT over charges, in DuckDB's SQL; without it, it is read from stdin.")
    ] = None,
    /,
    *,
    format: HowToPrint = None,
    json: Json = False,
) -> None:
    """Ask the lake in SQL, read-only.

    Only the charges can be read: no file, no network and no setting is within reach. Amounts are exact decimals, in
    JSON as text.

    For example:

    outlay sql "select ServiceName, sum(BilledCost) as billed from charges group by 1 order by 2 desc"
    outlay sql "describe charges"
    """
    how = chosen(format, json)
    with outlay.open() as o:
        answer = o.sql(_typed() if query is None else query)
    if how == "json":
        names = _distinct(answer.column_names)
        print_json([dict(zip(names, map(_plain, row), strict=True)) for row in _rows(answer)])
    elif how == "csv":
        _write_csv(answer)
    else:
        _show(answer)


def _typed() -> str:
    """Raises UsageError at a terminal, where nobody may know that something is waited for."""
    if sys.stdin.isatty():
        raise UsageError("There is no query.", next='Write it in quotes: outlay sql "select count(*) from charges".')
    return sys.stdin.read()


def _rows(answer: pa.Table) -> list[tuple[Any, ...]]:
    """Column by column, as two columns may have one name."""
    columns = [column.to_pylist() for column in answer.columns]
    return list(zip(*columns, strict=True)) if columns else []


def _distinct(names: list[str]) -> list[str]:
    """JSON has no two keys of one name: the second `a` is `a_2`."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return found


def _show(answer: pa.Table) -> None:
    import pyarrow as pa

    columns = [
        Column(
            field.name,
            pa.types.is_decimal(field.type) or pa.types.is_integer(field.type) or pa.types.is_floating(field.type),
        )
        for field in answer.schema
    ]
    table(columns, [[_text(value) for value in row] for row in _rows(answer.slice(0, _SHOWN_ROWS))])
    more = answer.num_rows - _SHOWN_ROWS
    say(f"{count(answer.num_rows, 'row')}." if more <= 0 else f"… and {count(more, 'more row', 'more rows')}.")
    if more > 0:
        say("next: Add a LIMIT, or take all of them with --format csv or json.")


def _write_csv(answer: pa.Table) -> None:
    from outlay.costs.answer import harmless

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([harmless(name) for name in answer.column_names])
    for row in _rows(answer):
        writer.writerow(["" if value is None else _csv_cell(value, harmless) for value in row])


def _csv_cell(value: Any, harmless: Any) -> str:
    shown = _text(value) or ""
    return shown if isinstance(value, Decimal | int | float) else str(harmless(shown))


def _text(value: Any) -> str | None:
    plain = _plain(value)
    if plain is None or isinstance(plain, str):
        return plain
    if isinstance(plain, dict | list):
        import json

        return json.dumps(plain, ensure_ascii=False)
    return "yes" if plain is True else "no" if plain is False else str(plain)


def _plain(value: Any) -> Any:
    """As JSON has it: decimals and times are text, maps are objects."""
    from outlay.ingest.result import amount

    if isinstance(value, Decimal):
        return amount(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        is_map = bool(value) and all(isinstance(each, tuple) and len(each) == 2 for each in value)
        return {str(key): _plain(each) for key, each in value} if is_map else [_plain(each) for each in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    return value.isoformat() if isinstance(value, date) else str(value)
