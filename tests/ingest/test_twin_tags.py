"""Tag keys that differ by case, or come under two spellings: each has its own value, and no bill fails for them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from outlay.storage import open_place
from tests.ingest.bills import CUR_ROW, put_cur
from tests.ingest.world import Row, World, row
from tests.services.java import CHECKOUT, java_home

_numbers = count(1)


def world_of(folder: Path, kind: str) -> Iterator[World]:
    made = World(folder / "home", open_place(str(folder / "bills" / "acme"), create=True), kind)
    yield made
    made.close()


@pytest.fixture(scope="module")
def anycost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    yield from world_of(tmp_path_factory.mktemp("anycost"), "anycost")


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    yield from world_of(tmp_path_factory.mktemp("aws"), "aws")


def tags(world: World, rows: list[Row]) -> list[dict[str, str]]:
    """What the tags of a bill with these rows become."""
    if world.source.kind == "aws":
        put_cur(world.place, rows, f"a{next(_numbers)}")
    else:
        world.drop(rows, f"d{next(_numbers)}")
    result = world.one()
    assert result.outcome == "committed", result.findings
    return [dict(each["Tags"] or ()) for each in world.rows()]


def test_cbf_tags_that_differ_by_case_come_in_under_their_own_keys(anycost: World) -> None:
    told = {"resource/id": "r", "resource/tag:Team": "a", "resource/tag:team": "b", "resource/tag:TEAM": ""}
    assert tags(anycost, [row("1") | told, row("2")]) == [{"Team": "a", "team": "b"}, {}]


def test_files_of_a_drop_may_have_either_spelling(anycost: World) -> None:
    number = next(_numbers)
    for name, key in (("a", "Team"), ("b", "team")):
        rows = [row("1") | {"resource/id": "r", f"resource/tag:{key}": name}]
        anycost.drop(rows, f"d{number}")
        content = Path(anycost.place.location.path, f"20260501-20260601/d{number}/a.csv.gz")
        content.rename(content.with_name(f"{name}-part.csv.gz"))
    anycost.point(f"d{number}")
    assert anycost.one().outcome == "committed"
    assert [dict(each["Tags"]) for each in anycost.rows()] == [{"Team": "a"}, {"team": "b"}]


def test_a_cbf_tag_named_like_a_k8s_column_counts_first(anycost: World) -> None:
    told = {"resource/id": "r", "resource/tag:k8s/cluster": "tag", "k8s/cluster": "column"}
    other = {"resource/id": "r", "k8s/cluster": "column"}
    assert tags(anycost, [row("1") | told, row("2") | other]) == [{"k8s/cluster": "tag"}, {"k8s/cluster": "column"}]


def test_labels_that_name_a_key_twice_have_the_first_value(anycost: World) -> None:
    told = {"resource/id": "r", "k8s/labels": '{"app": "web", "app": "api"}'}
    (found,) = tags(anycost, [row("1") | told])
    assert found["k8s/labels/app"] == "web"


def test_cur_tags_that_differ_by_case_come_in_under_their_own_keys(aws: World) -> None:
    told = {"resourceTags/user:Env": "prod", "resourceTags/user:env": "test", "resourceTags/aws:createdBy": "x"}
    assert tags(aws, [CUR_ROW | told]) == [{"Env": "prod", "env": "test", "aws:createdBy": "x"}]


def test_a_cur_tag_under_two_spellings_counts_once(aws: World) -> None:
    told = {"resourceTags/user:x": "first", "resource_tags_user_x": "second"}
    other = {"resourceTags/user:x": "", "resource_tags_user_x": "second"}
    assert tags(aws, [CUR_ROW | told, CUR_ROW | other]) == [{"x": "first"}, {"x": "second"}]


def test_a_tag_map_with_two_spellings_of_a_key_has_its_first(aws: World) -> None:
    told = {"resource_tags": '{"user_x": "first", "user:x": "second", "user_X": "third"}'}
    assert tags(aws, [CUR_ROW | told]) == [{"x": "first", "X": "third"}]


def test_product_attributes_and_discounts_under_two_spellings_count_once(aws: World) -> None:
    told = {
        "product/sku": "S1",
        "product/instanceType": "m5.large",
        "product/InstanceType": "other",
        "product/vcpu": "2",
        "product/vCPU": "4",
        "discount/TotalDiscount": "-1",
        "discount_total_discount": "-2",
    }
    assert tags(aws, [CUR_ROW | told]) == [{}]
    (found,) = aws.rows()
    assert '"InstanceType"' in found["SkuPriceDetails"]
    assert dict(found["x_Discounts"]) == {"total_discount": "-1"}


ON_SPARK = """
import sys
from pathlib import Path
from outlay.storage import open_place
from tests.ingest.world import World, row
folder = Path(sys.argv[1])
place = open_place(str(folder / "bills" / "acme"), create=True)
world = World(folder / "home", place, engine="spark", spark_master="local[2]")
one = {"resource/id": "r", "resource/tag:Team": "a", "resource/tag:team": "b"}
other = {"resource/id": "r", "resource/tag:team": "c"}
world.drop([row("1") | other])
(folder / "bills/acme/20260501-20260601/d1/a.csv.gz").rename(folder / "bills/acme/20260501-20260601/d1/b.csv.gz")
world.drop([row("1") | one])
result = world.one()
print(result.outcome, result.counts, [dict(each["Tags"]) for each in world.rows()])
world.close()
"""


@pytest.mark.xdist_group("spark")
def test_spark_keeps_keys_apart_whichever_file_has_which(tmp_path: Path) -> None:
    environ = {**os.environ, "JAVA_HOME": str(java_home()), "SPARK_LOCAL_IP": "127.0.0.1", "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(
        [sys.executable, "-c", ON_SPARK, str(tmp_path)], env=environ, capture_output=True, text=True, check=False
    )
    assert "committed {} [{'Team': 'a', 'team': 'b'}, {'team': 'c'}]" in done.stdout, done.stderr
