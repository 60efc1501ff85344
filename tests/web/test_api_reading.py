"""What the API tells: the same as the commands, a page at a time."""

from __future__ import annotations

import io
import re
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.web.sites import Site
from tests.web.tokens import Api, token


@pytest.fixture(scope="module")
def api(site: Site) -> Api:
    return Api(site, token(site, "viewer", "read"))


@pytest.fixture(scope="module")
def name(api: Api) -> str:
    found: str = api.get("connections")[0]["name"]
    return found


def test_connections_are_told_as_the_command_tells_them(site: Site, api: Api, name: str) -> None:
    assert api.get("connections") == site.outlay("connections", "list")
    assert api.get(f"connections/{name}") == site.outlay("connections", "show", name)


def test_billing_periods_are_told_as_the_command_tells_them(site: Site, api: Api, name: str) -> None:
    told = api.get(f"connections/{name}/periods")
    assert told
    assert told == site.outlay("periods", name)
    assert all(each["reconciled"] for each in told)


def test_costs_are_told_as_the_command_tells_them(site: Site, api: Api) -> None:
    told = api.get("costs", by=["ServiceName", "connection"], top="all")
    assert len(told["rows"]) > 5
    assert told == site.outlay("costs", "--by", "ServiceName", "--by", "connection")


def test_costs_by_filter_category_and_range(site: Site, api: Api) -> None:
    some = api.get("costs", by="ChargeCategory", category=["Usage", "Tax"], granularity="none", top="3")
    assert {row["ChargeCategory"] for row in some["rows"]} <= {"Usage", "Tax"}
    taxed = api.get("costs", where="ChargeCategory=Tax")
    told = site.outlay("costs", "--where", "ChargeCategory=Tax")
    assert taxed["totals"] == told["totals"]


def test_costs_come_as_csv_and_parquet(api: Api) -> None:
    told = api.get("costs", by="ServiceName")
    as_csv = api.ask("costs", params={"by": "ServiceName", "format": "csv"})
    assert as_csv.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert as_csv.text.splitlines()[0] == "period,ServiceName,currency,cost"
    assert len(as_csv.text.splitlines()) == len(told["rows"]) + 1
    table = pq.read_table(io.BytesIO(api.ask("costs", params={"by": "ServiceName", "format": "parquet"}).content))
    assert table.num_rows == len(told["rows"])


def test_a_table_tells_shares_and_what_changed(api: Api) -> None:
    told = api.get("costs/table", by="ServiceName", range="this-month", compare="before")
    for total in told["totals"]:
        costs = [Decimal(row["cost"]) for row in told["rows"] if row["currency"] == total["currency"]]
        assert sum(costs) == Decimal(total["cost"])
    assert {"before", "change", "share"} <= set(told["rows"][0])
    assert api.ask("costs?range=this-month&compare=before").json()["where"] == "compare"


def test_single_charges_come_a_page_at_a_time(api: Api) -> None:
    first = api.get("charges", limit=3, where="ChargeCategory=Usage")
    then = api.get("charges", limit=3, offset=3, where="ChargeCategory=Usage")
    assert (len(first["rows"]), first["more"], then["offset"]) == (3, True, 3)
    assert first["rows"] + then["rows"] == api.get("charges", limit=6, where="ChargeCategory=Usage")["rows"]
    assert api.get("charges", limit=1, columns=["ServiceName", "Tags"])["columns"] == ["ServiceName", "Tags"]


def test_charges_are_exported_whole(api: Api) -> None:
    params: dict[str, Any] = {"columns": ["ServiceName", "EffectiveCost"], "where": "ChargeCategory=Tax"}
    as_csv = api.ask("export", params=params)
    assert (as_csv.status_code, as_csv.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert 'filename="charges.csv"' in as_csv.headers["Content-Disposition"]
    table = pq.read_table(io.BytesIO(api.ask("export", params={**params, "format": "parquet"}).content))
    assert table.column_names == params["columns"]
    assert table.num_rows == len(as_csv.text.splitlines()) - 1 > 0


def test_nothing_of_an_export_is_left_in_the_spool(site: Site, api: Api) -> None:
    assert api.ask("export", params={"where": "ChargeCategory=Tax"}).status_code == 200
    assert [each.name for each in (site.home.home / "spool").iterdir() if each.name.startswith("export")] == []


def test_dimensions_their_values_and_keys(api: Api) -> None:
    told = {each["name"]: each for each in api.get("dimensions", limit=200)}
    assert told["Tags"]["has_keys"]
    assert not told["ServiceName"]["has_keys"]
    values = api.get("dimensions/ChargeCategory/values")["values"]
    assert {"Usage", "Tax"} <= {each["value"] for each in values}
    key = api.get("dimensions/Tags/keys")["keys"][0]
    assert api.get(f"dimensions/Tags.{key}/values", limit=3)["values"]


def test_runs_are_told_with_their_steps(api: Api, name: str) -> None:
    runs = api.get(f"connections/{name}/runs")["runs"]
    assert {run["outcome"] for run in runs} == {"committed"}
    assert runs == api.get("runs", connection=name)["runs"]
    assert api.get(f"runs/{runs[0]['id']}") == runs[0]
    assert "commit" in {step["step"] for step in runs[0]["steps"]}
    assert api.get("runs", outcome="rejected")["runs"] == []
    assert len(api.get("runs", period=runs[0]["period"])["runs"]) < len(api.get("runs")["runs"])


def test_pages_of_a_list_are_linked(api: Api) -> None:
    whole = api.get("connections")
    seen, path = [], "connections?limit=1"
    while path:
        answer = api.ask(path)
        assert answer.headers["X-Total-Count"] == str(len(whole))
        seen += answer.json()
        following = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))
        path = following[1].removeprefix("/api/v1/") if following else ""
    assert seen == whole
    assert 'rel="prev"' in api.ask("connections?limit=1&offset=1").headers["Link"]
    assert api.get("connections", status="paused") == []


def test_timeline_and_progress(api: Api, name: str) -> None:
    assert api.get(f"connections/{name}/timeline")[0]["after"] == api.get(f"connections/{name}")["status"]
    assert api.get(f"connections/{name}/progress") == api.get(f"connections/{name}")["progress"]


def test_health_is_told(api: Api) -> None:
    told = api.get("health")
    assert (told["status"], told["database"]) == ("ok", "ok")
