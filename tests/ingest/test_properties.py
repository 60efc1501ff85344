"""What holds for any CBF drop: valid ones reconcile, a single fault is told with its place, retries do not add up."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outlay.formats.cbf import LINE_ITEM_TYPES
from outlay.ingest.steps import STEPS, Quiet
from outlay.storage import open_place
from tests.ingest.world import MAY, Row, World, as_csv, point, put_drop

EXAMPLES = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
UNIT = Decimal("1e-18")
_numbers = itertools.count()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("properties")
    made = World(folder / "home", open_place(str(folder / "bills" / "acme"), create=True))
    yield made
    made.close()


plain = st.builds(
    lambda sign, whole, places: f"{sign}{whole}{'.' + places if places else ''}",
    st.sampled_from(["", "-"]),
    st.integers(0, 10**9),
    st.text("0123456789", max_size=25),
)
maybe = st.one_of(st.just(""), plain)
text = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r", exclude_categories=["Cs"]), max_size=12)
moments = st.builds(
    lambda day, hour, form: form.format(day=day, hour=hour),
    st.integers(1, 31),
    st.integers(0, 23),
    st.sampled_from(
        [
            "2026-05-{day:02}T{hour:02}:00:00Z",
            "2026-05-{day:02}T{hour:02}:00:00+00:00",
            "2026-05-{day:02} {hour:02}:30:00+00:00",
            "2026-05-{day:02}",
            "2026-05-{day:02}T{hour:02}:00:00",
        ]
    ),
)
rows_of_cbf = st.lists(
    st.fixed_dictionaries(
        {
            "time/usage_start": moments,
            "cost/cost": plain,
            "cost/discounted_cost": maybe,
            "cost/amortized_cost": maybe,
            "cost/discounted_amortized_cost": maybe,
            "cost/on_demand_cost": maybe,
            "lineitem/type": st.sampled_from(["", *LINE_ITEM_TYPES]),
            "lineitem/description": text,
            "resource/id": st.sampled_from(["instance/i-1", "bucket:b", "a:b:c"]),
            "resource/account": st.sampled_from(["", "0123", "acme"]),
            "resource/tag:team": text,
            "usage/amount": maybe,
            "usage/units": text,
            "bill/invoice_id": st.sampled_from(["", "I-1"]),
        }
    ),
    min_size=1,
    max_size=30,
)


def kept(number: str) -> Decimal:
    with localcontext(prec=100):
        return Decimal(number).quantize(UNIT, ROUND_HALF_EVEN)


def expected(rows: list[Row], *columns: str) -> Decimal:
    with localcontext(prec=100):
        return sum((kept(next(row[name] for name in columns if row[name])) for row in rows), Decimal(0))


@EXAMPLES
@given(rows=rows_of_cbf)
def test_any_valid_drop_reconciles_and_its_totals_are_the_bills(world: World, rows: list[Row]) -> None:
    put_drop(world.place, rows, f"d{next(_numbers)}")
    result = world.one()
    assert result.outcome == "committed", result.findings
    assert result.reconciliation is not None
    assert result.reconciliation.holds
    assert result.reconciliation.rows_out == len(rows)
    assert world.total("BilledCost") == expected(rows, "cost/cost")
    assert world.total("ContractedCost") == expected(rows, "cost/discounted_cost", "cost/cost")
    assert world.total("ListCost") == expected(rows, "cost/on_demand_cost", "cost/cost")
    assert world.total("x_AmortizedCost") == expected(rows, "cost/amortized_cost", "cost/cost")
    assert world.total("EffectiveCost") == expected(
        rows, "cost/discounted_amortized_cost", "cost/amortized_cost", "cost/discounted_cost", "cost/cost"
    )


@dataclass(frozen=True)
class Fault:
    """A way to spoil a drop, and how it must be told: the code, and whether row, column and value are named."""

    code: str
    spoil: Callable[[list[dict[str, str]], int], Any]
    column: str | None = None
    value: str | None = None
    has_row: bool = True


def cell(column: str, value: str) -> Callable[[list[dict[str, str]], int], None]:
    def spoil(rows: list[dict[str, str]], at: int) -> None:
        rows[at][column] = value

    return spoil


def whole(change: Callable[[bytes], bytes]) -> Callable[[list[dict[str, str]], int], bytes]:
    """Spoils the packed file instead of a row."""
    return lambda rows, at: change(gzip.compress(as_csv(rows)))


def line(change: Callable[[bytes], bytes]) -> Callable[[list[dict[str, str]], int], bytes]:
    """Spoils the line of a row; the rows must hold no line breaks of their own."""

    def spoil(rows: list[dict[str, str]], at: int) -> bytes:
        for row in rows:
            row["lineitem/description"] = "plain"
            row["resource/tag:team"] = "plain"
            row["usage/units"] = ""
        lines = as_csv(rows).split(b"\n")
        lines[at + 1] = change(lines[at + 1])
        return gzip.compress(b"\n".join(lines))

    return spoil


def header(change: Callable[[bytes], bytes]) -> Callable[[list[dict[str, str]], int], bytes]:
    def spoil(rows: list[dict[str, str]], at: int) -> bytes:
        first, rest = as_csv(rows).split(b"\n", 1)
        return gzip.compress(change(first) + b"\n" + rest)

    return spoil


FAULTS: dict[str, Fault] = {
    "unknown line item type": Fault("category-unknown", cell("lineitem/type", "Rent"), "lineitem/type", "Rent"),
    "line item type in other case": Fault("category-unknown", cell("lineitem/type", "usage"), "lineitem/type", "usage"),
    "before the period": Fault("outside-period", cell("time/usage_start", "2026-04-30T23:59:59Z"), "time/usage_start"),
    "after the period": Fault("outside-period", cell("time/usage_start", "2026-06-01"), "time/usage_start"),
    "no start": Fault("value-missing", cell("time/usage_start", ""), "time/usage_start"),
    "no cost": Fault("value-missing", cell("cost/cost", ""), "cost/cost"),
    "not a time": Fault("time-invalid", cell("time/usage_start", "yesterday"), "time/usage_start", "yesterday"),
    "no such day": Fault("time-invalid", cell("time/usage_start", "2026-05-32"), "time/usage_start", "2026-05-32"),
    "not a number": Fault("number-invalid", cell("cost/cost", "12 USD"), "cost/cost", "12 USD"),
    "scientific": Fault("number-invalid", cell("cost/discounted_cost", "1e-7"), "cost/discounted_cost", "1e-7"),
    "with commas": Fault("number-invalid", cell("cost/amortized_cost", "1,000"), "cost/amortized_cost", "1,000"),
    "other digits": Fault("number-invalid", cell("usage/amount", "\u0663"), "usage/amount", "\u0663"),
    "NaN": Fault("number-invalid", cell("cost/on_demand_cost", "NaN"), "cost/on_demand_cost", "NaN"),
    "too large": Fault("number-too-large", cell("cost/cost", "1" + "0" * 20), "cost/cost"),
    "a tag without a resource": Fault(
        "resource-missing",
        lambda rows, at: rows[at].update({"resource/tag:team": "web", "resource/id": ""}),
        "resource/id",
    ),
    "a field too many": Fault("row-ragged", line(lambda text: text + b",more")),
    "a field too few": Fault("row-ragged", line(lambda text: text.rsplit(b",", 1)[0])),
    "not UTF-8": Fault("not-utf8", line(lambda text: text.replace(b"plain", b"pl\xffin", 1))),
    "a NUL": Fault("nul-byte", line(lambda text: text.replace(b"plain", b"pl\0in", 1))),
    "not gzip": Fault("compression-wrong", whole(gzip.decompress), has_row=False),
    "truncated": Fault("file-truncated", whole(lambda packed: packed[:-9]), has_row=False),
    "no bytes": Fault("file-empty", whole(lambda packed: b""), has_row=False),
    "a column twice": Fault(
        "column-duplicate",
        header(lambda first: first.replace(b"usage/units", b"cost/cost")),
        "cost/cost",
        has_row=False,
    ),
    "no header": Fault("column-missing", lambda rows, at: gzip.compress(b"a,b\n1,2\n"), has_row=False),
    "a required column absent": Fault(
        "column-missing",
        header(lambda first: first.replace(b"time/usage_start", b"time/start")),
        "time/usage_start",
        has_row=False,
    ),
    "a tag key with a blank": Fault(
        "tag-key-invalid",
        header(lambda first: first.replace(b"tag:team", b"tag:my team")),
        "resource/tag:my team",
        has_row=False,
    ),
}


@pytest.mark.parametrize("name", FAULTS)
@settings(EXAMPLES, max_examples=3)
@given(data=st.data())
def test_one_fault_anywhere_rejects_the_drop_and_is_told_with_its_place(
    world: World, name: str, data: st.DataObject
) -> None:
    fault = FAULTS[name]
    rows = [dict(row) for row in data.draw(rows_of_cbf)]
    at = data.draw(st.integers(0, len(rows) - 1))
    before, drop_id = world.total(), f"d{next(_numbers)}"
    spoiled = fault.spoil(rows, at)
    put_drop(world.place, rows, drop_id)
    if isinstance(spoiled, bytes):
        world.place.write(f"{MAY.id}/{drop_id}/a.csv.gz", spoiled)
        point(world.place, drop_id)
    result = world.one()
    told = next((each for each in result.findings if each.code == fault.code), None)
    assert result.outcome == "rejected", result.findings
    assert told is not None, result.findings
    assert told.file == f"{MAY.id}/{drop_id}/a.csv.gz"
    assert told.row == (at + 1 if fault.has_row else None)
    assert fault.column in (None, told.column)
    assert fault.value in (None, told.value)
    assert told.next
    assert world.total() == before


class Cut(BaseException):
    """Stands for a kill: nothing of Outlay catches it."""


class CutAt(Quiet):
    def __init__(self, at: int) -> None:
        self._left = at

    def begins(self, connection: str, period: str, step: Any) -> None:
        self._left -= 1
        if self._left < 0:
            raise Cut

    ends = begins


@EXAMPLES
@given(rows=rows_of_cbf, cuts=st.lists(st.integers(0, 2 * len(STEPS)), min_size=2, max_size=2))
def test_with_two_cuts_and_retries_anywhere_the_total_is_the_drops(
    world: World, rows: list[Row], cuts: list[int]
) -> None:
    put_drop(world.place, rows, f"d{next(_numbers)}")
    before = world.total()
    for cut in cuts:
        with suppress(Cut):
            world.check(CutAt(cut))
        assert world.total() in (before, expected(rows, "cost/cost"))
    assert not any(result.is_bad for result in world.check())
    assert world.total() == expected(rows, "cost/cost")


def test_a_file_of_more_than_a_million_rows_is_rejected(tmp_path: Path) -> None:
    world = World(tmp_path / "home", open_place(str(tmp_path / "bills" / "acme"), create=True))
    head = b"time/usage_start,cost/cost\n"
    world.place.write(f"{MAY.id}/d1/a.csv.gz", gzip.compress(head + b"2026-05-01,1\n" * 1_000_001, 1))
    point(world.place, "d1")
    result = world.one()
    world.close()
    assert result.outcome == "rejected"
    assert [(each.code, each.file) for each in result.findings] == [("rows-too-many", f"{MAY.id}/d1/a.csv.gz")]
    assert "1000000" in result.findings[0].message.replace(",", "")
