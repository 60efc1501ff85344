"""`outlay costs`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from cyclopts import Parameter

import outlay
from outlay.cli.options import Format, HowToPrint, Json, chosen
from outlay.cli.output import Cell, Column, fits, money, out, print_json, say, table
from outlay.costs.metrics import DEFAULT, METRICS
from outlay.costs.question import DEFAULT_GRANULARITY, GRANULARITIES, Question
from outlay.costs.ranges import RANGES
from outlay.errors import UsageError
from outlay.focus.columns import CHARGE_CATEGORIES

if TYPE_CHECKING:
    from outlay.costs.answer import Answer
    from outlay.costs.table import Table as Compared

A = TypeVar("A", "Answer", "Compared")
_METRICS = "; ".join(f"{metric.name}: {metric.about}" for metric in METRICS.values())


def costs(
    *,
    by: Annotated[
        tuple[str, ...],
        Parameter("--by", metavar="COLUMN", help="Group by a FOCUS column, connection or Tags.KEY; may be repeated."),
    ] = (),
    metric: Annotated[
        str, Parameter("--metric", metavar="METRIC", help=f"What to sum. {_METRICS}.", show_default=True)
    ] = DEFAULT,
    start: Annotated[
        str | None,
        Parameter(
            "--from", metavar="DATE", help="The first month or day: 2026-05 or 2026-05-15. All there is without it."
        ),
    ] = None,
    end: Annotated[str | None, Parameter("--to", metavar="DATE", help="The last month or day, included.")] = None,
    granularity: Annotated[
        str | None,
        Parameter(
            "--granularity",
            metavar="PERIOD",
            help=f"How long a period is: {', '.join(GRANULARITIES)}. [default: {DEFAULT_GRANULARITY}]",
        ),
    ] = None,
    where: Annotated[
        tuple[str, ...],
        Parameter(
            "--where",
            metavar="FILTER",
            help="Only charges with Column=value, Column!=value or Column~part; may be repeated.",
        ),
    ] = (),
    top: Annotated[
        int | None, Parameter("--top", metavar="N", help="Only the N groups of highest cost; the others as one.")
    ] = None,
    range: Annotated[
        str | None,
        Parameter("--range", metavar="NAME", help=f"Days by name, in place of --from and --to: {', '.join(RANGES)}."),
    ] = None,
    category: Annotated[
        tuple[str, ...],
        Parameter(
            "--category",
            metavar="CATEGORY",
            help=f"Only these charge categories: {', '.join(CHARGE_CATEGORIES)}; may be repeated.",
        ),
    ] = (),
    compare: Annotated[
        bool,
        Parameter(
            "--compare", help="Each group over all the days, beside the period before, with its change and share."
        ),
    ] = False,
    format: HowToPrint = None,
    json: Json = False,
) -> None:
    """What was spent, on what, by whom.

    Currencies are never added: each has its own rows and total. Tables show two places, JSON and CSV exact amounts.

    For example:

    outlay costs --by ServiceName --from 2026-05 --to 2026-07

    outlay costs --by SubAccountName --range last-30-days --granularity day --top 5

    outlay costs --by Tags.team --where 'RegionId=us-east-1' --metric billed --format csv

    outlay costs --by ServiceName --range last-month --compare
    """
    how = chosen(format, json)
    if range is not None:
        start, end = _days(range, start, end)
    question = Question.parse(
        by=by,
        metric=metric,
        start=start,
        end=end,
        granularity=granularity or DEFAULT_GRANULARITY,
        where=where,
        top=top,
        categories=category,
    )
    if compare:
        _check(granularity, top)
        question = replace(question, compare=True)
        question.before()
    with outlay.open() as o:
        if compare:
            _tell(o.desk.table(question), how, _show_compared)
        else:
            _tell(o.ask(question), how, _show)


def _tell(answer: A, how: Format, show: Callable[[A], None]) -> None:
    if how == "json":
        print_json(answer.as_dict())
    elif how == "csv":
        answer.write_csv(sys.stdout)
    else:
        show(answer)


def _check(granularity: str | None, top: int | None) -> None:
    """Raises UsageError for what a comparison does not have."""
    for option, value in (("--granularity", granularity), ("--top", top)):
        if value is not None:
            raise UsageError(
                f"--compare and {option} contradict each other: every group is compared over all the days.",
                next="Leave one of them out.",
            )


def _days(name: str, start: str | None, end: str | None) -> tuple[str | None, str | None]:
    """The first and the last day of a named range, today."""
    words = [("range", name), ("from", start or ""), ("to", end or "")]
    question = Question.from_query(words, today=datetime.now(UTC).date())
    first, last = question.start, question.end
    return first.isoformat() if first else None, last.isoformat() if last else None


def _show_none() -> None:
    say("No charges were found.")
    say("next: Widen --from, --to or --where, or bring bills in with outlay ingest.")


def _show(answer: Answer) -> None:
    told = answer.as_dict()
    rows = [{**row, "period": _label(row["period"], answer.question.granularity)} for row in told["rows"]]
    if not rows:
        _show_none()
        return
    measure = answer.question.measure
    names, unit, amount = answer.question.by, measure.unit_label, measure.amount_label
    say(f"{measure.name} {amount}, {told['from']} to {told['to']} ({measure.about})")
    out().print()
    wide = _pivot(rows, names, unit, amount)
    shown = wide if fits(*wide) else _long(rows, names, unit, amount, answer)
    table(*shown, total=len(answer.totals))


def _show_compared(compared: Compared) -> None:
    told, question = compared.as_dict(), compared.question
    if not told["rows"]:
        _show_none()
        return
    measure, before = question.measure, question.before()
    days = f"{question.start} to {question.end}, before: {before.start} to {before.end}"
    say(f"{measure.name} {measure.amount_label}, {days} ({measure.about})")
    out().print()
    names, amounts, parts = question.by, ("before", measure.amount_label, "change"), ("change_percent", "share")
    numbers = [*amounts, "change %", "share %"]
    columns = [*map(Column, names or ("",)), *(Column(each, True) for each in numbers), Column(measure.unit_label)]

    def line(row: dict[str, Any]) -> list[Cell]:
        return [
            *(money(Decimal(row[each])) for each in amounts),
            *(row[each] for each in parts),
            row[measure.unit_label],
        ]

    lines = [[*(row[name] for name in names), *line(row)] for row in told["rows"] if names]
    totals = [["total", *("" for _ in names[1:]), *line(row)] for row in told["totals"]]
    table(columns, [*lines, *totals], total=len(totals))


Table = tuple[list[Column], list[list[Cell]]]


def _pivot(rows: Sequence[dict[str, Any]], names: Sequence[str], unit: str, amount: str) -> Table:
    """A row a group, a column a period; sums at the end of both. Without groups there are only the sums."""
    periods = sorted({row["period"] for row in rows})
    groups: dict[tuple[Any, ...], dict[str, Decimal]] = {}
    for row in rows:
        key = (bool(row.get("remainder")), *(row[name] for name in names), row[unit])
        groups.setdefault(key, {})[row["period"]] = Decimal(row[amount])
    # Amounts of two currencies cannot be compared: each has its own order.
    ordered = sorted(groups.items(), key=lambda item: (item[0][-1], item[0][0], -sum(item[1].values())))
    lines = [[*key[1:-1], *_cells(sums, periods), key[-1]] for key, sums in ordered if names]
    for each in sorted({key[-1] for key in groups}):
        parts = [sums for key, sums in groups.items() if key[-1] == each]
        total = {period: sum((part.get(period, Decimal(0)) for part in parts), Decimal(0)) for period in periods}
        lines.append(["total", *("" for _ in names[1:]), *_cells(total, periods), each])
    over_all = [Column("total", True)] if len(periods) > 1 else []
    numbers = [Column(period, True) for period in periods]
    return [*map(Column, names or ("",)), *numbers, *over_all, Column(unit)], lines


def _cells(sums: dict[str, Decimal], periods: Sequence[str]) -> list[Cell]:
    cells: list[Cell] = [money(sums[period]) if period in sums else None for period in periods]
    return cells if len(periods) == 1 else [*cells, money(sum(sums.values(), Decimal(0)))]


def _long(rows: Sequence[dict[str, Any]], names: Sequence[str], unit: str, amount: str, answer: Answer) -> Table:
    """A row for each period and group."""
    columns = [Column("period"), *map(Column, names), Column(amount, True), Column(unit)]
    lines: list[list[Cell]] = [
        [row["period"], *(row[name] for name in names), money(Decimal(row[amount])), row[unit]] for row in rows
    ]
    lines += [["total", *("" for _ in names), money(total), each] for each, total in answer.totals.items()]
    return columns, lines


def _label(period: str, granularity: str) -> str:
    """A period as people write it; the day or hour it starts with is its name in JSON."""
    if granularity == "month":
        return period[: len("2026-05")]
    if granularity == "quarter":
        return f"{period[:4]} Q{(int(period[5:7]) + 2) // 3}"
    return "all" if granularity == "none" else period
