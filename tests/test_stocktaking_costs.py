"""What resources cost: charges joined by id and ARN."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import outlay
from outlay import stocktaking
from outlay.app import Outlay
from outlay.cli.failing import run
from outlay.errors import UsageError
from outlay.inventory.asking import Wanted
from outlay.inventory.keeping import keep
from outlay.lake.resources import Resources
from outlay.period import BillingPeriod
from outlay.state.new import NewConnection
from outlay.storage import open_place
from tests.ingest.world import put_drop, row
from tests.inventory.conftest import ACCOUNT, HOUR, NOW, OTHER, piece, volume

TODAY = datetime.now(UTC).date()
FIRST = TODAY.replace(day=1)
LONG_AGO = TODAY - timedelta(days=70)
YESTERDAY = TODAY - timedelta(days=1)


def snapshot(id: str) -> Any:
    return volume(id, kind="ec2-snapshot", arn=f"arn:aws:ec2:eu-west-1::snapshot/{id}")


@pytest.fixture
def o(outlay_home: Path, tmp_path: Path) -> Iterator[Outlay]:
    """Charges by id, by ARN, by the ARN with an account, of another resource, and of long ago."""
    bills = tmp_path / "bills"
    bills.mkdir()
    charges = [
        (FIRST, "1.10", "vol-1"),
        (FIRST, "2.20", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:volume/vol-1"),
        (FIRST, "0.05", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:snapshot/snap-1"),
        (FIRST, "9.00", "vol-other"),
        (FIRST, "4.00", "web"),
        (LONG_AGO, "7.00", "vol-1"),
        (YESTERDAY, "0.50", "vol-2"),
    ]
    for month in sorted({BillingPeriod.of(day) for day, _, _ in charges}):
        rows = [
            row(cost, time__usage_start=f"{day}T10:00:00Z", resource__id=id)
            for day, cost, id in charges
            if BillingPeriod.of(day) == month
        ]
        put_drop(open_place(str(bills)), rows, "d1", month)
    with outlay.open(threads=1) as opened:
        opened.add(NewConnection("acme", "anycost", str(bills), "Acme Cloud"))
        assert [each.outcome for each in opened.ingest()] == ["committed"] * len(
            {BillingPeriod.of(day) for day, _, _ in charges}
        )
        table = Resources(opened.lake)
        classic = volume(
            "web", kind="classic-load-balancer", arn="arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/web"
        )
        keep(
            table,
            ACCOUNT,
            [
                piece(volume("vol-1"), volume("vol-2"), volume("vol-3")),
                piece(snapshot("snap-1"), kind="ec2-snapshot"),
                piece(classic, kind="classic-load-balancer"),
            ],
            NOW,
        )
        yield opened


def costs(o: Outlay, name: str, **wanted: Any) -> dict[str, dict[str, str]]:
    _, found = stocktaking.resources(o, Wanted(**wanted))
    return {f"{each['account']} {each['id']}": each[name] for each in stocktaking.with_costs(o, found)}


def test_what_a_resource_cost_is_found_by_its_id_and_its_arn(o: Outlay) -> None:
    this_month = costs(o, "cost_this_month")
    recent = {"USD": "0.5"} if YESTERDAY >= FIRST else {}
    assert this_month == {
        f"{ACCOUNT} vol-1": {"USD": "3.3"},
        f"{ACCOUNT} vol-2": recent,
        f"{ACCOUNT} vol-3": {},
        f"{ACCOUNT} snap-1": {"USD": "0.05"},
        # Its name may be that of another account's.
        f"{ACCOUNT} web": {},
    }


def test_the_last_thirty_days_end_yesterday(o: Outlay) -> None:
    told = costs(o, "cost_30_days", kind="ec2-volume")
    is_in = date.fromordinal(TODAY.toordinal() - 30) <= FIRST < TODAY
    assert told[f"{ACCOUNT} vol-1"] == ({"USD": "3.3"} if is_in else {})
    assert told[f"{ACCOUNT} vol-2"] == {"USD": "0.5"}


def test_what_has_moved_costs_where_it_is_now(o: Outlay) -> None:
    moved = replace(volume("vol-1"), account=OTHER, arn=f"arn:aws:ec2:eu-west-1:{OTHER}:volume/vol-1")
    keep(Resources(o.lake), OTHER, [piece(moved)], NOW + HOUR)
    told = costs(o, "cost_this_month", text="vol-1", with_gone=True)
    assert told[f"{OTHER} vol-1"] == {"USD": "1.1"}
    # By the ARN that names it.
    assert told[f"{ACCOUNT} vol-1"] == {"USD": "2.2"}


def test_too_many_resources_are_not_told_with_costs(o: Outlay) -> None:
    (some, *_) = stocktaking.resources(o, Wanted())[1]
    with pytest.raises(UsageError, match="too many"):
        stocktaking.with_costs(o, [some] * 1001)


def test_the_command_tells_costs_as_a_table_json_and_csv(o: Outlay, capsys: pytest.CaptureFixture[str]) -> None:
    def call(*words: str) -> str:
        capsys.readouterr()
        assert run(["inventory", "list", "--kind", "ec2-volume", "--text", "vol-1", "--costs", *words]) == 0
        return capsys.readouterr().out

    assert "3.30 USD" in call()
    (told,) = json.loads(call("--json"))
    assert Decimal(told["cost_this_month"]["USD"]) == Decimal("3.3")
    head, line = call("--format", "csv").splitlines()
    assert head.endswith(",tags,cost_30_days,cost_this_month")
    assert line.endswith(",3.3 USD")
