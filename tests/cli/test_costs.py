from __future__ import annotations

import pytest

from tests.cli.conftest import Outlay
from tests.cli.drops import Drops


def test_the_json_has_the_shape_of_the_contract(outlay: Outlay, acme: Drops) -> None:
    ran = outlay("costs", "--by", "ServiceName", "--format", "json")
    assert ran.json == {
        "metric": "effective",
        "granularity": "month",
        "from": "2026-05-01",
        "to": "2026-06-30",
        "totals": {"USD": "6.6"},
        "rows": [
            {"period": "2026-05-01", "ServiceName": "Storage", "currency": "USD", "cost": "2.2"},
            {"period": "2026-05-01", "ServiceName": "Compute", "currency": "USD", "cost": "1.1"},
            {"period": "2026-06-01", "ServiceName": "Compute", "currency": "USD", "cost": "3.3"},
        ],
    }
    assert outlay("costs", "--by", "ServiceName", "--json").out == ran.out


def test_from_and_to_are_both_included(outlay: Outlay, acme: Drops) -> None:
    told = outlay("costs", "--from", "2026-06", "--to", "2026-06", "--json").json
    assert (told["from"], told["to"], told["totals"]) == ("2026-06-01", "2026-06-30", {"USD": "3.3"})


def test_quantity_has_units_in_place_of_currencies(outlay: Outlay, drops: Drops) -> None:
    drops.drop("2026-05", ["1"], usage__amount="2.5", usage__units="GB")
    outlay("connections", "add", "anycost", "acme", "--cloud-provider", "A", "--location", drops.folder)
    outlay("ingest")
    told = outlay("costs", "--metric", "quantity", "--json").json
    assert told["rows"] == [{"period": "2026-05-01", "unit": "GB", "quantity": "2.5"}]
    assert "2.50" in outlay("costs", "--metric", "quantity").out


def test_filters_and_tags_are_taken(outlay: Outlay, drops: Drops) -> None:
    drops.drop("2026-05", ["1"], resource__id="r1", **{"resource__tag:team": "web"})
    outlay("connections", "add", "anycost", "acme", "--cloud-provider", "A", "--location", drops.folder)
    outlay("ingest")
    assert outlay("costs", "--where", "Tags.team=web", "--json").json["totals"] == {"USD": "1"}
    assert outlay("costs", "--where", "Tags.team=web", "--where", "ServiceName!=Compute", "--json").json["rows"] == []
    assert outlay("costs", "--by", "Tags.team", "--json").json["rows"][0]["Tags.team"] == "web"


def test_csv_is_exact_and_nothing_else_is_printed(outlay: Outlay, acme: Drops) -> None:
    ran = outlay("costs", "--by", "ServiceName", "--from", "2026-06", "--format", "csv")
    assert ran.out == "period,ServiceName,currency,cost\n2026-06-01,Compute,USD,3.3\n"


def test_a_table_has_a_column_for_each_period_and_sums_at_the_ends(outlay: Outlay, acme: Drops) -> None:
    ran = outlay("costs", "--by", "ServiceName")
    lines = [line.split() for line in ran.out.splitlines()]
    assert lines[0][:2] == ["effective", "cost,"]
    assert lines[2] == ["ServiceName", "2026-05", "2026-06", "total", "currency"]
    assert lines[4:6] == [["Compute", "1.10", "3.30", "4.40", "USD"], ["Storage", "2.20", "–", "2.20", "USD"]]
    assert lines[7] == ["total", "3.30", "3.30", "6.60", "USD"]


def test_a_narrow_terminal_gets_a_row_for_each_period(
    outlay: Outlay, acme: Drops, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "45")
    ran = outlay("costs", "--by", "ServiceName", "--by", "RegionId")
    assert max(map(len, ran.out.splitlines()[2:])) <= 45
    assert "2026-05" in ran.out
    assert "Storage" in ran.out


def test_currencies_are_never_added(outlay: Outlay, acme: Drops) -> None:
    add = ("connections", "add", "anycost", "euro", "--cloud-provider", "E", "--location", acme.folder)
    outlay(*add, "--currency", "EUR")
    outlay("ingest")
    assert outlay("costs", "--json").json["totals"] == {"EUR": "6.6", "USD": "6.6"}
    totals = [line.split() for line in outlay("costs").out.splitlines() if line.startswith("total")]
    assert totals == [["total", "3.30", "3.30", "6.60", "EUR"], ["total", "3.30", "3.30", "6.60", "USD"]]


def test_the_others_are_one_row(outlay: Outlay, acme: Drops) -> None:
    ran = outlay("costs", "--by", "ServiceName", "--top", "1", "--granularity", "none")
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["Compute", "4.40", "USD"] in lines
    assert ["(all", "others)", "2.20", "USD"] in lines


def test_an_empty_lake_says_what_to_do(outlay: Outlay) -> None:
    ran = outlay("costs")
    assert ran.code == 0
    assert "No charges were found." in ran.out
    assert "outlay ingest" in ran.out
    assert outlay("costs", "--json").json["rows"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--by", "Servicename"], "Did you mean ServiceName"),
        (["--metric", "efective"], "Did you mean effective?"),
        (["--granularity", "year"], "There is no granularity 'year'."),
        (["--from", "2026-13"], "The start '2026-13' is no date."),
        (["--from", "2026-06", "--to", "2026-05"], "is after the end"),
        (["--where", "RegionId"], "does not say what to compare"),
    ],
)
def test_a_question_that_makes_no_sense_is_wrong_usage(outlay: Outlay, words: list[str], said: str) -> None:
    ran = outlay("costs", *words)
    assert ran.code == 2
    assert said in ran.err


def test_days_by_name_stand_in_place_of_from_and_to(outlay: Outlay, acme: Drops) -> None:
    assert outlay("costs", "--range", "all", "--json").json == outlay("costs", "--json").json
    assert outlay("costs", "--range", "last-month", "--json").json["from"][-2:] == "01"
    twice = outlay("costs", "--range", "last-month", "--from", "2026-05")
    assert (twice.code, "Leave one of them out" in twice.err) == (2, True)
    assert "last-month" in outlay("costs", "--range", "lastmonth").err


def test_charge_categories_are_chosen(outlay: Outlay, acme: Drops) -> None:
    assert outlay("costs", "--category", "Tax", "--json").json["rows"] == []
    assert outlay("costs", "--category", "Usage", "--json").json["totals"] == {"USD": "6.6"}
    wrong = outlay("costs", "--category", "Taxes")
    assert (wrong.code, "Purchase" in wrong.err) == (2, True)


JUNE = ("costs", "--by", "ServiceName", "--from", "2026-06", "--to", "2026-06", "--compare")


def test_a_period_is_compared_with_the_one_before(outlay: Outlay, acme: Drops) -> None:
    told = outlay(*JUNE, "--json").json
    assert (told["from"], told["to"]) == ("2026-06-01", "2026-06-30")
    changes = [{name: row[name] for name in ("before", "cost", "change", "change_percent")} for row in told["rows"]]
    assert [row["ServiceName"] for row in told["rows"]] == ["Compute", "Storage"]
    assert changes == [
        {"before": "1.1", "cost": "3.3", "change": "2.2", "change_percent": "200"},
        {"before": "2.2", "cost": "0", "change": "-2.2", "change_percent": "-100"},
    ]
    assert [(row["before"], row["cost"], row["change"]) for row in told["totals"]] == [("3.3", "3.3", "0")]


def test_a_comparison_as_csv_has_exact_numbers_and_harmless_texts(outlay: Outlay, drops: Drops) -> None:
    drops.drop("2026-05", ["1.10"], resource__service="=1+1")
    outlay("connections", "add", "anycost", "acme", "--cloud-provider", "A", "--location", drops.folder)
    outlay("ingest")
    lines = outlay(*JUNE, "--format", "csv").out.splitlines()
    assert lines == [
        "ServiceName,currency,cost,share,before,change,change_percent",
        "'=1+1,USD,0,,1.1,-1.1,-100",
    ]


def test_a_comparison_as_a_table_has_both_sums_and_the_change(outlay: Outlay, acme: Drops) -> None:
    lines = [line.split() for line in outlay(*JUNE).out.splitlines()]
    assert lines[2] == ["ServiceName", "before", "cost", "change", "change", "%", "share", "%", "currency"]
    assert ["Compute", "1.10", "3.30", "2.20", "200", "100", "USD"] in lines
    assert ["Storage", "2.20", "0.00", "-2.20", "-100", "0", "USD"] in lines
    assert ["total", "3.30", "3.30", "0.00", "0", "100", "USD"] in lines


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Without a first and a last day there is no period before."),
        (["--range", "all"], "Without a first and a last day"),
        (["--range", "last-month", "--granularity", "day"], "--compare and --granularity contradict each other"),
        (["--range", "last-month", "--by", "ServiceName", "--top", "3"], "--compare and --top contradict each other"),
    ],
)
def test_what_cannot_be_compared_is_wrong_usage(outlay: Outlay, words: list[str], said: str) -> None:
    ran = outlay("costs", *words, "--compare")
    assert (ran.code, said in ran.err, ran.out) == (2, True, "")
