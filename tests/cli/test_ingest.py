from __future__ import annotations

import shutil

from tests.cli.conftest import Outlay
from tests.cli.drops import Drops


def _connect(outlay: Outlay, drops: Drops) -> None:
    ran = outlay("connections", "add", "anycost", "acme", "--cloud-provider", "Acme Cloud", "--location", drops.folder)
    assert ran.code == 0, ran.err


def test_without_connections_the_next_action_is_told(outlay: Outlay) -> None:
    ran = outlay("ingest")
    assert ran.code == 0
    assert "There is no connection to check" in ran.out
    assert "outlay connections add" in ran.out
    assert outlay("ingest", "--json").json == {"runs": []}


def test_each_period_that_changed_is_a_line(outlay: Outlay, drops: Drops) -> None:
    _connect(outlay, drops)
    drops.drop("2026-05", ["1.10", "2.20"])
    drops.drop("2026-06", ["1234.5"])
    ran = outlay("ingest")
    assert ran.code == 0
    june, may, summary = ran.out.splitlines()
    assert june.startswith("acme  2026-06  committed  1 row  1,234.50 USD  ")
    assert may.startswith("acme  2026-05  committed  2 rows  3.30 USD  ")
    assert summary.startswith("1 connection checked in ")
    assert summary.endswith(" s: 2 committed.")


def test_what_has_not_changed_is_only_counted(outlay: Outlay, acme: Drops) -> None:
    (line,) = outlay("ingest").out.splitlines()
    assert line.endswith(": 2 unchanged.")


def test_the_json_has_the_shape_of_the_contract(outlay: Outlay, drops: Drops) -> None:
    _connect(outlay, drops)
    drops.drop("2026-05", ["1.10", "2.20"])
    (run,) = outlay("ingest", "acme", "--json").json["runs"]
    contract = ("connection", "period", "outcome", "rows_in", "dropped", "split", "rows_out", "findings")
    assert {name: run[name] for name in contract} == {
        "connection": "acme",
        "period": "20260501-20260601",
        "outcome": "committed",
        "rows_in": 2,
        "dropped": {},
        "split": {},
        "rows_out": 2,
        "findings": [],
    }
    assert run["delivery"]
    (again,) = outlay("ingest", "acme", "--json").json["runs"]
    assert (again["outcome"], again["delivery"]) == ("unchanged", run["delivery"])


def test_a_rejected_delivery_names_place_reason_and_next_action_and_ends_with_1(outlay: Outlay, acme: Drops) -> None:
    acme.drop("2026-05", ["1.10", "two", "3"], "d2")
    ran = outlay("ingest")
    assert ran.code == 1
    first, finding, following, summary = ran.out.splitlines()
    assert first.startswith("acme  2026-05  rejected")
    assert finding.startswith("  error: ")
    assert "a.csv.gz, row 2: cost/cost is 'two'" in finding
    assert following.startswith("  next: ")
    assert summary.endswith(": 1 unchanged, 1 rejected.")
    assert outlay("costs", "--json").json["totals"] == {"USD": "6.6"}


def test_a_rejected_delivery_is_told_in_json(outlay: Outlay, acme: Drops) -> None:
    acme.drop("2026-05", ["1.10", "two"], "d2")
    ran = outlay("ingest", "--json")
    assert ran.code == 1
    (run,) = [run for run in ran.json["runs"] if run["outcome"] == "rejected"]
    (finding,) = run["findings"]
    assert finding["code"] == "number-invalid"
    assert finding["severity"] == "error"
    assert finding["file"].endswith("d2/a.csv.gz")
    assert (finding["row"], finding["column"], finding["value"]) == (2, "cost/cost", "two")
    assert finding["message"]
    assert finding["next"]


def test_a_delivery_that_stays_rejected_is_told_again(outlay: Outlay, acme: Drops) -> None:
    acme.drop("2026-05", ["1.10", "two"], "d2")
    outlay("ingest")
    ran = outlay("ingest")
    assert ran.code == 0
    first, finding, following, summary = ran.out.splitlines()
    assert first.startswith("acme  2026-05  still rejected")
    assert "row 2: cost/cost is 'two'" in finding
    assert following.startswith("  next: ")
    assert summary.endswith(": 1 unchanged, 1 still rejected.")


def test_of_many_findings_of_a_kind_the_first_are_shown_and_all_are_counted(outlay: Outlay, acme: Drops) -> None:
    bad = {"lineitem__type": "Nonsense"}
    acme.place.write("20260501-20260601/d2/b.csv.gz", b"")
    acme.place.delete(["20260501-20260601/d2/b.csv.gz"])
    acme.drop("2026-05", ["1", "2", "3"], "d2", **bad)
    extra = acme.place.read("20260501-20260601/d2/a.csv.gz")
    acme.place.write("20260501-20260601/d2/b.csv.gz", extra)
    ran = outlay("ingest")
    assert ran.out.count("  error: ") == 3
    assert "  … and 3 more of this kind" in ran.out


def test_a_location_that_is_gone_is_a_failed_run_and_the_charges_stay(outlay: Outlay, acme: Drops) -> None:
    shutil.rmtree(acme.folder)
    ran = outlay("ingest")
    assert ran.code == 1
    assert ran.out.startswith("acme  failed\n  error: ")
    assert str(acme.folder) in ran.out
    assert outlay("costs", "--json").json["totals"] == {"USD": "6.6"}
    assert outlay("connections", "list", "--json").json[0]["status"] == "failing"


def test_a_place_without_bills_is_a_warning(outlay: Outlay, drops: Drops) -> None:
    _connect(outlay, drops)
    ran = outlay("ingest")
    assert ran.code == 0
    assert ran.out.startswith("acme\n  warning: No AnyCost drop was found at ")
    assert "no billing periods found" in ran.out


def test_a_drop_of_which_nothing_exists_empties_its_period_only_when_it_may(outlay: Outlay, acme: Drops) -> None:
    acme.point("2026-05", "gone")
    assert outlay("ingest").code == 1
    acme.point("2026-05", "gone-too")
    assert outlay("ingest", "--accept-empty").code == 0
    assert outlay("costs", "--json").json["totals"] == {"USD": "3.3"}


def test_a_name_that_is_not_registered_is_wrong_usage(outlay: Outlay, acme: Drops) -> None:
    ran = outlay("ingest", "acmee")
    assert ran.code == 2
    assert "Did you mean acme?" in ran.err


def test_a_paused_connection_is_checked_only_when_it_is_named(outlay: Outlay, acme: Drops) -> None:
    outlay("connections", "pause", "acme")
    assert outlay("ingest", "--json").json == {"runs": []}
    assert len(outlay("ingest", "acme", "--json").json["runs"]) == 2


def test_what_a_bill_says_cannot_move_the_cursor(outlay: Outlay, acme: Drops) -> None:
    acme.drop("2026-05", ["\x1b[2Jtwo"], "d2")
    ran = outlay("ingest")
    assert "\x1b" not in ran.out
    assert "�[2Jtwo" in ran.out or "\\x1b[2Jtwo" in ran.out
