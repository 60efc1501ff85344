from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Outlay


def test_the_sample_bills_can_be_connected_as_told_and_come_in_to_the_cent(outlay: Outlay, tmp_path: Path) -> None:
    told = outlay("demo", tmp_path / "bills", "--months", "2", "--json").json
    for bill in told["bills"]:
        name, *words = bill["connect"]
        assert name == "outlay"
        assert outlay(*words).code == 0
    ran = outlay("ingest", "--json")
    assert ran.code == 0
    assert {run["outcome"] for run in ran.json["runs"]} == {"committed"}
    for bill in told["bills"]:
        costs = ("costs", "--metric", "billed", "--where", f"connection={bill['name']}", "--json")
        billed = {row["period"][:7]: {row["currency"]: row["cost"]} for row in outlay(*costs).json["rows"]}
        assert billed == bill["billed"]


def test_the_commands_that_connect_them_are_shown(outlay: Outlay, tmp_path: Path) -> None:
    ran = outlay("demo", tmp_path / "bills", "--months", "1")
    assert ran.code == 0
    assert f"outlay connections add aws fernwick-aws --location file://{tmp_path}/bills/aws-legacy/cur" in ran.out
