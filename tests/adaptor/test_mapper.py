"""What rules make of an invoice's rows, and what is told of those of which they make nothing."""

from __future__ import annotations

import pytest

from outlay.adaptor.adaptor import Outcome
from outlay.errors import DeliveryError, UsageError
from outlay.findings import Finding
from tests.adaptor.conftest import HEAD, USUAL, Bench

START = "time/usage_start"


def faults(bench: Bench, *rules: str, more: str = "") -> list[tuple[str, int | None, str]]:
    with pytest.raises(DeliveryError) as caught:
        bench.rule(*rules, more=more).publish()
    assert not (bench.folder / "drops").exists() or not any((bench.folder / "drops").iterdir())
    return [(each.code, each.row, each.message) for each in caught.value.findings if each.is_error]


@pytest.mark.parametrize(
    ("rule", "texts", "expected"),
    [
        ("x", ["2026-05-01T10:59:59.999Z", "2026-05-01 11:00"], ["2026-05-01T10:00:00Z", "2026-05-01T11:00:00Z"]),
        ("{column: x, round: exact}", ["2026-05-01T10:59:59Z"], ["2026-05-01T10:59:59Z"]),
        ("{column: x, round: day}", ["2026-05-03T23:30:00-02:00"], ["2026-05-04T00:00:00Z"]),
        ("{column: x, round: month}", ["2026-05-03"], ["2026-05-01T00:00:00Z"]),
        ("{column: x, format: '%d.%m.%Y %H:%M'}", ["03.05.2026 14:05"], ["2026-05-03T14:00:00Z"]),
        ("{column: x, format: ['%d/%m/%Y', iso]}", ["03/05/2026", "2026-05-03"], ["2026-05-03T00:00:00Z"] * 2),
        ("{column: x, zone: Europe/Berlin}", ["2026-05-03 01:30", "2026-05-02T23:30Z"], ["2026-05-02T23:00:00Z"] * 2),
        ("{column: x, format: unix}", ["1777809600", "1777809600.5"], ["2026-05-03T12:00:00Z"] * 2),
        ("{column: x, format: unix-ms}", ["1777809600123"], ["2026-05-03T12:00:00Z"]),
        ("{sql: \"strptime(x, '%Y%m%d')\", zone: Asia/Kolkata, round: exact}", ["20260503"], ["2026-05-02T18:30:00Z"]),
        ("{sql: 'x::TIMESTAMPTZ'}", ["2026-05-03 02:00:00+02"], ["2026-05-03T00:00:00Z"]),
    ],
)
def test_times_become_utc(bench: Bench, rule: str, texts: list[str], expected: list[str]) -> None:
    bench.invoice("x,cost\n" + "".join(f"{text},1\n" for text in texts))
    bench.run(f"{HEAD}  {START}: {rule}\n  cost/cost: cost\n").publish()
    assert bench.made(START) == expected


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        ("x", "12.3400000000000000000001", "12.3400000000000000000001"),
        ("x", " 4.5e-05 ", "0.000045"),
        ("x", "1.5E+3", "1500"),
        ("{column: x, decimal: ',', thousands: .}", '"1.234,50"', "1234.50"),
        ("{column: x, decimal: ',', thousands: .}", '"-,5"', "-.5"),
        ("{column: x, decimal: ','}", '"2,5E-3"', "0.0025"),
        ("{column: x, thousands: ' '}", "1 234.5", "1234.5"),
        ("{column: x, thousands: ','}", '"12,34,567.8"', "1234567.8"),
        ("{column: x, default: 0}", "", "0"),
        ("{value: 0.10}", "", "0.10"),
        ("{sql: 'x::DECIMAL(20,9) * 0.001'}", "5", "0.005"),
        ("{sql: 'divide(x, 3)'}", "1", "0.333333333333333333"),
        ("{column: x, key: usd}", '"{""usd"": 0.12345678901234567890123}"', "0.12345678901234567890123"),
    ],
)
def test_numbers_keep_every_digit(bench: Bench, rule: str, text: str, expected: str) -> None:
    bench.invoice(f"day,x\n2026-05-01,{text}\n")
    bench.run(f"{HEAD}  {START}: day\n  cost/cost: {rule}\n").publish()
    assert bench.made("cost/cost") == [expected]


@pytest.mark.parametrize(
    ("rule", "texts", "expected"),
    [
        ("{column: x, words: {use: Usage, VAT: Tax}}", ["USE", " vat", ""], ["Usage", "Tax", None]),
        ("{column: x, words: {use: Usage}, else: Fee}", ["use", "other", ""], ["Usage", "Fee", None]),
        ("{column: x, words: {use: Usage}, default: Credit}", ["use", ""], ["Usage", "Credit"]),
        ("{value: Tax}", ["a"], ["Tax"]),
        ("{sql: \"if(x = 'a', 'Tax', 'Usage')\"}", ["a", "b"], ["Tax", "Usage"]),
    ],
)
def test_words_of_the_vendor_become_types(
    bench: Bench, rule: str, texts: list[str], expected: list[str | None]
) -> None:
    bench.invoice("day,cost,x\n" + "".join(f"2026-05-01,1,{text}\n" for text in texts))
    bench.rule(f"lineitem/type: {rule}").publish()
    assert bench.made("lineitem/type") == expected


def test_tags_come_from_columns_constants_expressions_and_json(bench: Bench) -> None:
    bench.invoice(
        """\
        day,cost,id,team,tags/Env,tags/env,tags/cost center,tags/out,meta
        2026-05-01,1,r/1,blue,prod,low,47,x,"{""app"": ""web"", ""n"": 1.50, ""on"": true, ""deep"": {""a"": [1]}}"
        2026-05-01,2,r/2,,,,,,
        """
    )
    tags = "tags:\n  team: team\n  by: {value: outlay}\n  both: {sql: 'team || id'}\n  gw.on: {value: mine}\n"
    sources = "tags_from:\n  - {prefix: tags/, except: [out]}\n  - {json: meta, add: gw.}\n"
    outcome = bench.rule("resource/id: id", more=tags + sources).publish()
    one, two = bench.published()
    given = {key.removeprefix("resource/tag:"): text for key, text in one.items() if key.startswith("resource/tag:")}
    named = {"team": "blue", "by": "outlay", "both": "bluer/1", "Env": "prod", "env": "low", "cost_center": "47"}
    assert given == named | {"gw.app": "web", "gw.n": "1.50", "gw.on": "mine", "gw.deep": '{"a": [1]}'}
    assert {key for key in two if "tag" in key} == {"resource/tag:by", "resource/tag:gw.on"}
    assert [(each.code, each.column) for each in told(outcome)] == [("tag-key-changed", "resource/tag:cost_center")]


def told(outcome: Outcome) -> list[Finding]:
    assert outcome.publication
    return list(outcome.publication.findings)


def test_only_the_named_keys_of_json_become_tags(bench: Bench) -> None:
    bench.invoice('day,cost,id,meta\n2026-05-01,1,r/1,"{""a"": 1, ""b"": 2}"\n')
    bench.rule("resource/id: id", more="tags_from:\n  - {json: meta, only: [b]}\n").publish()
    assert [key for key in bench.published()[0] if "tag" in key] == ["resource/tag:b"]


def test_rows_that_where_leaves_out_are_counted_and_not_mapped(bench: Bench) -> None:
    bench.invoice("day,cost,state\n2026-05-01,1,ok\n2026-05-01,nonsense,draft\n2026-05-01,2,\n")
    outcome = bench.rule(more="where: state = 'ok'\n").publish()
    assert (outcome.left_out, bench.made("cost/cost")) == (2, ["1"])


def test_faults_name_the_row_the_value_and_the_rule(bench: Bench) -> None:
    bench.invoice(
        """\
        day,cost,x,qty,meta
        2026-05-01,1,use,2,{}
        yesterday,1,use,2,{}
        2026-05-01,1,lease,2,{}
        2026-05-01,1,use,two,{}
        2026-05-01,1,use,2,[1]
        2026-05-01,1.2.3,use,2,{}
        2026-05-01,,use,2,{}
        """
    )
    rules = ("lineitem/type: {column: x, words: {use: Usage}}", "usage/amount: {sql: 'qty::DECIMAL(9,2)'}")
    m = f"{bench.folder}/m.yaml"
    told = faults(bench, *rules, more="tags_from:\n  - json: meta\n")
    no_decimal = 'Could not convert string "two" to DECIMAL(9,2) when casting from source column "qty"'
    expected = (
        ("invoice-time-unread", START, f"made of 'yesterday' by {m}:4:3, but it is no time of the format iso."),
        ("invoice-word-unknown", "lineitem/type", f"made of 'lease' by {m}:6:3, but no word of the mapping says what"),
        ("expression-failed", "usage/amount", f"{m}:7:23 cannot be computed: {no_decimal}."),
        ("invoice-json-invalid", "meta", f"made of '[1]' by {m}:9:5, but it is no JSON object."),
        ("number-invalid", "cost/cost", f"'1.2.3', not a plain decimal such as -12.30. It is made by {m}:5:3."),
        ("value-missing", "cost/cost", f"blank. It is made by {m}:5:3."),
    )
    assert [code for code, _, _ in told] == [code for code, _, _ in expected]
    for number, ((_, row, message), (_, column, said)) in enumerate(zip(told, expected, strict=True), start=2):
        assert row == number
        assert message.startswith(f"in.csv, row {row}: {column} ")
        assert said in message


@pytest.mark.parametrize("text", ["1.5", "1.2345", '"1,234.50"', '"1,5,0"', "12e", "--1", "EUR 5", "1.234.5", '","'])
def test_a_number_whose_signs_stand_elsewhere_is_told_and_not_guessed(bench: Bench, text: str) -> None:
    """1.5 in a bill that writes 1.234,50 is a mistake: it must become neither 15 nor 1.5."""
    bench.invoice(f"day,cost,x\n2026-05-01,1,{text}\n")
    ((code, row, message),) = faults(bench, "usage/amount: {column: x, decimal: ',', thousands: .}")
    assert (code, row) == ("invoice-number-unread", 1)
    assert "but it is no number such as 1.234,50." in message


def test_the_first_hundred_faults_are_told_and_all_are_counted(bench: Bench) -> None:
    bench.invoice("day,cost\n" + "2026-05-01,1\n" * 5 + "never,1\n" * 40_000)
    with pytest.raises(DeliveryError, match="There are 39,999 faults more") as caught:
        bench.rule().publish()
    assert len(caught.value.findings) == 100
    assert [each.row for each in caught.value.findings][:2] == [6, 7]


def test_a_column_that_is_missing_is_told_once_a_file(bench: Bench) -> None:
    for name in ("a.csv", "b.csv"):
        bench.invoice("day,Kosts\n2026-05-01,1\n2026-05-01,1\n", f"bills/{name}")
    with pytest.raises(DeliveryError) as caught:
        bench.run(f"{HEAD}{USUAL}".replace("in.csv", "bills").replace("cost: cost", "cost: costs")).publish()
    place = f"{bench.folder}/m.yaml:5:14"
    assert [each.message for each in caught.value.findings] == [
        f"{name} lacks the column costs, which {place} reads (Kosts is meant?)." for name in ("a.csv", "b.csv")
    ]
    assert {each.code for each in caught.value.findings} == {"invoice-column-missing"}


def test_names_of_columns_may_differ_by_case_alone(bench: Bench) -> None:
    bench.invoice("Day,COST,a/B,A/b\n2026-05-01,1.5,one,two\n")
    bench.rule("resource/service: a/B", "resource/region: {sql: '\"A/b\"'}").publish()
    assert bench.published() == [
        {START: "2026-05-01T00:00:00Z", "cost/cost": "1.5", "resource/service": "one", "resource/region": "two"}
    ]


def test_keys_that_would_become_one_tag_are_refused(bench: Bench) -> None:
    bench.invoice("day,cost,id,t/a b,t/a-b,t/a_b\n2026-05-01,1,r/1,x,y,z\n")
    found = faults(bench, "resource/id: id", more="tags_from:\n  - prefix: t/\n")
    assert [code for code, _, _ in found] == ["tag-keys-merged"]
    assert "the tags 'a b' and 'a_b'" in found[0][2]


def test_two_sources_of_one_tag_are_refused(bench: Bench) -> None:
    bench.invoice('day,cost,id,t/a,meta\n2026-05-01,1,r/1,x,"{""a"": ""y""}"\n')
    found = faults(bench, "resource/id: id", more="tags_from:\n  - prefix: t/\n  - json: meta\n")
    assert [code for code, _, _ in found] == ["tag-keys-merged"]
    bench.rule("resource/id: id", more="tags_from:\n  - prefix: t/\n  - {json: meta, add: m.}\n").publish()


def test_a_mapping_of_constants_alone_has_as_many_rows_as_the_invoice(bench: Bench) -> None:
    bench.invoice("day,cost\n2026-05-01,1\n2026-05-01,2\n")
    bench.run(f"{HEAD}  {START}: {{value: 2026-05-01}}\n  cost/cost: {{sql: '2 * 1.5'}}\n").publish()
    assert bench.made("cost/cost") == ["3", "3"]


def test_tags_without_an_id_are_told_with_the_mapping(bench: Bench) -> None:
    bench.invoice("day,cost,id\n2026-05-01,1,\n")
    found = faults(bench, "resource/id: id", more="tags: {by: {value: us}}\n")
    assert found[0][0] == "resource-missing"
    assert f"{bench.folder}/m.yaml:6:3" in found[0][2]


def test_too_many_keys_of_json_are_refused(bench: Bench) -> None:
    many = ", ".join(f'""k{number}"": 1' for number in range(4100))
    bench.invoice(f'day,cost,id,meta\n2026-05-01,1,r/1,"{{{many}}}"\n')
    found = faults(bench, "resource/id: id", more="tags_from:\n  - json: meta\n")
    assert found[0][0] == "columns-too-many"


def test_an_expression_that_makes_money_of_binary_fractions_is_refused(bench: Bench) -> None:
    bench.invoice("day,cost\n2026-05-01,1\n")
    with pytest.raises(UsageError, match="is a binary fraction") as caught:
        bench.rule("cost/on_demand_cost: {sql: 'cost::DOUBLE'}").rehearse()
    assert "divide(a, b)" in caught.value.next
