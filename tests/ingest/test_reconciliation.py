"""A wrong mapping does not get past the control totals: nothing is committed, the lake is untouched."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import count
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pytest

from outlay.focus.columns import COSTS, DECIMAL
from outlay.formats import FORMATS, Format
from outlay.lake import Partition
from outlay.storage import Place, open_place
from tests.ingest.bills import CUR_ROW, FOCUS_ROW, put_cur, put_focus
from tests.ingest.world import MAY, Row, World, put_drop, row

Change = Callable[[ir.Value], ir.Value]
_numbers = count(1)


def cbf(place: Place, number: int) -> None:
    # Over the whole bill the discount only redistributes.
    rows = [row("10", cost__discounted_cost="8", resource__account="a1"), row("2", cost__discounted_cost="4")]
    put_drop(place, rows, f"d{number}")


def cur(place: Place, number: int) -> None:
    rows: list[Row] = [CUR_ROW, {**CUR_ROW, "identity/LineItemId": f"l-{number}"}]
    put_cur(place, rows, f"a{number}")


def focus(place: Place, number: int) -> None:
    put_focus(place, [FOCUS_ROW, {**FOCUS_ROW, "ChargeDescription": f"bill {number}"}])


# Format → the connection's kind, and how a bill of it is delivered anew.
DELIVER: dict[str, tuple[str, Callable[[Place, int], None]]] = {
    "cbf": ("anycost", cbf),
    "cur": ("aws", cur),
    "focus": ("focus", focus),
}


class Bench:
    """An installation with a bill of one format live."""

    def __init__(self, folder: Path, name: str) -> None:
        kind, self._deliver = DELIVER[name]
        self.name = name
        self.world = World(folder / "home", open_place(str(folder / "bills" / "acme"), create=True), kind)
        self.deliver()
        assert self.world.one().outcome == "committed"

    def deliver(self) -> None:
        self._deliver(self.world.place, next(_numbers))

    def tree(self) -> dict[str, bytes]:
        """Every file of the lake."""
        lake = Path(self.world.settings.lake)
        return {str(path.relative_to(lake)): path.read_bytes() for path in lake.rglob("*") if path.is_file()}


@pytest.fixture(scope="module", params=list(DELIVER))
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp(request.param), request.param)
    yield made
    made.world.close()


def spoiled(format_: Format, column: str, change: Change) -> Format:
    """The same format, whose rule for `column` gives something else for the first row of a file."""
    made = copy.copy(format_)
    (rule,) = (rule for rule in format_.rules if rule.column == column)

    wrong = replace(rule, of=lambda raw, c: ibis.cases((raw.row == 1, change(rule.of(raw, c))), else_=rule.of(raw, c)))
    made.rules = tuple(wrong if each is rule else each for each in format_.rules)
    return made


def by(amount: str) -> Change:
    return lambda value: value.cast(DECIMAL) + ibis.literal(Decimal(amount), DECIMAL)


def to(text: str) -> Change:
    return lambda value: ibis.literal(text)


# What is spoiled, how, and the columns that are told; None is each cost.
WRONG: dict[str, tuple[str, Change, tuple[str, ...] | None]] = {
    **{f"{column} by a cent": (column, by("0.01"), (column,)) for column in COSTS},
    "BilledCost by the least amount there is": ("BilledCost", by("-0.000000000000000001"), ("BilledCost",)),
    "the currency": ("BillingCurrency", to("GBP"), None),
    "the account": ("SubAccountId", to("elsewhere"), None),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_mapping_is_rejected_and_the_lake_is_untouched(
    bench: Bench, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    column, change, told = WRONG[wrong]
    monkeypatch.setitem(FORMATS, bench.name, spoiled(FORMATS[bench.name], column, change))
    before, live = bench.tree(), bench.world.lake.live()[Partition("acme", MAY)]
    bench.deliver()
    result = bench.world.one()
    assert (result.outcome, set(result.counts)) == ("rejected", {"not-reconciled"})
    assert {each.column for each in result.findings} == set(told or COSTS)
    assert result.reconciliation is not None
    assert not result.reconciliation.holds
    assert bench.world.lake.live()[Partition("acme", MAY)] == live
    assert bench.tree() == before


def test_the_finding_names_account_currency_and_both_amounts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, bench.name, spoiled(FORMATS[bench.name], "BilledCost", by("0.01")))
    bench.deliver()
    (told,) = bench.world.one().findings
    account, currency, bill = {
        "cbf": ("a1", "USD", "10"),
        "cur": ("098765432109", "USD", "2.5"),
        "focus": ("project-1", "EUR", "20"),
    }[bench.name]
    wrong = Decimal(bill) + Decimal("0.01")
    assert (
        told.message == f"BilledCost of account {account} is {bill} {currency} in the bill but {wrong} in the charges."
    )


def test_the_mapping_as_it_is_reconciles(bench: Bench) -> None:
    bench.deliver()
    result = bench.world.one()
    assert (result.outcome, result.counts) == ("committed", {})
    assert result.reconciliation is not None
    assert result.reconciliation.holds
