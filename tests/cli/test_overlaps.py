"""`outlay overlaps`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Outlay
from tests.twice import PAYER, put

MAY, JUNE = "2026-05", "2026-06"


@pytest.fixture
def two(outlay: Outlay, tmp_path: Path) -> Outlay:
    """The older `cur` and `focus` hold the same May."""
    put(tmp_path, "cur", {(MAY, PAYER): "50"})
    put(tmp_path, "focus", {(MAY, PAYER): "51.5", (JUNE, PAYER): "62"})
    outlay("connections", "add", "aws", "cur", "--location", tmp_path / "cur")
    outlay("connections", "add", "focus", "focus", "--location", tmp_path / "focus")
    assert outlay("ingest").code == 0
    return outlay


def test_overlaps_are_shown_with_both_sums_and_chosen(two: Outlay) -> None:
    shown = two("overlaps")
    assert shown.code == 0
    assert f"cur and focus, payer {PAYER}: cur counts, as it is the older; 51.50 USD is left out." in shown.out
    assert "next: Choose with outlay overlaps" in shown.out
    (line,) = [each.split() for each in shown.out.splitlines() if each.startswith(MAY)]
    assert line == [MAY, "USD", "50.00", "51.50", "1.50", "cur"]
    assert two("costs", "--granularity", "none", "--json").json["totals"] == {"USD": "112"}
    (told,) = two("overlaps", "focus", "--count", "focus", "--json").json["overlaps"]
    assert (told["chosen"], told["left_out"]) == ("focus", {"USD": "50"})
    assert two("connections", "show", "cur", "--json").json["overlaps"] == [told]
    assert two("costs", "--granularity", "none", "--json").json["totals"] == {"USD": "113.5"}
    assert "both count, as different bills" in two("overlaps", "--both").out
    assert two("costs", "--granularity", "none", "--json").json["totals"] == {"USD": "163.5"}
    two("connections", "pause", "cur")
    assert "cur, which counts, is paused." in two("overlaps", "--older", "--payer", PAYER).out
    assert "bills of the same payer" in two("connections", "show", "focus").out


def test_what_cannot_be_chosen_is_told(two: Outlay) -> None:
    for words, says in (
        (("--count", "cur", "--both"), "contradict"),
        (("--count", "other"), "none of the two"),
        (("nobody",), "no connection named"),
        (("--payer", "nobody", "--both"), "held twice"),
    ):
        refused = two("overlaps", *words)
        assert (refused.code, says in refused.err) == (2, True), words


def test_without_an_overlap_it_says_so(outlay: Outlay) -> None:
    assert "held by two connections" in outlay("overlaps").out
