from __future__ import annotations

from tests.cli.conftest import Outlay
from tests.cli.drops import Drops


def test_the_json_has_the_shape_of_the_contract(outlay: Outlay, acme: Drops) -> None:
    june, may = outlay("periods", "acme", "--json").json
    assert may["period"] == "20260501-20260601"
    assert (may["rows"], may["state"], may["reconciled"], may["earlier"]) == (2, "unknown", True, [])
    assert may["sums"]["USD"]["BilledCost"] == {"in": "3.3", "out": "3.3"}
    assert set(may["sums"]["USD"]) == {"BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "x_AmortizedCost"}
    assert june["delivery"]


def test_the_table_shows_both_sides_of_the_reconciliation(outlay: Outlay, acme: Drops) -> None:
    header, _, june, may = [line.split() for line in outlay("periods", "acme").out.splitlines()]
    assert header == ["month", "delivery", "rows", "state", "reconciled", "billed", "in", "billed", "out", "currency"]
    assert may[0] == "2026-05"
    assert may[2:] == ["2", "unknown", "yes", "3.30", "3.30", "USD"]
    assert june[0] == "2026-06"


def test_an_earlier_delivery_is_offered_made_live_and_stays(outlay: Outlay, acme: Drops) -> None:
    earlier = outlay("periods", "acme", "--json").json[1]["delivery"]
    acme.drop("2026-05", ["100"], "d2")
    outlay("ingest")
    shown = outlay("periods", "acme").out
    assert f"outlay revert acme 2026-05 {earlier}" in shown
    ran = outlay("revert", "acme", "2026-05", earlier)
    assert ran.code == 0
    assert f"acme 2026-05 is {earlier} now." in ran.out
    assert outlay("costs", "--json").json["totals"] == {"USD": "6.6"}
    assert outlay("ingest").out.endswith(": 2 unchanged.\n")
    assert outlay("costs", "--json").json["totals"] == {"USD": "6.6"}
    may = outlay("revert", "acme", "20260501-20260601", earlier, "--json").json
    assert may["delivery"] == earlier
    assert len(may["earlier"]) == 1


def test_what_cannot_be_reverted_to_is_told(outlay: Outlay, acme: Drops) -> None:
    for words, said in {
        ("acme", "2026-05", "nope"): "acme 2026-05 has no earlier delivery nope.",
        ("acme", "20260501-20260601", "nope"): "acme 20260501-20260601 has no earlier delivery nope.",
        ("acme", "2026-04", "nope"): "has no billing period 2026-04",
        ("acme", "May", "nope"): "'May' is not a billing period",
        ("acmee", "2026-05", "nope"): "There is no connection named 'acmee'.",
    }.items():
        ran = outlay("revert", *words)
        assert ran.code == 2
        assert said.strip() in ran.err


def test_a_period_that_was_emptied_is_shown_with_what_it_had(outlay: Outlay, acme: Drops) -> None:
    acme.drop("2026-05", [], "d2")
    assert outlay("ingest").code == 0
    may = outlay("periods", "acme", "--json").json[1]
    assert (may["rows"], len(may["earlier"])) == (0, 1)


def test_a_connection_without_periods_says_what_to_do(outlay: Outlay, drops: Drops) -> None:
    outlay("connections", "add", "focus", "empty", "--location", drops.folder)
    ran = outlay("periods", "empty")
    assert ran.out == "Nothing was brought in for empty yet.\nnext: Run outlay ingest empty.\n"
    assert outlay("periods", "empty", "--json").json == []
