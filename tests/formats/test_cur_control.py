"""The control totals are worked out apart from the mapping: a cent more in any cost of any kind must show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir
import pytest

from outlay.formats.cur import Cur
from outlay.formats.cur_amounts import AMOUNTS
from outlay.formats.cur_kinds import COVERED, KINDS, Kind
from outlay.formats.raw import Raw
from tests.formats.currows import COSTS, EVERY_KIND, NET_ROWS, row
from tests.formats.rawrows import Row, in_the_bill, in_the_charges

CENT, ZERO = Decimal("0.01"), Decimal(0)
SP_COVER = "SavingsPlanCoveredUsage"
# The attribute of a kind, and the cost columns that it makes.
MADE = {
    "billed": {"BilledCost"},
    "effective": {"EffectiveCost", "x_AmortizedCost"},
    "list": {"ListCost"},
    "contracted": {"ContractedCost"},
}


def _a_cent_more(name: str) -> Callable[[Raw, bool], ir.DecimalValue]:
    return lambda raw, net: (AMOUNTS[name](raw, net) + ibis.literal(CENT, "decimal(38, 18)")).cast("decimal(38, 18)")


def _spoiled(kind: Kind, cost: str, amount: str) -> Kind:
    changed: dict[str, Any] = {cost: amount}
    return replace(kind, **changed)


def _each_in_its_own_account(rows: Sequence[Row]) -> list[Row]:
    return [{**one, "line_item_usage_account_id": f"{number:012}"} for number, one in enumerate(rows, 1)]


def _difference(format_: Cur, rows: Sequence[Row], cost: str) -> dict[int, Decimal]:
    """Number of the row → how much more the charges have than the bill."""
    told, found = in_the_bill(format_, rows), in_the_charges(format_, rows)
    keys = sorted({*told, *found}, key=str)
    more = {key: found.get(key, {}).get(cost, ZERO) - told.get(key, {}).get(cost, ZERO) for key in keys}
    return {int(account or 0): amount for (_, account), amount in more.items()}


@pytest.mark.parametrize("cost", MADE)
def test_a_cent_more_in_one_cost_of_any_kind_of_row_is_seen_in_that_cost_alone(cost: str) -> None:
    names = {getattr(kind, cost) for kind in KINDS.values()}
    wrong = Cur(
        kinds={name: _spoiled(kind, cost, f"{getattr(kind, cost)}!") for name, kind in KINDS.items()},
        amounts={**AMOUNTS, **{f"{name}!": _a_cent_more(name) for name in names}},
    )
    # A negation is settled over the whole bill, not row by row; its row and the one that it cancels are left out here.
    kept = {name: made for name, (one, _, made) in EVERY_KIND.items() if made and "Negation" not in str(one)}
    plain = [one for name, (one, _, _) in EVERY_KIND.items() if name in kept and name != "covered usage"]
    charges_of = [len(made) for name, made in kept.items() if name != "covered usage"]
    rows = _each_in_its_own_account(plain)
    for column in COSTS:
        expected = CENT if column in MADE[cost] else ZERO
        seen = _difference(wrong, rows, column)
        assert [seen.get(number, ZERO) for number in range(1, len(rows) + 1)] == [expected * n for n in charges_of]


@pytest.mark.parametrize("cost", MADE)
def test_a_cent_more_on_covered_usage_is_seen(cost: str) -> None:
    kind = _spoiled(KINDS[COVERED], cost, "spoiled")
    wrong = Cur(
        kinds={**KINDS, COVERED: kind},
        amounts={**AMOUNTS, "spoiled": _a_cent_more(getattr(KINDS[COVERED], cost))},
    )
    rows = _each_in_its_own_account(NET_ROWS)
    rows = [{**one, "line_item_usage_account_id": "000000000001"} for one in rows]
    assert {column for column in COSTS if any(_difference(wrong, rows, column).values())} == MADE[cost]


@pytest.mark.parametrize("cost", MADE)
def test_a_cent_more_is_seen_in_a_bill_with_net_columns(cost: str) -> None:
    names = {getattr(kind, cost) for kind in KINDS.values()}
    wrong = Cur(amounts={**AMOUNTS, **{name: _a_cent_more(name) for name in names}})
    rows = [one for one in NET_ROWS if SP_COVER not in str(one) and "Negation" not in str(one)]
    seen = _difference(wrong, _each_in_its_own_account(rows), next(iter(MADE[cost])))
    # Each charge is a cent more; the discount row, which has none, is not.
    assert [seen.get(number, ZERO) for number in range(1, len(rows) + 1)] == [
        ZERO if "EdpDiscount" in str(one) else CENT * (2 if "Fee" in str(one) else 1) for one in rows
    ]


def test_totals_are_told_by_currency_and_account() -> None:
    rows = [row(cost="1"), row(cost="2", currency="CNY"), row(cost="4", account="111122223333"), row(cost="8")]
    told = {key: sums["BilledCost"] for key, sums in in_the_bill(Cur(), rows).items()}
    assert told == {
        ("USD", "098765432109"): Decimal(9),
        ("CNY", "098765432109"): Decimal(2),
        ("USD", "111122223333"): Decimal(4),
    }


@pytest.mark.parametrize("text", ["4.0E-7", "4e-07", "0.0000004", "+0.0000004"])
def test_scientific_notation_reads_alike_in_both(text: str) -> None:
    rows = [row(cost=text)]
    [sums] = in_the_bill(Cur(), rows).values()
    assert sums["BilledCost"] == Decimal("0.0000004")
    assert in_the_bill(Cur(), rows) == in_the_charges(Cur(), rows)
