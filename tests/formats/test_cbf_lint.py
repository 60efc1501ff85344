"""What is said of a CBF bill that Outlay brings in but others may take amiss."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from outlay.engine import Told
from outlay.findings import CODES, KEPT_PER_CODE, finding
from outlay.formats.base import Audit
from outlay.formats.cbf import TIMES, Cbf
from outlay.formats.cbf_lint import CbfLint, MergingIds, by_two_segments
from tests.formats.rawrows import CONTEXT, evaluate, of, told

LINT, CBF = CbfLint(), Cbf()
GOOD = {"time/usage_start": "2026-05-17T15:00:00Z", "cost/cost": "7.25", "resource/id": "vm/1"}


def told_of(column: str, values: Sequence[str]) -> list[tuple[str, str | None]]:
    """Code and value of each row, without what the format itself tells."""
    rows = [{**GOOD, column: value} for value in values]
    known = told(CBF, rows)
    return [(code, value) for code, _, row, value in told(LINT, rows) if (code, column, row, value) not in known]


@pytest.mark.parametrize("column", TIMES)
def test_times_in_utc_on_the_hour_are_not_told(column: str) -> None:
    assert (
        told_of(column, ["2026-05-17T15:00:00Z", "2026-05-17 15:00:00+00:00", "2026-05-17", "2026-05-17T15:00Z"]) == []
    )
    assert told_of(column, ["2026-05-17T15:00:00.000Z", "2026-05-17 15:00:00 UTC", "2026-05-17T15:00:00+00"]) == []


@pytest.mark.parametrize("column", TIMES)
def test_times_of_another_zone_are_told(column: str) -> None:
    values = ["2026-05-17T15:00:00+02:00", "2026-05-17 15:00:00-0500", "2026-05-17T15:00:00+09"]
    assert told_of(column, values) == [("time-zone-local", value) for value in values]


@pytest.mark.parametrize("column", TIMES)
def test_times_without_a_zone_are_told(column: str) -> None:
    values = ["2026-05-17T15:00:00", "2026-05-17 15:00"]
    assert told_of(column, values) == [("time-zone-missing", value) for value in values]


def test_starts_within_an_hour_are_told_and_ends_are_not() -> None:
    values = ["2026-05-17T15:01:00Z", "2026-05-17T15:00:01Z", "2026-05-17T15:00:00.500Z"]
    assert told_of("time/usage_start", values) == [("time-not-on-hour", value) for value in values]
    assert told_of("time/usage_end", values) == []


def test_an_hour_of_a_zone_that_is_half_an_hour_off_is_not_on_the_hour() -> None:
    value = "2026-05-17T15:00:00+05:30"
    assert set(told_of("time/usage_start", [value])) == {("time-zone-local", value), ("time-not-on-hour", value)}


@pytest.mark.parametrize("column", TIMES)
@pytest.mark.parametrize(
    ("value", "example"),
    [
        ("5/1/2026", "5/1/2026"),
        ("05/01/26 13:00", "5/1/2026"),
        ("01.05.2026", "5/1/2026"),
        ("2026/05/01", "5/1/2026"),
        ("46143", "46143"),
        ("46143.5416666667", "46143"),
        ("1-May-26", "1-May-26"),
        ("1 May 2026", "1-May-26"),
        ("May 1, 2026", "1-May-26"),
        ("May-26", "1-May-26"),
    ],
)
def test_dates_as_a_spreadsheet_writes_them_are_told_beside_the_error(column: str, value: str, example: str) -> None:
    row = {**GOOD, column: value}
    assert ("time-invalid", column, 1, value) in told(CBF, [row])
    assert told_of(column, [value]) == [("date-of-spreadsheet", value)]
    raw = of(LINT, [row])
    hits = [
        check.fields["example"]
        for check in LINT.checks(raw, CONTEXT)
        if (check.code, check.column) == ("date-of-spreadsheet", column)
        and evaluate(raw.table.select(bad=check.is_bad))[0]["bad"]
    ]
    assert hits == [example]


def test_other_faulty_times_are_no_dates_of_a_spreadsheet() -> None:
    assert told_of("time/usage_start", ["yesterday", "1747494000", "2026-05-32", "2026-05-17T25:00:00Z"]) == []


def test_no_row_is_told_that_its_suspicion_passes_over() -> None:
    """Else the check would not be run on it."""
    values = ["2026-05-17T15:00:00+02:00", "2026-05-17T15:00", "46143", "2026-05-17T15:30:00Z", "2026-05-17T15:00:00Z"]
    raw = of(LINT, [{**GOOD, "time/usage_start": value, "time/usage_end": value} for value in values])
    for check in LINT.checks(raw, CONTEXT):
        if check.suspicion is not None:
            missed = raw.table.filter(check.is_bad.fill_null(False) & ~check.suspicion.fill_null(False))
            assert evaluate(missed) == []


def test_every_warning_is_counted_and_has_all_the_fields_of_its_message() -> None:
    raw = of(LINT, [{**GOOD, "time/usage_end": ""}])
    own = {each.code for each in LINT.checks(raw, CONTEXT)} - {each.code for each in CBF.checks(raw, CONTEXT)}
    assert own == {"time-zone-local", "time-zone-missing", "time-not-on-hour", "date-of-spreadsheet"}
    for check in LINT.checks(raw, CONTEXT):
        if check.code in own:
            assert CODES[check.code].severity == "warning"
            assert check.is_counted
            assert finding(check.code, column=check.column, count=2, **check.fields).message


def discounts(rows: Sequence[dict[str, str]]) -> list[tuple[str, str | None]]:
    raw = of(LINT, [{**GOOD, **row} for row in rows])
    facts = LINT.facts(raw, CONTEXT)
    table = raw.table.select(**{name: fact.fill_null(False) for name, fact in facts.items()}) if facts else None
    counts = {name: sum(row[name] for row in evaluate(table)) for name in facts} if table is not None else {}
    return [(each.code, each.column) for each in LINT.remarks(Audit(facts=counts), CONTEXT)]


USAGE = {"lineitem/type": "Usage", "cost/cost": "10"}
DISCOUNT = {"lineitem/type": "Discount", "cost/cost": "-2"}


@pytest.mark.parametrize("column", ["cost/discounted_cost", "cost/discounted_amortized_cost"])
@pytest.mark.parametrize("own", ["-2", ""])
def test_a_discount_that_is_in_the_discounted_cost_already_is_told(column: str, own: str) -> None:
    assert discounts([{**USAGE, column: "8"}, {**DISCOUNT, column: own}]) == [("discount-twice", column)]


@pytest.mark.parametrize("column", ["cost/discounted_cost", "cost/discounted_amortized_cost"])
def test_a_discount_that_counts_once_is_not_told(column: str) -> None:
    assert discounts([{**USAGE, column: "8"}, {**DISCOUNT, column: "0"}]) == []
    assert discounts([{**USAGE, column: "10"}, {**DISCOUNT, column: "-2"}]) == []
    assert discounts([{**USAGE, column: ""}, {**DISCOUNT, column: ""}]) == []
    assert discounts([USAGE, DISCOUNT]) == []


def test_the_discounted_amortized_cost_is_held_against_the_amortized_one() -> None:
    both = "cost/discounted_amortized_cost"
    covered = {**USAGE, "cost/cost": "0", "cost/amortized_cost": "6"}
    assert discounts([{**covered, both: "6"}, {**DISCOUNT, both: "-2"}]) == []
    assert discounts([{**covered, both: "5"}, {**DISCOUNT, both: "-2"}]) == [("discount-twice", both)]


def merging(*batches: Sequence[str]) -> list[str]:
    ids = MergingIds()
    for batch in batches:
        ids.take(evaluate(by_two_segments(of(LINT, [{**GOOD, "resource/id": each} for each in batch]))))
    found = Told()
    ids.tell(found)
    return [each.message.rpartition(" where ")[0] for each in found.findings]


def test_ids_that_differ_after_their_second_segment_merge() -> None:
    assert merging(["a:b:c", "a:b:d", "a:b:d", "a:x:c"]) == ["'a:b:c' and 'a:b:d' are both 'a:b'"]
    assert merging(["arn:aws:ec2:::i-1", "arn:aws:s3:::b"]) == [
        "'arn:aws:ec2:::i-1' and 'arn:aws:s3:::b' are both 'arn:aws'"
    ]
    assert merging(["k8s/web", "k8s/web/pod-1"]) == ["'k8s/web' and 'k8s/web/pod-1' are both 'k8s/web'"]


def test_ids_merge_over_batches() -> None:
    assert merging(["a:b:c"], ["a:b:c"], ["a:b:d"]) == ["'a:b:c' and 'a:b:d' are both 'a:b'"]


def test_ids_that_stay_apart_are_not_told() -> None:
    assert merging(["a:b", "a:c", "a/b", "a", "", "a:x:c", "a:x:c", "x-1", "vm/1"]) == []


def test_merging_ids_are_counted_and_the_most_frequent_are_kept() -> None:
    ids, found = MergingIds(), Told()
    ids.take({"key": f"a:{n}", "first": f"a:{n}:x", "last": f"a:{n}:y", "count": n} for n in range(150))
    ids.tell(found)
    assert found.counts == {"ids-merge": 150}
    assert len(found.findings) == KEPT_PER_CODE
    assert found.findings[0].value == "a:149"
    assert "149 rows" in found.findings[0].message


def test_a_bill_with_very_many_ids_is_looked_at_as_far_as_memory_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outlay.formats.cbf_lint._MOST", 2)
    ids = MergingIds()
    ids.take([{"key": key, "first": key, "last": key, "count": 1} for key in ("a:b", "a:c")])
    assert ids.is_full


def test_the_lint_reads_bills_as_the_format_does() -> None:
    raw = of(LINT, [GOOD])
    assert [each.code for each in LINT.checks(raw, CONTEXT)][: len(CBF.checks(raw, CONTEXT))] == [
        each.code for each in CBF.checks(raw, CONTEXT)
    ]
    assert LINT.rules is CBF.rules
    assert LINT.max_rows_a_file == CBF.max_rows_a_file
