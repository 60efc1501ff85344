"""`outlay adaptor run`."""

from __future__ import annotations

from pathlib import Path

import pytest

from outlay.adaptor.invoice import find
from outlay.errors import Unavailable
from tests.cli.conftest import Outlay

MAPPING = """\
source: {from: in.csv}
where: state = 'ok'
publish: {to: drops}
columns:
  time/usage_start: day
  cost/cost: {sql: 'cost::DECIMAL(20,9) * 2'}
  resource/service: service
"""
BILL = "day,cost,service,state\n2026-05-01,1.125,Disks,ok\n2026-06-02,3,Disks,ok\n2026-06-02,3,,draft\n"


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    (tmp_path / "in.csv").write_text(BILL)
    path = tmp_path / "acme.yaml"
    path.write_text(MAPPING)
    return path


def test_a_dry_run_shows_rows_and_sums(outlay: Outlay, mapping: Path) -> None:
    ran = outlay("adaptor", "run", mapping, "--dry-run")
    assert ran.code == 0, ran.err
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["2026-05-01T00:00:00Z", "2.25", "Disks"] in lines
    assert ["2026-06", "1", "6.00"] in lines
    assert ["2026-05", "Disks", "1", "2.25"] in lines
    assert "This was a dry run: nothing was published.\n1 row left out by where:.\n" in ran.out
    assert not (mapping.parent / "drops").exists()
    told = outlay("adaptor", "run", mapping, "--dry-run", "--json").json
    assert (told["status"], told["periods"][0]["sums"], told["left_out"]) == ("rehearsed", {"cost/cost": "2.25"}, 1)


def test_a_run_publishes_until_nothing_is_new(outlay: Outlay, mapping: Path) -> None:
    ran = outlay("adaptor", "run", mapping)
    assert ran.out.startswith("2026-05: ")
    assert "with 1 row in 1 file, cost 6.00." in ran.out
    assert outlay("adaptor", "run", mapping).out.startswith("Nothing is new")
    told = outlay(
        "adaptor", "run", mapping, "--again", "--period", "2026-06", "--to", mapping.parent / "june", "--json"
    )
    assert [each["period"] for each in told.json["drops"]] == ["20260601-20260701"]
    assert (told.json["adaptor"], told.json["other_months"]) == ("acme", 1)
    assert sorted(path.name for path in (mapping.parent / "june").iterdir()) == ["20260601-20260701"]


def test_faults_are_listed_with_row_and_place(outlay: Outlay, mapping: Path) -> None:
    other = mapping.parent / "bad.csv"
    other.write_text(BILL + "2026-05-01,a,Disks,ok\nsoon,b,Disks,ok\n")
    ran = outlay("adaptor", "run", mapping, "--from", other)
    assert (ran.code, ran.out) == (1, "")
    assert f"bad.csv, row 4: cost/cost of {mapping}:6:20 cannot be computed" in ran.err
    assert f"bad.csv, row 5: time/usage_start is made of 'soon' by {mapping}:5:3" in ran.err
    assert "There are 2 faults more." in ran.err
    assert "Nothing was published." in ran.err
    assert not any((mapping.parent / "drops").glob("*"))


def test_a_place_that_fails_for_a_while_is_told(outlay: Outlay, mapping: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    errors = [Unavailable("The network is down.")]
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr("outlay.adaptor.running.find", lambda *given: find(*given) if not errors else fails())

    def fails() -> None:
        raise errors.pop()

    ran = outlay("adaptor", "run", mapping)
    assert ran.code == 0
    assert ran.err == "acme: The network is down. It is tried again in 2 seconds.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "FILE is missing."),
        (["none.yaml"], "There is no file none.yaml."),
        (["acme.yaml", "--period", "May"], "'May' is not a billing period"),
        (["acme.yaml", "--from", "none.csv"], "There is no file or folder"),
        (["acme.yaml", "--to", "s3://bucket"], "s3://bucket is the root of the bucket"),
    ],
)
def test_wrong_usage_says_what_is_right(
    outlay: Outlay, mapping: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(mapping.parent)
    ran = outlay("adaptor", "run", *words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
