"""A mapping is read with the place of every value; what is wrong in it is told with line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from outlay.adaptor.mapping import load
from outlay.errors import UsageError
from tests.adaptor.conftest import HEAD, USUAL, Bench

TOP = f"{HEAD}{USUAL}"


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("", "1:1", "The file is empty."),
        ("columns: [", "1:11", "this is no YAML"),
        ("a: 1\n---\nb: 2\n", "2:1", "this is no YAML"),
        ("- a\n", "1:1", "Here is a list, where keys are wanted."),
        ("name: x\n", "1:1", "There is no source."),
        ("source: {form: a}\n", "1:9", "There is no from."),
        ("source: {from: a, from: b}\n", "1:19", "from is there twice."),
        ("source: {from: a, delimter: ;}\n", "1:19", "Nothing is called delimter here; delimiter is meant?"),
        ("source: {from: a, delimiter: ';;'}\n", "1:30", "';;' separates no fields."),
        ("source: {from: a, encoding: latin9000}\n", "1:29", "There is no encoding 'latin9000'."),
        ("source: {from: a, skip_lines: -1}\n", "1:31", "skip_lines is '-1', no whole number."),
        ("source: {from: a, floats: perhaps}\n", "1:27", "floats is 'perhaps'."),
        ("source: {from: a, secret_access_key: x}\n", "1:19", "A mapping holds no secret."),
        ("source: {from: a}\npublish: {to: b, mode: add}\n", "2:24", "mode is 'add'."),
        ("source: {from: a}\npublish: {to: b, mode: append, key: cost}\n", "2:32", "'cost' is no key"),
        ("source: {from: a}\npublish: {to: b, key: day}\n", "2:18", "A key is for mode: append."),
        ("source: {from: a}\npublish: {to: b}\n", "1:1", "There is no columns."),
        (f"{HEAD}  cost/cost: cost\n", "4:3", "time/usage_start is not among the columns"),
        (f"{TOP}  resource/servce: x\n", "6:3", "CBF has no column resource/servce."),
        (f"{TOP}  resource/tag:team: x\n", "6:3", "Tags have a place of their own."),
        (f"{TOP}  resource/service: 5\n", "6:21", "5 is no name of a column."),
        (f"{TOP}  resource/service: {{}}\n", "6:21", "resource/service has nothing to make it of."),
        (f"{TOP}  resource/service: {{column: a, value: b}}\n", "6:21", "resource/service has column and value."),
        (f"{TOP}  resource/service: {{column: a, format: iso}}\n", "6:33", "format is for times."),
        (f"{TOP}  resource/service: {{column: a, decimal: ','}}\n", "6:33", "decimal is for numbers."),
        (f"{TOP}  resource/service: {{column: a, else: b}}\n", "6:33", "An else is for words."),
        (f"{TOP}  resource/service: {{value: a, key: b}}\n", "6:32", "A key is of the JSON in a column."),
        (f"{TOP}  resource/service: [a]\n", "6:21", "Here is a list, where one value is wanted."),
        (f"{TOP}  time/usage_end: {{column: a, zone: Mars/Base}}\n", "6:37", "There is no time zone 'Mars/Base'."),
        (f"{TOP}  time/usage_end: {{column: a, format: dd.mm}}\n", "6:39", "'dd.mm' is no format of times."),
        (f"{TOP}  time/usage_end: {{column: a, round: year}}\n", "6:38", "round is 'year'."),
        (f"{TOP}  usage/amount: {{column: a, decimal: ''}}\n", "6:29", "'' cannot stand before the places."),
        (f"{TOP}  lineitem/type: {{value: Usages}}\n", "6:26", "'Usages' is no lineitem/type."),
        (f"{TOP}  lineitem/type: {{column: a, words: {{x: y}}}}\n", "6:41", "'y' is no lineitem/type."),
        (f"{TOP}  lineitem/type: {{column: a, words: {{}}, else: z}}\n", "6:47", "'z' is no lineitem/type."),
        (f"{TOP}  lineitem/id: {{column: a, words: {{b: c, B: d}}}}\n", "6:42", "B is there twice"),
        (f"{TOP}tags: {{cost center: x}}\n", "6:8", "'cost center' is no key of a tag."),
        (f"{TOP}tags_from: {{prefix: x}}\n", "6:12", "tags_from is no list."),
        (f"{TOP}tags_from:\n  - {{only: x}}\n", "7:5", "These tags have no source, or two."),
        (f"{TOP}wher: x\n", "6:1", "Nothing is called wher here; where is meant?"),
        (f"name: a/b\n{TOP}", "1:7", "'a/b' is no name of an adaptor."),
    ],
)
def test_what_is_wrong_is_told_with_line_and_column(bench: Bench, text: str, place: str, said: str) -> None:
    path = bench.mapping(text)
    with pytest.raises(UsageError) as caught:
        load(path)
    assert caught.value.message.startswith(f"{path}:{place}: ")
    assert said in caught.value.message
    assert caught.value.next


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(UsageError, match=r"m\.yaml cannot be read as text"):
        load(tmp_path / "m.yaml")
    with pytest.raises(UsageError, match=r"There is no file .*none\.yaml"):
        load(tmp_path / "none.yaml")
    (tmp_path / "large.yaml").write_text("a: " + "x" * 1024 * 1024)
    with pytest.raises(UsageError, match="larger than 1 MiB"):
        load(tmp_path / "large.yaml")


def test_places_are_seen_from_the_mapping(bench: Bench) -> None:
    mapping = load(bench.mapping(TOP))
    assert mapping.source.location == str(bench.folder / "in.csv")
    assert mapping.target.location == str(bench.folder / "drops")
    assert mapping.name == "m"
    assert mapping.rules[1].times is None
    remote = load(bench.mapping(TOP.replace("in.csv", "s3://invoices/oci")))
    assert remote.source.location == "s3://invoices/oci"


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ("{sql: cost + nothing}", "6:30"),
        ("{sql: 'cost + ''1'' + nothing'}", "6:39"),
        ('{sql: "cost + nothing"}', "6:31"),
        ("\n    sql: |\n      cost +\n      nothing", "9:7"),
        ("\n    sql: >\n      cost +\n      nothing", "7:10"),
    ],
)
def test_a_fault_in_an_expression_is_told_with_its_letter(bench: Bench, rule: str, place: str) -> None:
    bench.invoice("day,cost\n2026-05-01,1\n")
    with pytest.raises(UsageError, match="there is no column nothing") as caught:
        bench.rule(f"usage/amount: {rule}").rehearse()
    assert caught.value.message.startswith(f"{bench.folder}/m.yaml:{place}: the expression of usage/amount")
