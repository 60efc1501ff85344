"""The examples of docs/adaptors do what they say, on the invented rows beside them."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from outlay.adaptor.adaptor import Outcome
from outlay.adaptor.running import open_run
from outlay.settings import Settings
from outlay.storage import open_place
from tests.drops.reading import rows_of

EXAMPLES = Path(__file__).parents[2] / "docs" / "adaptors"
OCTOBER, NOVEMBER = "20261001-20261101", "20261101-20261201"


def published(name: str, tmp_path: Path, settings: Settings) -> tuple[Outcome, list[dict[str, str]]]:
    shutil.copy(EXAMPLES / f"{name}.yaml", tmp_path)
    outcome = open_run(tmp_path / f"{name}.yaml", settings=settings, source=str(EXAMPLES / f"{name}.csv")).publish()
    place = open_place(str(tmp_path / "drops"))
    return outcome, [row for period in (OCTOBER, NOVEMBER) for row in rows_of(place, period)]


def test_a_cost_report_of_oci(tmp_path: Path, settings: Settings) -> None:
    outcome, rows = published("oci-cost-report", tmp_path, settings)
    by_id = {row["lineitem/id"]: row for row in rows}
    assert by_id["AAAA-0001"] == {
        "time/usage_start": "2026-10-01T00:00:00Z",
        "time/usage_end": "2026-10-01T01:00:00Z",
        "cost/cost": "0.05",
        "cost/on_demand_cost": "0.05",
        "lineitem/id": "AAAA-0001",
        "lineitem/type": "Usage",
        "lineitem/description": "Compute - Standard - OCPU",
        "lineitem/cloud_provider": "Oracle Cloud",
        "resource/account": "shop",
        "resource/service": "COMPUTE",
        "resource/region": "eu-frankfurt-1",
        "resource/id": "instance/ocid1.instance.oc1.eu-frankfurt-1.web1",
        "usage/amount": "2",
        "usage/units": "ONE HOURS",
        "action/usage_type": "B00001",
        "resource/tag:team": "storefront",
        "resource/tag:Finance.Cost_Center": "4711",
    }
    assert by_id["AAAA-0003"]["cost/on_demand_cost"] == "0.000010967754"
    assert by_id["AAAA-0004"]["resource/id"] == "resource/B00004"
    assert by_id["AAAA-0005"]["lineitem/type"] == "Adjustment"
    assert sum(Decimal(row["cost/cost"]) for row in rows) == Decimal("0.078760967754")
    assert outcome.publication
    assert [each.code for each in outcome.publication.findings] == ["tag-key-changed"]


def test_spend_of_a_gateway_to_language_models(tmp_path: Path, settings: Settings) -> None:
    outcome, rows = published("llm-gateway", tmp_path, settings)
    assert outcome.left_out == 1
    by_id = {row["lineitem/id"]: row for row in rows}
    assert by_id["r-0001"] == {
        "time/usage_start": "2026-10-30T09:00:00Z",
        "cost/cost": "0.008850",
        "lineitem/id": "r-0001",
        "lineitem/type": "Usage",
        "lineitem/cloud_provider": "Anthropic",
        "resource/service": "model-large",
        "resource/account": "search",
        "resource/id": "key/search-prod",
        "usage/amount": "1550",
        "usage/units": "tokens",
        "action/operation": "completion",
        "resource/tag:cached": "false",
        "resource/tag:feature": "ranking",
        "resource/tag:stage": "prod",
    }
    assert by_id["r-0002"]["cost/cost"] == "0.000045"
    assert by_id["r-0003"]["time/usage_start"] == "2026-10-31T23:00:00Z"
    assert by_id["r-0005"]["time/usage_start"] == "2026-11-01T00:00:00Z"
    assert (by_id["r-0005"]["lineitem/type"], by_id["r-0005"]["resource/tag:seats"]) == ("Fee", "5")
    assert (by_id["r-0006"]["time/usage_start"], by_id["r-0006"]["lineitem/type"]) == ("2026-11-02T07:00:00Z", "Credit")
    assert sum(Decimal(row["cost/cost"]) for row in rows) == Decimal("23.50890524")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_has_rows_beside_it_and_can_be_repeated(path: Path, tmp_path: Path, settings: Settings) -> None:
    _, once = published(path.stem, tmp_path, settings)
    outcome = open_run(
        tmp_path / path.name, settings=settings, source=str(path.with_suffix(".csv")), again=True
    ).publish()
    assert outcome.publication
    assert sum(each.rows for each in outcome.publication.drops) == len(once)
