"""What a question gives back: exact, in order, and ready for JSON, CSV, Arrow and pandas."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal, localcontext
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TextIO

from outlay.costs.query import AMOUNT, NUMBER, OTHERS, PERIOD, UNIT, query
from outlay.costs.question import CLOCK, MAX_AMOUNTS, WHOLE, Question
from outlay.errors import SetupError, UsageError
from outlay.focus.columns import TIME
from outlay.period import BillingPeriod

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd
    import pyarrow as pa

Run = Callable[["ir.Table"], list[dict[str, Any]]]

REMAINDER = "(all others)"
# Python's own context would round sums to 28 digits; those of a lake have up to 38.
EXACT = Context(prec=80)
# Of all units together.
MOST_ROWS = 2 * MAX_AMOUNTS
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Row(NamedTuple):
    """`values` are those of the question's `by`, in its order; in the remainder each is `REMAINDER`."""

    period: datetime
    values: tuple[Any, ...]
    unit: str
    amount: Decimal
    is_remainder: bool = False


@dataclass(frozen=True)
class Answer:
    """`start` and `end` are the days asked for, or else those of the billing periods found; None when nothing is."""

    question: Question
    start: date | None
    end: date | None
    rows: tuple[Row, ...]

    @property
    def totals(self) -> dict[str, Decimal]:
        """One total per currency; for the metric `quantity` per unit, where no unit is an empty text."""
        return dict(sorted(sums((row.unit, row.amount) for row in self.rows).items()))

    @property
    def columns(self) -> tuple[str, ...]:
        measure = self.question.measure
        return ("period", *self.question.by, measure.unit_label, measure.amount_label)

    def as_dict(self) -> dict[str, Any]:
        """The JSON of the command and the API: amounts are decimal texts, a missing value is null.

        The rows of the remainder have `"remainder": true` besides.
        """
        return {
            "metric": self.question.metric,
            "granularity": self.question.granularity,
            "from": self.start.isoformat() if self.start else None,
            "to": self.end.isoformat() if self.end else None,
            "totals": {unit: plain(total) for unit, total in self.totals.items()},
            "rows": list(self._told()),
        }

    def _told(self) -> Iterator[dict[str, Any]]:
        columns = self.columns
        for row, texts in self._texts():
            told: dict[str, Any] = dict(zip(columns, texts, strict=True))
            if row.is_remainder:
                told["remainder"] = True
            yield told

    def write_csv(self, out: TextIO) -> None:
        """Text that a spreadsheet would take for a formula gets an apostrophe before it; amounts stay numbers."""
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([harmless(name) for name in self.columns])
        for _, (*texts, amount) in self._texts():
            writer.writerow([*("" if text is None else harmless(text) for text in texts), amount])

    def write_parquet(self, out: BinaryIO) -> None:
        """As `to_arrow`."""
        import pyarrow.parquet as pq

        pq.write_table(self.to_arrow(), out, compression="zstd")

    def to_arrow(self) -> pa.Table:
        """Columns as `columns`; periods are dates (times for hours), amounts decimals of 18 places."""
        import pyarrow as pa

        is_hourly = self.question.granularity == "hour"
        text = [pa.field(name, pa.string()) for name in self.columns[1:-1]]
        period = pa.field(self.columns[0], pa.timestamp("us", "UTC") if is_hourly else pa.date32())
        schema = pa.schema([period, *text, pa.field(self.columns[-1], pa.decimal128(38, 18))])
        rows = (
            (row.period if is_hourly else row.period.date(), *map(text_of, row.values), row.unit, row.amount)
            for row in self.rows
        )
        return pa.Table.from_pylist([dict(zip(self.columns, row, strict=True)) for row in rows], schema=schema)

    def to_pandas(self) -> pd.DataFrame:
        """As `to_arrow`; amounts stay exact Decimals. Raises SetupError when pandas is not installed."""
        try:
            import pandas as pd  # noqa: F401
        except ImportError as error:
            raise SetupError("pandas is not installed.", next="Install it with pip install pandas.") from error
        return self.to_arrow().to_pandas()

    def _texts(self) -> Iterator[tuple[Row, list[str | None]]]:
        """Each row as text, by `columns`. Periods and groups come again and again: each is written once."""
        is_hourly = self.question.granularity == "hour"
        period = cache(lambda period: _moment(period) if is_hourly else period.date().isoformat())
        values = cache(lambda values: [text_of(value) for value in values])
        for row in self.rows:
            yield row, [period(row.period), *values(row.values), row.unit, plain(row.amount)]


def ask(charges: ir.Table, question: Question, run: Run) -> Answer:
    """Answer `question` from the table of charges. `run` executes an Ibis table and gives its rows, decimals exact."""
    return answered(question, run(query(charges, question)))


def answered(question: Question, found: list[dict[str, Any]]) -> Answer:
    """The answer that the rows of `query.summed` make."""
    start, end = _span(question, found)
    return Answer(question, start, end, _rows(question, found, start))


def check_rows(count: int) -> None:
    """Raises UsageError for an answer that is too large to be told."""
    if count > MOST_ROWS:
        raise UsageError(
            f"The answer has more than {MOST_ROWS:,} amounts.",
            next="Ask for fewer days, longer periods, or a smaller top.",
            field="top",
        )


def plain(amount: Decimal) -> str:
    """Without exponent and without zeros at the end: `47.3`, `0`, `-12`."""
    text = f"{amount:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


def _span(question: Question, found: list[dict[str, Any]]) -> tuple[date | None, date | None]:
    periods = {row[PERIOD] for row in found}
    first = BillingPeriod.parse(min(periods)).start.date() if periods else None
    last = (BillingPeriod.parse(max(periods)).end - timedelta(days=1)).date() if periods else None
    return question.start or first, question.end or last


def _rows(question: Question, found: list[dict[str, Any]], start: date | None) -> tuple[Row, ...]:
    """Several sums may fall into one period: the months of a quarter, charges moved into their billing period."""
    place = cache(_placed(question, start))
    groups = [f"g{index}" for index in range(len(question.by))]
    types = [name.type for name in question.names]
    amounts = sums(
        (
            (
                place(row[PERIOD], row.get(NUMBER)),
                group_of(row, groups, types),
                row[UNIT],
                bool(row.get(OTHERS)),
            ),
            row[AMOUNT],
        )
        for row in found
    )
    rows = [Row(period, values, unit, amount, others) for (period, values, unit, others), amount in amounts.items()]
    # Where a group stands among those that cost the same.
    rank = {values: number for number, values in enumerate(sorted({row.values for row in rows}, key=_names))}
    return tuple(sorted(rows, key=lambda row: (row[0], row[4], row.amount.copy_negate(), rank[row.values], row.unit)))


def group_of(row: Mapping[str, Any], groups: list[str], types: list[str]) -> tuple[Any, ...]:
    """The values of a row's group; `REMAINDER` for each when it is that."""
    if row.get(OTHERS):
        return (REMAINDER,) * len(groups)
    values = [row[group] for group in groups]
    return tuple([utc(value) for value in values] if TIME in types else values)


def sums(pairs: Iterable[tuple[Any, Decimal]]) -> dict[Any, Decimal]:
    """Exact sums by key."""
    found: dict[Any, Decimal] = {}
    with localcontext(EXACT):
        for key, amount in pairs:
            found[key] = found[key] + amount if key in found else amount
    return found


def _placed(question: Question, start: date | None) -> Callable[[str, Any], datetime]:
    """The period of the answer in which a row of a billing period and of a number counts, as its first moment.

    A charge that starts outside its billing period counts at that period's nearer end.
    """
    steps = question.steps
    if steps.kind == WHOLE:
        whole = datetime.combine(start or date.min, datetime.min.time(), UTC)
        return lambda period, number: whole
    bounds: dict[str, tuple[int, int, datetime]] = {}

    def place(period: str, number: Any) -> datetime:
        if period not in bounds:
            bounds[period] = _bounds(question, BillingPeriod.parse(period))
        first, last, begins = bounds[period]
        return steps.start(max(first, min(last, number))) if steps.kind == CLOCK else begins

    return place


def _bounds(question: Question, period: BillingPeriod) -> tuple[int, int, datetime]:
    """A billing period's first and last number on the clock, and the start of the group of months that holds it."""
    steps = question.steps
    if steps.kind == CLOCK:
        return steps.number(period.start), steps.number(period.end - timedelta(seconds=1)), period.start
    return 0, 0, period.shift(-((period.month_number - 1) % steps.months)).start


def _names(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple((value is None, text_of(value) or "") for value in values)


def utc(value: Any) -> Any:
    """A time aware and in UTC; what is none stays as it is."""
    if not isinstance(value, datetime):
        return value
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def text_of(value: Any) -> str | None:
    """A value as JSON and CSV have it; None stays None."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return plain(value)
    return _moment(value) if isinstance(value, datetime) else str(value)


def _moment(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
